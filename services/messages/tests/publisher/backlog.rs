//! What waits together, and what has waited for too long.

use std::time::Duration;

use plaza_centrifugo::Channel;
use plaza_clients::rooms::Fanout;
use plaza_events::Source;
use plaza_testkit::{TestCentrifugoOptions, centrifugo, eventually, redis};
use plaza_types::{Epoch, UserId};
use serde_json::json;

use crate::{
    fake_centrifugo::FakeCentrifugo,
    fixture::{Fixture, SOON, history, seqs},
};

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_backlog_is_folded_within_bounds_and_nothing_of_it_is_lost() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, members) = fixture.room(2);
    let mut streams = fixture.streams();
    streams.messages(room, 1..=200).await;
    let _publisher = fixture.start();
    eventually(SOON, async || streams.waiting().await == 0).await;
    for member in members {
        let channel = Channel::Personal(member);
        assert_eq!(fake.taken(channel), seqs(1..=200));
        assert_eq!(fake.sizes(channel), [50; 4]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_system_publishes_each_event_alone() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, members) = fixture.room(1);
    let channel = Channel::Personal(members[0]);
    let mut streams = fixture.streams();
    let _publisher = fixture.start();
    for seq in 1..=5 {
        streams.messages(room, seq..=seq).await;
        eventually(SOON, async || fake.taken(channel) == seqs(1..=seq)).await;
    }
    assert_eq!(fake.sizes(channel), [1; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_to_a_very_large_room_too_fast_is_folded_and_a_small_one_does_without() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let fixture = fixture.limited(|limits| limits.pace_max_ms = 1_000);
    let grown = |members| {
        let (room, _) = fixture.room(1);
        let channel = fixture.grown(room).room;
        let count = |fanout: &mut Fanout| fanout.member_count = members;
        fixture.rooms.change(room, count);
        (room, channel)
    };
    let (room, channel) = grown(1_000_000);
    let mut streams = fixture.streams();
    let _publisher = fixture.start();
    // One by one, each as soon as the one before is in the stream.
    for seq in 1..=30 {
        streams.messages(room, seq..=seq).await;
    }
    eventually(SOON, async || fake.taken(channel) == seqs(1..=30)).await;
    let sizes = fake.sizes(channel);
    assert!(sizes.len() <= 10, "{sizes:?}");
    let times: Vec<_> = fake.taken_at(channel).iter().map(|(at, _)| *at).collect();
    // Those of one publication come together.
    let (together, least) = (Duration::from_millis(200), Duration::from_millis(900));
    let between = times.windows(2).map(|two| two[1] - two[0]);
    let is_paced = |between: Duration| between < together || between >= least;
    assert!(between.clone().all(is_paced), "{times:?}");

    let (room, channel) = grown(100);
    let begun = std::time::Instant::now();
    for seq in 1..=5 {
        streams.messages(room, seq..=seq).await;
        eventually(SOON, async || fake.taken(channel) == seqs(1..=seq)).await;
    }
    assert_eq!(fake.sizes(channel), [1; 5]);
    let took = begun.elapsed();
    // At the pace above it would have been four seconds.
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_backlog_older_than_ten_minutes_one_head_a_room_is_left() {
    let (redis, server) = tokio::join!(redis(), centrifugo(TestCentrifugoOptions::default()));
    let fixture = Fixture::new(&redis.url, &server.api_url, &server.api_key).await;
    let (room, members) = fixture.room(1);
    let gone = UserId::new();
    let mut streams = fixture.streams();
    let (key, epoch) = (room.to_string(), Epoch::new());
    let time = "2026-01-01T00:00:00Z";
    let old = Duration::from_secs(601);
    for seq in 1..=30 {
        let event = json!({ "type": "message.created", "room": room, "seq": seq, "epoch": epoch,
            "time": time, "message": { "number": seq } });
        streams.add_aged(Source::Messages, &key, &event, old).await;
    }
    let left = json!({ "type": "member.updated", "room": room, "version": 2, "role": null,
        "epoch": epoch, "time": time, "memberCount": 1,
        "user": { "id": gone, "username": "bob", "displayName": "Bob" } });
    streams.add_aged(Source::Rooms, &key, &left, old).await;
    streams.messages(room, 31..=31).await;
    let _publisher = fixture.start();
    eventually(SOON, async || streams.waiting().await == 0).await;
    assert_eq!(
        history(&server, members[0]).await.concat(),
        [
            json!({ "type": "head", "room": room, "epoch": epoch, "time": time,
                "headSeq": 30, "number": 30 }),
            json!({ "type": "message.created", "room": room, "seq": 31 }),
        ]
    );
    let told = history(&server, gone).await.concat();
    assert_eq!(told[0]["type"], "left");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_backlog_of_a_large_room_is_one_head_in_its_channel_and_one_word_for_lists() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, _) = fixture.room(1);
    let channels = fixture.grown(room);
    let mut streams = fixture.streams();
    let old = Duration::from_secs(601);
    for seq in 1..=300 {
        let event = json!({ "type": "message.created", "room": room, "seq": seq,
            "epoch": Epoch::new(), "time": "2026-01-01T00:00:00Z", "message": { "number": seq } });
        let key = room.to_string();
        streams.add_aged(Source::Messages, &key, &event, old).await;
    }
    streams.whole_messages(room, 301..=400).await;
    let _publisher = fixture.start();
    eventually(SOON, async || streams.waiting().await == 0).await;
    let taken = fake.taken(channels.room);
    let (heads, messages) = taken.split_at(taken.len() - 100);
    assert!(heads.iter().all(|name| name == "head"), "{heads:?}");
    assert!((1..=2).contains(&heads.len()), "one a read: {heads:?}");
    assert_eq!(messages, seqs(301..=400));
    assert!(fake.sizes(channels.room).iter().all(|size| *size <= 50));
    let words = fake.taken_at(channels.head);
    assert_eq!(words.last().unwrap().1["headSeq"], 400);
    assert!(words.len() <= 2, "{}", words.len());
}
