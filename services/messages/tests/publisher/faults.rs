//! Centrifugo answers, but not as one would like.

use std::collections::HashMap;

use plaza_centrifugo::Channel;
use plaza_events::stream::{Buried, count_dead_letters, dead_letters, replay};
use plaza_testkit::{eventually, redis};

use crate::{
    fake_centrifugo::{FakeCentrifugo, Fate},
    fixture::{Fixture, SOON, as_shown, seqs},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_channel_is_not_reordered_and_holds_up_no_other() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, members) = fixture.room(2);
    let [failing, other] = [0, 1].map(|place| Channel::Personal(members[place]));
    let channel = failing.to_string();
    let mut tries: HashMap<String, u32> = HashMap::new();
    fake.rule(move |to, event| {
        let tries = tries.entry(event.to_owned()).or_default();
        *tries += u32::from(to == channel);
        if to == channel && *tries <= 2 {
            Fate::Refuse(100)
        } else {
            Fate::Take
        }
    });
    let mut streams = fixture.streams();
    streams.messages(room, 1..=10).await;
    let _publisher = fixture.start();
    eventually(SOON, async || fake.taken(other) == seqs(1..=10)).await;
    assert!(
        fake.taken(failing).len() < 10,
        "the other one waited for the failing one"
    );
    eventually(SOON, async || streams.waiting().await == 0).await;
    assert_eq!(fake.taken(failing), seqs(1..=10));
    assert_eq!(fake.taken(other), seqs(1..=10), "nothing was sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_repeats_the_same_before_anything_later() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, members) = fixture.room(1);
    let channel = Channel::Personal(members[0]);
    fake.lose_answers(3);
    let mut streams = fixture.streams();
    streams.messages(room, 1..=5).await;
    let _publisher = fixture.start();
    eventually(SOON, async || streams.waiting().await == 0).await;
    let taken = fake.taken(channel);
    assert_eq!(taken.len(), 4 * 5, "{taken:?}");
    assert_eq!(as_shown(&taken), seqs(1..=5));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_be_published_is_a_dead_letter_and_can_be_replayed() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, members) = fixture.room(2);
    let [refused, other] = [0, 1].map(|place| Channel::Personal(members[place]));
    let channel = refused.to_string();
    fake.rule(move |to, events| {
        if to == channel && events.split(',').any(|event| event == "2") {
            Fate::Refuse(107)
        } else {
            Fate::Take
        }
    });
    let mut streams = fixture.streams();
    streams.messages(room, 1..=3).await;
    let _publisher = fixture.start();
    eventually(SOON, async || streams.waiting().await == 0).await;
    // Together they were refused; each was tried alone.
    assert_eq!(fake.taken(refused), ["1", "3"]);
    assert_eq!(as_shown(&fake.taken(other)), seqs(1..=3));

    let dead = dead_letters(&mut streams.connection, None, 10)
        .await
        .unwrap();
    let [buried] = dead.as_slice() else {
        panic!("{dead:?}");
    };
    let reason = &buried.letter.reason;
    assert!(reason.contains("107") && reason.contains(&refused.to_string()));

    fake.rule(|_, _| Fate::Take);
    replay(&mut streams.connection, buried).await.unwrap();
    eventually(SOON, async || fake.taken(refused) == ["1", "3", "2"]).await;
    let left = count_dead_letters(&mut streams.connection).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_during_an_outage_loses_nothing() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, members) = fixture.room(1);
    let channel = Channel::Personal(members[0]);
    let mut streams = fixture.streams();
    streams.messages(room, 1..=3).await;
    let publisher = fixture.start();
    eventually(SOON, async || streams.waiting().await == 0).await;
    fake.rule(|_, _| Fate::Refuse(100));
    let calls = fake.calls();
    streams.messages(room, 4..=6).await;
    eventually(SOON, async || fake.calls() > calls).await;
    publisher.stop().await;
    assert_eq!(
        streams.waiting().await,
        3,
        "the cursor stands behind the third"
    );

    fake.rule(|_, _| Fate::Take);
    let _publisher = fixture.start();
    eventually(SOON, async || streams.waiting().await == 0).await;
    assert_eq!(fake.taken(channel), seqs(1..=6));
}

/// Who leaves while the messages of a room wait for Centrifugo.
async fn leave_during_an_outage(begin: impl Fn(&FakeCentrifugo), end: impl Fn(&FakeCentrifugo)) {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, members) = fixture.room(2);
    begin(&fake);
    let mut streams = fixture.streams();
    streams.messages(room, 1..=3).await;
    let _publisher = fixture.start();
    eventually(SOON, async || fake.calls() > 1).await;
    streams.member(room, 2, members[1], None).await;
    end(&fake);
    eventually(SOON, async || streams.waiting().await == 0).await;
    let [stayed, gone] = [0, 1].map(|place| fake.taken(Channel::Personal(members[place])));
    assert_eq!(gone, ["left"]);
    assert_eq!(stayed, ["member.updated", "1", "2", "3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_while_centrifugo_was_away_gets_nothing_of_the_backlog() {
    leave_during_an_outage(|fake| fake.set_away(true), |fake| fake.set_away(false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_while_every_channel_failed_gets_nothing_of_the_backlog() {
    leave_during_an_outage(
        |fake| fake.rule(|_, _| Fate::Refuse(100)),
        |fake| fake.rule(|_, _| Fate::Take),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_where_a_broadcast_half_fails_the_failed_channels_alone_get_it_again_first() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, members) = fixture.room(6);
    let (large, _) = fixture.room_beside(room, 0);
    let channels = fixture.grown(large);
    let failing: Vec<_> = members[..3]
        .iter()
        .map(|member| Channel::Personal(*member))
        .collect();
    let names: Vec<_> = failing
        .iter()
        .chain([&channels.room])
        .map(Channel::to_string)
        .collect();
    let mut tries: HashMap<(String, String), u32> = HashMap::new();
    fake.rule(move |to, events| {
        let tries = tries.entry((to.to_owned(), events.to_owned())).or_default();
        *tries += 1;
        if names.iter().any(|name| name == to) && *tries <= 2 {
            Fate::Refuse(100)
        } else {
            Fate::Take
        }
    });
    let mut streams = fixture.streams();
    streams.messages(room, 1..=60).await;
    streams.whole_messages(large, 1..=60).await;
    let _publisher = fixture.start();
    eventually(SOON, async || streams.waiting().await == 0).await;
    // Each of them once and in order, those that failed as well.
    for member in members {
        assert_eq!(fake.taken(Channel::Personal(member)), seqs(1..=60));
    }
    assert_eq!(fake.taken(channels.room), seqs(1..=60));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_large_room_can_never_publish_is_a_dead_letter_and_can_be_replayed() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, _) = fixture.room(1);
    let channels = fixture.grown(room);
    let name = channels.room.to_string();
    let head = channels.head.to_string();
    fake.rule(move |to, events| {
        if to == head || to == name && events.split(',').any(|event| event == "2") {
            Fate::Refuse(107)
        } else {
            Fate::Take
        }
    });
    let mut streams = fixture.streams();
    streams.whole_messages(room, 1..=3).await;
    let _publisher = fixture.start();
    eventually(SOON, async || streams.waiting().await == 0).await;
    assert_eq!(fake.taken(channels.room), ["1", "3"]);
    let dead = dead_letters(&mut streams.connection, None, 10)
        .await
        .unwrap();
    // The event, and the word for lists.
    for channel in [channels.room, channels.head] {
        let of_channel = |buried: &&Buried| buried.letter.reason.contains(&channel.to_string());
        assert_eq!(dead.iter().filter(of_channel).count(), 1, "{dead:?}");
    }
    fake.rule(|_, _| Fate::Take);
    for buried in &dead {
        replay(&mut streams.connection, buried).await.unwrap();
    }
    eventually(SOON, async || streams.waiting().await == 0).await;
    assert_eq!(fake.taken(channels.room), ["1", "3", "2", "head"]);
    let (_, word) = fake.taken_at(channels.head).pop().unwrap();
    assert_eq!(word["headSeq"], 3);
}
