//! Where rooms in room mode stand, for lists.

use std::time::Duration;

use plaza_centrifugo::Channel;
use plaza_testkit::{TestCentrifugoOptions, centrifugo, eventually, own_redis, redis};
use plaza_types::UserId;
use serde_json::json;

use crate::{
    fake_centrifugo::{FakeCentrifugo, Fate},
    fixture::{Fixture, SOON, as_shown, history_of, is_in_order, seqs},
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_told_at_most_once_a_second_and_the_last_word_always_comes() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, _) = fixture.room(2);
    let channels = fixture.grown(room);
    let mut streams = fixture.streams();
    let _publisher = fixture.start();
    let mut last = 0;
    while fake.taken(channels.head).len() < 3 {
        last += 1;
        streams.whole_messages(room, last..=last).await;
        eventually(SOON, async || fake.taken(channels.room) == seqs(1..=last)).await;
    }
    let newcomer = UserId::new();
    streams.member(room, 2, newcomer, Some("member")).await;
    last += 1;
    streams.whole_messages(room, last..=last).await;
    // The cursor waits for the last word.
    eventually(SOON, async || streams.waiting().await == 0).await;

    let words = fake.taken_at(channels.head);
    for two in words.windows(2) {
        let between = two[1].0 - two[0].0;
        assert!(between >= SECOND, "{between:?} between two words");
    }
    let (_, word) = words.last().unwrap();
    assert_eq!(
        (&word["headSeq"], &word["number"]),
        (&json!(last), &json!(last))
    );
    assert_eq!(word["preview"], json!(last.to_string()));
    assert_eq!(word["memberCount"], 1);
    assert!(words.len() < 8, "{} words", words.len());
    assert_eq!(fake.taken(channels.room), seqs(1..=last));
    assert_eq!(fake.taken(Channel::Personal(newcomer)), ["joined"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cursor_waits_for_a_word_that_is_refused_and_holds_up_nothing_else() {
    let (redis, fake) = (redis().await, FakeCentrifugo::default());
    let fixture = Fixture::new(&redis.url, &fake.start().await, "key").await;
    let (room, _) = fixture.room(1);
    let channels = fixture.grown(room);
    let head = channels.head.to_string();
    fake.rule(move |to, _| Fate::failing_if(to == head));
    let mut streams = fixture.streams();
    let first = fixture.start();
    streams.whole_messages(room, 1..=3).await;
    eventually(SOON, async || fake.taken(channels.room).len() >= 3).await;
    let calls = fake.calls();
    eventually(SOON, async || fake.calls() > calls + 2).await;
    assert_eq!(streams.waiting().await, 3);
    first.stop().await;
    assert_eq!(streams.waiting().await, 3, "whoever comes next says it");

    fake.rule(|_, _| Fate::Take);
    let _second = fixture.start();
    eventually(SOON, async || streams.waiting().await == 0).await;
    let (_, word) = fake.taken_at(channels.head).pop().unwrap();
    assert_eq!(word["headSeq"], 3);
    assert_eq!(as_shown(&fake.taken(channels.room)), seqs(1..=3));
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_publisher_killed_before_its_word_repeats_a_large_room_in_larger_folds() {
    let (streams_redis, server) =
        tokio::join!(own_redis(), centrifugo(TestCentrifugoOptions::default()));
    let fixture = Fixture::new(&streams_redis.url, &server.api_url, &server.api_key).await;
    // So that it cannot be said before the end.
    let fixture = fixture.limited(|limits| limits.head_interval_ms = 60_000);
    let (room, _) = fixture.room(2);
    let channels = fixture.grown(room);
    let mut streams = fixture.streams();
    let first = fixture.start();
    for (seq, sent) in (1..=5).zip(1..) {
        streams.whole_messages(room, seq..=seq).await;
        eventually(SOON, async || {
            history_of(&server, channels.room).await.concat().len() == sent
        })
        .await;
    }
    first.kill();
    assert_eq!(streams.waiting().await, 5, "a word waits");

    let fixture = fixture.limited(|limits| limits.head_interval_ms = 1_000);
    streams.whole_messages(room, 6..=20).await;
    let _second = fixture.start();
    eventually(SOON, async || streams.waiting().await == 0).await;
    let publications = history_of(&server, channels.room).await;
    assert_eq!(
        publications.last().map(Vec::len),
        Some(20),
        "more is folded than before"
    );
    let got: Vec<_> = publications
        .iter()
        .flatten()
        .map(crate::fixture::name)
        .collect();
    assert_eq!(as_shown(&got), seqs(1..=20));
    is_in_order(&got);
    let word = history_of(&server, channels.head).await.concat();
    assert_eq!(word[0]["headSeq"], 20);
}
