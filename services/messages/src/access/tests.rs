//! The memory in front of rooms, over its real HTTP API.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use plaza_testkit::{Request, eventually};
use plaza_types::{Message, Person, RoomId};
use serde_json::json;
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

/// Whether each way to a room and its messages is closed to somebody.
async fn shut_out(bench: &Bench, who: &Person, room: RoomId, message: &Message) -> bool {
    let history = Request::get(format!("/v1/rooms/{room}/messages"));
    let changes = Request::get(format!("/v1/rooms/{room}/changes?since=0"));
    let lookup = Request::post("/v1/messages/lookup").json(&json!({ "ids": [message.id] }));
    let edit =
        Request::patch(format!("/v1/messages/{}", message.id)).json(&json!({ "content": "x" }));
    let read = Request::post(format!("/v1/rooms/{room}/read")).json(&json!({ "number": null }));
    // Reading first: rooms is asked about each who writes and is no member.
    for request in [history, changes, edit, read] {
        if bench.ask(who, request).await.code() != "NOT_FOUND" {
            return false;
        }
    }
    let found = bench.ask(who, lookup).await.expect(StatusCode::OK);
    found.json() == json!([])
        && bench.heads(who, &[room], true).await.is_empty()
        && bench.send(who, room, "late", "hi").await.code() == "NOT_FOUND"
}

/// A member of a private room uses every way into it, so that all of it is
/// remembered, and is removed: each way is closed within 5 s.
#[tokio::test]
async fn guarantee_5_a_private_room_is_closed_to_a_removed_member() {
    let bench = Bench::new().await;
    let (ada, eve) = (person("ada"), person("eve"));
    let room = bench.rooms.private(&[&ada, &eve]);
    let message = bench.sent(&ada, room, "c1", "secret").await;
    assert!(shut_out(&bench, &person("bob"), room, &message).await);
    bench.history(&ada, room, "").await;
    bench.rooms.remove(room, &ada);
    let begun = Instant::now();
    eventually(SOON, async || shut_out(&bench, &ada, room, &message).await).await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    bench.history(&eve, room, "").await;
}

/// Readers and members of a public room are banned, the first of whom could
/// read by what was remembered for everybody: each way is closed within 10 s,
/// and to nobody else.
#[tokio::test]
async fn guarantee_5_a_public_room_is_closed_to_who_is_banned() {
    let bench = Bench::new().await;
    let [ada, bob, eve] = ["ada", "bob", "eve"].map(person);
    let room = bench.room(&[&ada]);
    let message = bench.sent(&ada, room, "c1", "hi").await;
    for banned in [&bob, &eve, &ada] {
        bench.history(banned, room, "").await;
        bench.rooms.ban(room, banned);
        let begun = Instant::now();
        eventually(SOON, async || {
            shut_out(&bench, banned, room, &message).await
        })
        .await;
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
    }
    bench.history(&person("cleo"), room, "").await;
}

/// With rooms cut off from messages, removals do not arrive: what is known of
/// a private room's members is not relied on for longer than a removal may take.
#[tokio::test]
async fn guarantee_5_a_private_room_is_closed_when_rooms_is_cut_off() {
    let bench = Bench::new().await;
    let ada = person("ada");
    let room = bench.rooms.private(&[&ada]);
    bench.sent(&ada, room, "c1", "hi").await;
    bench.rooms.set(Mood::Silent);
    bench.rooms.remove(room, &ada);
    let begun = Instant::now();
    let mut last_read = begun;
    eventually(SOON, async || {
        let path = format!("/v1/rooms/{room}/messages");
        let answer = bench.ask(&ada, Request::get(path)).await;
        if answer.status == StatusCode::OK {
            last_read = Instant::now();
        }
        answer.code() == "UNAVAILABLE"
    })
    .await;
    assert!(last_read - begun < Duration::from_secs(5));
}

#[tokio::test]
async fn a_deleted_room_is_closed_to_everybody() {
    let bench = Bench::new().await;
    let ada = person("ada");
    let room = bench.room(&[&ada]);
    let message = bench.sent(&ada, room, "c1", "hi").await;
    bench.rooms.delete(room);
    eventually(SOON, async || shut_out(&bench, &ada, room, &message).await).await;
}
