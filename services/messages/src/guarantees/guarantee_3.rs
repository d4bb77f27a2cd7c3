//! Guarantee 3: retry is safe.

use std::{collections::HashSet, sync::Arc};

use http::StatusCode;
use plaza_testkit::{Answer, eventually};
use plaza_types::{Message, MessageId};
use serde_json::json;

use super::draft;
use crate::{
    storage::Sent,
    testing::{Bench, SOON, person},
};

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

/// Statements of the test's database that wait for a lock.
async fn waiting(bench: &Bench) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guarantee_3_a_group_holds_a_retry_that_another_replica_is_committing() {
    let bench = Bench::new().await;
    let ada = person("ada");
    let room = bench.room(&[&ada]);
    bench.sent(&ada, room, "c1", "first").await;

    // One replica has stored the message and stands before its commit: the
    // read mark that it moves is held.
    let mut held = bench.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM read_state FOR UPDATE")
        .execute(&mut *held)
        .await
        .unwrap();
    let (one, other) = (bench.store.clone(), bench.store.clone());
    let retried = draft(&ada, room, "c2", None);
    let first = tokio::spawn(async move { one.send(&[retried]).await.unwrap() });
    eventually(SOON, async || waiting(&bench).await == 1).await;

    // Meanwhile another one commits a group with a retry in its middle.
    let group = ["c3", "c2", "c4"].map(|id| draft(&ada, room, id, None));
    let group = tokio::spawn(async move { other.send(&group).await.unwrap() });
    eventually(SOON, async || waiting(&bench).await == 2).await;
    held.commit().await.unwrap();

    let first = first.await.unwrap();
    let [Sent::Created(stored)] = &first[..] else {
        panic!("{first:?}");
    };
    let group = group.await.unwrap();
    let [
        Sent::Created(third),
        Sent::Repeated(again),
        Sent::Created(fourth),
    ] = &group[..]
    else {
        panic!("{group:?}");
    };
    assert_eq!(again, stored);
    let places = [stored, third, fourth].map(|message| (message.seq.get(), message.number.get()));
    assert_eq!(places, [(2, 2), (3, 3), (4, 4)], "no gap");
    let (messages, seq, _, events) = bench.stored().await;
    assert_eq!((messages, seq, events), (4, 4, 4));
}
