//! Guarantee 3: retry is safe.

use std::{collections::HashSet, sync::Arc};

use http::StatusCode;
use plaza_testkit::Answer;
use plaza_types::{Message, MessageId};
use serde_json::json;

use crate::testing::{Bench, person};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guarantee_3_concurrent_retries_store_one_message_and_answer_it_to_all() {
    const RETRIES: usize = 10;
    const ROUNDS: i64 = 20;
    let bench = Arc::new(Bench::new().await);
    let ada = person("ada");
    let room = bench.room(&[&ada]);
    for round in 0..ROUNDS {
        let tries: Vec<_> = (0..RETRIES)
            .map(|_| {
                let (bench, ada) = (bench.clone(), ada.clone());
                tokio::spawn(
                    async move { bench.sent(&ada, room, &format!("c{round}"), "hello").await },
                )
            })
            .collect();
        let mut answers: Vec<Message> = Vec::new();
        for one in tries {
            answers.push(one.await.unwrap());
        }
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "{answers:?}"
        );
    }
    let (messages, seq, _, events) = bench.stored().await;
    assert_eq!((messages, seq, events), (ROUNDS, ROUNDS, ROUNDS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guarantee_3_of_different_contents_under_one_id_one_is_stored_and_the_others_conflict() {
    let bench = Arc::new(Bench::new().await);
    let ada = person("ada");
    let room = bench.room(&[&ada]);
    let tries: Vec<_> = (0..10)
        .map(|n| {
            let (bench, ada) = (bench.clone(), ada.clone());
            tokio::spawn(async move { bench.send(&ada, room, "c1", &format!("content {n}")).await })
        })
        .collect();
    let mut answers: Vec<Answer> = Vec::new();
    for one in tries {
        answers.push(one.await.unwrap());
    }
    let (accepted, refused): (Vec<_>, Vec<_>) = answers
        .iter()
        .partition(|answer| answer.status == StatusCode::OK);
    assert_eq!(accepted.len(), 1);
    assert!(
        refused.iter().all(|answer| answer.code() == "CONFLICT"),
        "{refused:?}"
    );
    let (messages, seq, ..) = bench.stored().await;
    assert_eq!((messages, seq), (1, 1));
}

#[tokio::test]
async fn guarantee_3_a_retry_answers_the_present_state_through_edit_and_deletion() {
    let bench = Bench::new().await;
    let ada = person("ada");
    let room = bench.room(&[&ada]);
    let first = bench.sent(&ada, room, "c1", "hello").await;
    let edited: Message = bench.edit(&ada, first.id, "edited").await.parse();
    assert_eq!(bench.sent(&ada, room, "c1", "hello").await, edited);
    // What was sent counts, not what it has become.
    assert_eq!(
        bench.send(&ada, room, "c1", "edited").await.code(),
        "CONFLICT"
    );

    let deleted: Message = bench.delete(&ada, first.id).await.parse();
    let before = bench.stored().await;
    assert_eq!(bench.sent(&ada, room, "c1", "hello").await, deleted);
    assert_eq!(
        bench.stored().await,
        before,
        "a retry writes nothing, no event either"
    );
}

#[tokio::test]
async fn guarantee_3_another_reply_under_one_id_is_a_conflict() {
    let bench = Bench::new().await;
    let ada = person("ada");
    let room = bench.room(&[&ada]);
    let target = bench.sent(&ada, room, "target", "question").await;
    bench.sent(&ada, room, "c1", "answer").await;
    for reply_to in [target.id, MessageId::new()] {
        let body = json!({ "content": "answer", "clientMessageId": "c1", "replyTo": reply_to });
        let answer = bench.ask(&ada, Bench::sending(room, &body)).await;
        assert_eq!(answer.code(), "CONFLICT");
    }
}

#[tokio::test]
async fn guarantee_3_an_id_belongs_to_one_author_in_one_room() {
    let bench = Bench::new().await;
    let (ada, bob) = (person("ada"), person("bob"));
    let rooms = [bench.room(&[&ada, &bob]), bench.room(&[&ada, &bob])];
    let mut ids = HashSet::new();
    for room in rooms {
        for who in [&ada, &bob] {
            ids.insert(bench.sent(who, room, "c1", "hello").await.id);
        }
    }
    assert_eq!(ids.len(), 4);
}
