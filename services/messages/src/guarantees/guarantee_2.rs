//! Guarantee 2: one order per room.

use std::{collections::HashMap, sync::Arc};

use http::StatusCode;
use plaza_events::Body;
use plaza_testkit::Answer;
use plaza_types::{Message, MessageId, Person, RoomId, Seq};
use serde_json::json;

use super::draft;
use crate::{
    storage::Sent,
    testing::{Bench, person},
};

const WRITERS: usize = 8;
const TURNS: usize = 30;

/// One writer's turns: sends with concurrent retries, bad ones between them,
/// edits and deletions of what was sent.
async fn write(bench: Arc<Bench>, who: Person, room: RoomId, foreign: MessageId) -> usize {
    let mut accepted = 0;
    for turn in 0..TURNS {
        let id = format!("c{turn}");
        let (bad_id, content) = (format!("bad{turn}"), format!("{} {turn}", who.username));
        let bad = json!({ "content": content, "clientMessageId": bad_id, "replyTo": foreign });
        let long = "x".repeat(4_001);
        // The same id three times in one moment, the last with other content,
        // beside two that cannot be stored.
        let (first, second, other, bad, long) = tokio::join!(
            bench.send(&who, room, &id, &content),
            bench.send(&who, room, &id, &content),
            bench.send(&who, room, &id, "something else"),
            bench.ask(&who, Bench::sending(room, &bad)),
            bench.send(&who, room, &bad_id, &long),
        );
        assert_eq!(bad.code(), "BAD_USER_INPUT", "{}", bad.text());
        assert_eq!(long.code(), "BAD_USER_INPUT", "{}", long.text());
        let message = one_message(&[first, second, other]);
        accepted += 1;
        if turn % 3 == 0 {
            bench
                .edit(&who, message.id, "edited")
                .await
                .expect(StatusCode::OK);
        }
        if turn % 5 == 0 {
            // Two deletions at once are one change.
            tokio::join!(
                bench.delete(&who, message.id),
                bench.delete(&who, message.id)
            );
        }
    }
    accepted
}

/// What all who were accepted were answered; the others were told of a conflict.
fn one_message(answers: &[Answer]) -> Message {
    let (accepted, refused): (Vec<_>, Vec<_>) = answers
        .iter()
        .partition(|answer| answer.status == StatusCode::OK);
    for answer in refused {
        assert_eq!(answer.code(), "CONFLICT", "{}", answer.text());
    }
    let mut messages = accepted.into_iter().map(Answer::parse::<Message>);
    let first = messages.next().expect("somebody was accepted");
    assert!(messages.all(|message| message == first), "two accepted");
    first
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guarantee_2_a_room_has_one_order_without_gaps() {
    let bench = Arc::new(Bench::new().await);
    let people: Vec<_> = (0..WRITERS).map(|n| person(&format!("p{n}"))).collect();
    let members: Vec<_> = people.iter().collect();
    // Half of the writers share a room; the others take turns in two, so that
    // groups and locks of several rooms meet.
    let rooms = [bench.room(&members), bench.room(&members)];
    let elsewhere = bench.room(&members);
    let foreign = bench
        .sent(&people[0], elsewhere, "foreign", "elsewhere")
        .await;

    let writers: Vec<_> = people
        .into_iter()
        .enumerate()
        .map(|(n, who)| {
            let room = rooms[usize::from(n % 4 == 3)];
            (
                room,
                tokio::spawn(write(bench.clone(), who, room, foreign.id)),
            )
        })
        .collect();
    let mut accepted: HashMap<RoomId, usize> = HashMap::new();
    for (room, writer) in writers {
        *accepted.entry(room).or_default() += writer.await.unwrap();
    }

    for room in rooms {
        has_one_order(&bench, room, accepted[&room]).await;
    }
}

/// Numbers, seqs, heads and the outbox of a room agree, without a gap.
async fn has_one_order(bench: &Bench, room: RoomId, accepted: usize) {
    let (numbers, last_seq, last_number): (Vec<i64>, i64, i64) = sqlx::query_as(
        "SELECT (SELECT array_agg(number ORDER BY seq) FROM messages WHERE room_id = $1),
                last_seq, last_number FROM room_heads WHERE room_id = $1",
    )
    .bind(room.uuid())
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(numbers.len(), accepted, "each accepted once");
    let gapless: Vec<i64> = (1..=last_number).collect();
    assert_eq!(numbers, gapless, "numbers follow seq without a gap");

    let events = bench.events().await;
    let mut states: HashMap<MessageId, Message> = HashMap::new();
    let seqs: Vec<i64> = events
        .into_iter()
        .filter(|event| event.room == Some(room))
        .filter_map(|event| match event.body {
            Body::MessageCreated { seq, message, .. }
            | Body::MessageEdited { seq, message }
            | Body::MessageDeleted { seq, message } => {
                assert_eq!(message.changed_seq, seq);
                states.insert(message.id, message);
                Some(seq.get())
            }
            _ => None,
        })
        .collect();
    let gapless: Vec<i64> = (1..=last_seq).collect();
    assert_eq!(seqs, gapless, "the outbox has every change once, in order");

    let ids: Vec<MessageId> = states.keys().copied().collect();
    for message in bench.store.messages(&ids).await.unwrap() {
        assert_eq!(
            states.get(&message.id),
            Some(&message),
            "the last event is its state"
        );
    }
}

#[tokio::test]
async fn guarantee_2_a_group_leaves_no_gap_for_what_it_refuses() {
    let bench = Bench::new().await;
    let (ada, bob) = (person("ada"), person("bob"));
    let (room, other) = (RoomId::new(), RoomId::new());
    let earlier = draft(&ada, room, "earlier", None);
    bench
        .store
        .send(std::slice::from_ref(&earlier))
        .await
        .unwrap();

    let sent = bench
        .store
        .send(&[
            draft(&ada, other, "c1", None),
            draft(&ada, room, "c1", None),
            draft(&ada, room, "c1", None),
            draft(&ada, room, "c2", Some(MessageId::new())),
            draft(&bob, room, "c1", Some(earlier.id)),
            draft(&ada, room, "earlier", Some(earlier.id)),
            draft(&ada, room, "earlier", None),
            draft(&bob, other, "c1", None),
        ])
        .await
        .unwrap();

    let told: Vec<_> = sent
        .iter()
        .map(|sent| match sent {
            Sent::Created(message) => ("created", message.seq.get()),
            Sent::Repeated(message) => ("repeated", message.seq.get()),
            Sent::Conflict => ("conflict", 0),
            Sent::NoSuchReply => ("no such reply", 0),
        })
        .collect();
    let expected = [
        ("created", 1),
        ("created", 2),
        ("repeated", 2),
        ("no such reply", 0),
        ("created", 3),
        ("conflict", 0),
        ("repeated", 1),
        ("created", 2),
    ];
    assert_eq!(told, expected);
    has_one_order(&bench, room, 3).await;
    has_one_order(&bench, other, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guarantee_2_groups_over_the_same_rooms_do_not_lock_each_other_out() {
    let bench = Arc::new(Bench::new().await);
    let rooms: Vec<RoomId> = (0..4).map(|_| RoomId::new()).collect();
    let groups: Vec<_> = (0..WRITERS)
        .map(|n| {
            let (bench, who, mut rooms) = (bench.clone(), person("p"), rooms.clone());
            rooms.rotate_left(n % 4);
            tokio::spawn(async move {
                for turn in 0..20 {
                    let id = format!("c{turn}");
                    let group: Vec<_> = rooms
                        .iter()
                        .map(|room| draft(&who, *room, &id, None))
                        .collect();
                    bench.store.send(&group).await.unwrap();
                }
            })
        })
        .collect();
    for group in groups {
        group.await.unwrap();
    }
    for room in rooms {
        has_one_order(&bench, room, WRITERS * 20).await;
    }
}

#[tokio::test]
async fn guarantee_2_time_in_a_room_never_runs_back() {
    let bench = Bench::new().await;
    let ada = person("ada");
    let room = bench.room(&[&ada]);
    bench.sent(&ada, room, "c1", "first").await;
    sqlx::query("UPDATE room_heads SET last_message_at = '2100-01-01Z'")
        .execute(&bench.pool)
        .await
        .unwrap();
    let second = bench.sent(&ada, room, "c2", "second").await;
    assert_eq!(second.created_at.to_rfc3339(), "2100-01-01T00:00:00+00:00");
    assert_eq!(second.seq, Seq::try_from(2).unwrap());
}
