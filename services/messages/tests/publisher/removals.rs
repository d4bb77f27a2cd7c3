//! Who left gets nothing more, whatever waits.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use plaza_centrifugo::Channel;
use plaza_testkit::{eventually, redis};
use plaza_types::Visibility;

use crate::{
    fake_centrifugo::{FakeCentrifugo, Fate},
    fixture::{Fixture, SOON, seqs},
    screen::Stage,
};

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_5_nothing_goes_to_a_large_room_until_who_left_is_made_to_leave_its_channels() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, members) = fixture.room(2);
    let channels = fixture.grown(room);
    let mut streams = fixture.streams();
    let _publisher = fixture.start();
    streams.whole_messages(room, 1..=1).await;
    eventually(SOON, async || streams.waiting().await == 0).await;

    let refuses = Arc::new(AtomicBool::new(true));
    let stop = refuses.clone();
    fake.rule(move |_, what| {
        Fate::failing_if(what.starts_with('-') && refuses.load(Ordering::SeqCst))
    });
    // Behind them in the streams, and before them in what is read.
    streams.whole_messages(room, 2..=4).await;
    streams.member(room, 2, members[1], None).await;
    streams.whole_messages(room, 5..=6).await;
    let own = Channel::Personal(members[1]);
    eventually(SOON, async || fake.taken(own) == ["left"]).await;
    let calls = fake.calls();
    eventually(SOON, async || fake.calls() > calls + 3).await;
    let before = fake.taken(channels.room);
    assert!(!before.contains(&"6".to_owned()), "{before:?}");
    assert!(streams.waiting().await > 0);

    stop.store(false, Ordering::SeqCst);
    eventually(SOON, async || streams.waiting().await == 0).await;
    let gone = format!("-{}", members[1]);
    let taken = fake.taken(channels.room);
    let at = taken.iter().position(|name| *name == gone).unwrap();
    assert_eq!(taken[..at], before);
    let head = fake.taken(channels.head);
    assert_eq!(head[..2], ["head", &gone]);
    assert!(head.len() > 2 && head[2..].iter().all(|name| name == "head"));
    let messages: Vec<_> = taken.into_iter().filter(|name| *name != gone).collect();
    assert_eq!(messages, seqs(1..=6));
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_5_who_left_a_large_private_room_gets_nothing_later_and_others_go_on() {
    let (redis, stage) = tokio::join!(redis(), Stage::new());
    let (url, key) = (&stage.server.api_url, &stage.server.api_key);
    let fixture = Fixture::with_rooms(stage.rooms.clone(), &redis.url, url, key).await;
    let (room, members) = fixture.room(2);
    fixture
        .rooms
        .change(room, |fanout| fanout.visibility = Visibility::Private);
    let channels = fixture.grown(room);
    let mut streams = fixture.streams();
    let _publisher = fixture.start();
    // Everything comes by the channel: nothing is there to be asked for.
    let nothing = Arc::new(AtomicI64::new(0));
    let stays = stage.look(members[0], room, &nothing).await;
    let leaves = stage.look(members[1], room, &nothing).await;
    eventually(SOON, async || {
        [&stays, &leaves]
            .iter()
            .all(|screen| screen.seen().subscribed.contains(&channels.room))
    })
    .await;
    streams.whole_messages(room, 1..=3).await;
    eventually(SOON, async || {
        stays.seen().position == 3 && leaves.seen().position == 3
    })
    .await;

    fixture.rooms.change(room, |fanout| {
        fanout.version = fanout.version.next();
        fanout.members.pop();
    });
    streams.member(room, 2, members[1], None).await;
    streams.whole_messages(room, 4..=9).await;
    eventually(SOON, async || match stays.seen() {
        seen if seen.position == 9 => Ok(()),
        seen => Err(seen),
    })
    .await;
    eventually(SOON, async || leaves.seen().ended.contains(&channels.room)).await;
    let seen = leaves.seen();
    assert!(seen.types.contains(&"left".to_owned()));
    eventually(SOON, async || streams.waiting().await == 0).await;
    assert!(seen.position < 9, "{seen:?}");
    assert!(!leaves.seen().ahead.contains(&9));
}
