//! The memory in front of rooms, over its real HTTP API.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use plaza_testkit::eventually;
use tokio::time::Instant;

use crate::testing::{Bench, Mood, SOON, person};

#[tokio::test]
async fn a_member_is_asked_for_once() {
    let bench = Bench::new().await;
    let ada = person("ada");
    let room = bench.room(&[&ada]);
    for n in 0..5 {
        bench.sent(&ada, room, &format!("c{n}"), "hi").await;
    }
    bench.history(&ada, room, "").await;
    assert_eq!(bench.rooms.asked(), 1);
}

#[tokio::test]
async fn a_newcomers_first_send_is_asked_for_at_once() {
    let bench = Bench::new().await;
    let (ada, bob) = (person("ada"), person("bob"));
    let room = bench.room(&[&ada]);
    let refused = bench.send(&bob, room, "c1", "hi").await;
    assert_eq!(refused.code(), "FORBIDDEN");
    bench.rooms.join(room, &bob);
    bench.sent(&bob, room, "c1", "hi").await;
}

#[tokio::test]
async fn who_was_removed_writes_no_more() {
    let bench = Bench::new().await;
    let ada = person("ada");
    let room = bench.room(&[&ada]);
    bench.sent(&ada, room, "c1", "hi").await;
    bench.rooms.remove(room, &ada);
    let begun = Instant::now();
    eventually(SOON, async || {
        bench.send(&ada, room, "c1", "hi").await.code() == "FORBIDDEN"
    })
    .await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_room_that_became_private_is_closed_to_strangers() {
    let bench = Bench::new().await;
    let (ada, eve) = (person("ada"), person("eve"));
    let room = bench.room(&[&ada]);
    assert_eq!(bench.heads(&eve, &[room], false).await.len(), 1);
    bench.rooms.make_private(room);
    eventually(SOON, async || {
        bench.heads(&eve, &[room], false).await.is_empty()
    })
    .await;
    assert_eq!(bench.heads(&ada, &[room], false).await.len(), 1);
}

#[tokio::test]
async fn one_readers_question_about_a_public_room_serves_all() {
    let bench = Bench::new().await;
    let ada = person("ada");
    let room = bench.room(&[&ada]);
    for n in 0..5 {
        bench.history(&person(&format!("p{n}")), room, "").await;
    }
    assert_eq!(bench.rooms.asked(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_questions_about_one_member_are_one() {
    let bench = Arc::new(Bench::new().await);
    let ada = person("ada");
    let room = bench.room(&[&ada]);
    bench.rooms.set(Mood::Slow);
    let sends: Vec<_> = (0..10)
        .map(|n| {
            let (bench, ada) = (bench.clone(), ada.clone());
            tokio::spawn(async move { bench.sent(&ada, room, &format!("c{n}"), "hi").await })
        })
        .collect();
    for send in sends {
        send.await.unwrap();
    }
    assert_eq!(bench.rooms.asked(), 1);
}

#[tokio::test]
async fn without_rooms_known_members_of_public_rooms_go_on_and_nobody_else() {
    let bench = Bench::new().await;
    let (ada, bob) = (person("ada"), person("bob"));
    let room = bench.room(&[&ada, &bob]);
    let private = bench.rooms.private(&[&ada]);
    bench.sent(&ada, room, "c1", "hi").await;
    bench.sent(&ada, private, "c1", "hi").await;

    for mood in [Mood::Refuses, Mood::Silent] {
        bench.rooms.set(mood);
        // The private room says when the last removals are too old.
        eventually(SOON, async || {
            bench.send(&ada, private, "c1", "hi").await.code() == "UNAVAILABLE"
        })
        .await;
        let begun = Instant::now();
        for n in 0..5 {
            bench.sent(&ada, room, &format!("{mood:?}{n}"), "hi").await;
        }
        bench.history(&ada, room, "").await;
        bench.history(&bob, room, "").await;
        assert_eq!(bench.heads(&bob, &[room], true).await.len(), 1);
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "{:?}",
            begun.elapsed()
        );
        if mood == Mood::Refuses {
            let unknown = bench.send(&bob, room, "c1", "hi").await;
            assert_eq!(unknown.code(), "UNAVAILABLE");
            assert!(unknown.headers.contains_key("retry-after"));
        }
    }

    bench.rooms.set(Mood::Answers);
    eventually(SOON, async || {
        bench.send(&ada, private, "c1", "hi").await.status == StatusCode::OK
    })
    .await;
}

#[tokio::test]
async fn after_an_outage_of_rooms_what_was_removed_meanwhile_is_known() {
    let bench = Bench::new().await;
    let ada = person("ada");
    let room = bench.room(&[&ada]);
    bench.sent(&ada, room, "c1", "hi").await;
    bench.rooms.set(Mood::Refuses);
    bench.rooms.remove(room, &ada);
    bench.rooms.set(Mood::Answers);
    eventually(SOON, async || {
        bench.send(&ada, room, "c1", "hi").await.code() == "FORBIDDEN"
    })
    .await;
}
