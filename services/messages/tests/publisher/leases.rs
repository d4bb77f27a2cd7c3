//! Several publishers side by side.

use std::time::Duration;

use plaza_centrifugo::Channel;
use plaza_events::{Partition, Source};
use plaza_testkit::{eventually, redis};
use plaza_types::{RoomId, UserId};
use redis::AsyncCommands;
use serde_json::json;
use tokio::time::Instant;

use crate::{
    fake_centrifugo::{FakeCentrifugo, Fate},
    fixture::{Fixture, SOON, Streams, as_shown, lease_key, seqs},
};

/// Rooms of one member each, over all partitions.
fn rooms(fixture: &Fixture) -> Vec<(RoomId, Channel)> {
    (0..64)
        .map(|_| {
            let (room, members) = fixture.room(1);
            let [member]: [UserId; 1] = members.try_into().unwrap();
            (room, Channel::Personal(member))
        })
        .collect()
}

async fn say(
    streams: &mut Streams,
    rooms: &[(RoomId, Channel)],
    numbers: std::ops::RangeInclusive<i64>,
) {
    for (room, _) in rooms {
        streams.messages(*room, numbers.clone()).await;
    }
}

async fn until_done(streams: &mut Streams) {
    eventually(SOON, async || streams.waiting().await == 0).await;
}

/// How many partitions have another owner than these leases say.
async fn changed(streams: &mut Streams, before: &[Option<String>]) -> usize {
    let now = streams.leases().await;
    now.iter()
        .zip(before)
        .filter(|(now, before)| now != before)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_two_publishers_side_by_side_publish_each_event_once() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let rooms = rooms(&fixture);
    let mut streams = fixture.streams();
    let _first = fixture.start();
    streams.until_owned().await;
    let alone = streams.leases().await;
    say(&mut streams, &rooms, 1..=5).await;

    let _second = fixture.start();
    say(&mut streams, &rooms, 6..=10).await;
    eventually(SOON, async || {
        changed(&mut streams, &alone).await == 8
            && streams.leases().await.iter().all(Option::is_some)
    })
    .await;
    say(&mut streams, &rooms, 11..=15).await;
    until_done(&mut streams).await;
    for (_, channel) in &rooms {
        assert_eq!(fake.taken(*channel), seqs(1..=15));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_7_delivery_resumes_within_5_s_after_an_owner_is_killed() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let rooms = rooms(&fixture);
    let mut streams = fixture.streams();
    let first = fixture.start();
    streams.until_owned().await;
    let alone = streams.leases().await;
    let _second = fixture.start();
    eventually(SOON, async || changed(&mut streams, &alone).await == 8).await;
    streams.until_owned().await;

    first.kill();
    let killed = Instant::now();
    say(&mut streams, &rooms, 1..=3).await;
    until_done(&mut streams).await;
    let pause = killed.elapsed();
    assert!(pause < Duration::from_secs(5), "{pause:?}");
    for (_, channel) in &rooms {
        assert_eq!(as_shown(&fake.taken(*channel)), seqs(1..=3));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_stops_in_good_order_hands_over_at_once() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let mut streams = fixture.streams();
    let publisher = fixture.start();
    streams.until_owned().await;
    publisher.stop().await;
    assert!(streams.leases().await.iter().all(Option::is_none));
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_an_owner_paused_beyond_its_lease_publishes_nothing_and_moves_no_cursor() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, members) = fixture.room(2);
    let channel = Channel::Personal(members[0]);
    let mut streams = fixture.streams();
    let paused = fixture.start();
    streams.messages(room, 1..=3).await;
    until_done(&mut streams).await;
    // It holds these for one of two channels, and would send them again as
    // soon as it runs.
    let failing = channel.to_string();
    fake.rule(move |to, _| {
        if to == failing {
            Fate::Refuse(100)
        } else {
            Fate::Take
        }
    });
    let calls = fake.calls();
    streams.messages(room, 4..=6).await;
    eventually(SOON, async || fake.calls() > calls).await;
    let standing = paused.pause();
    let before = streams.leases().await;

    fake.rule(|_, _| Fate::Take);
    let other = fixture.start();
    eventually(SOON, async || changed(&mut streams, &before).await == 16).await;
    streams.messages(room, 7..=9).await;
    until_done(&mut streams).await;
    assert_eq!(fake.taken(channel), seqs(1..=9));
    other.stop().await;
    streams.messages(room, 10..=10).await;
    let calls = fake.calls();

    drop(standing);
    until_done(&mut streams).await;
    assert!(fake.calls() > calls);
    assert_eq!(fake.taken(channel), seqs(1..=10), "it sent what it held");
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_lease_or_a_cursor_that_is_gone_loses_nothing() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let rooms = rooms(&fixture);
    let mut streams = fixture.streams();
    let _publishers = [fixture.start(), fixture.start()];
    streams.until_owned().await;
    for turn in 0..4 {
        say(&mut streams, &rooms, turn * 5 + 1..=turn * 5 + 5).await;
        for partition in Partition::all() {
            let gone = if turn % 2 == 0 {
                lease_key(partition)
            } else {
                format!("plaza:{{p{partition}}}:cursor")
            };
            let _: u64 = streams.connection.del(gone).await.unwrap();
        }
    }
    until_done(&mut streams).await;
    for (_, channel) in &rooms {
        assert_eq!(as_shown(&fake.taken(*channel)), seqs(1..=20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_of_life_are_held_back_while_a_partition_does_not_get_on() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let mut streams = fixture.streams();
    let (room, _) = std::iter::repeat_with(|| fixture.room(1))
        .find(|(room, _)| Partition::of(&room.to_string()) != Partition::PULSE)
        .unwrap();
    let tick = json!({ "type": "tick" });
    let _publisher = fixture.start();
    streams.add(Source::Messages, "pulse", &tick).await;
    until_done(&mut streams).await;
    assert_eq!(fake.taken(Channel::Pulse), ["tick"]);

    // Nobody says who reads the room, so that its partition waits.
    fixture.rooms.set_away(true);
    streams.messages(room, 1..=1).await;
    let silence = Duration::from_secs(20);
    eventually(silence, async || {
        let before = fake.taken(Channel::Pulse).len();
        streams.add(Source::Messages, "pulse", &tick).await;
        eventually(SOON, async || streams.waiting().await == 1).await;
        fake.taken(Channel::Pulse).len() == before
    })
    .await;

    fixture.rooms.set_away(false);
    eventually(SOON, async || {
        let before = fake.taken(Channel::Pulse).len();
        streams.add(Source::Messages, "pulse", &tick).await;
        until_done(&mut streams).await;
        fake.taken(Channel::Pulse).len() > before
    })
    .await;
}
