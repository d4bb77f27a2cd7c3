//! `GET /v1/rooms/{room}/changes`: what a client that is behind misses.

use axum::extract::State;
use plaza_clients::messages::{Changes, ChangesQuery};
use plaza_kit::{
    http::{Json, Path, Query, Reject},
    token::Caller,
};
use plaza_types::{ApiError, RoomId};

use super::Parts;
use crate::{
    access::AccessError,
    domain::{ChangesError, ChangesWindow},
    storage::StorageError,
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CatchUpError {
    #[error(transparent)]
    Input(#[from] ChangesError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<CatchUpError> for Reject {
    fn from(error: CatchUpError) -> Self {
        match error {
            CatchUpError::Input(error) => Self(ApiError::bad_input("first", error.to_string())),
            CatchUpError::Access(error) => error.into(),
            CatchUpError::Storage(error) => error.into(),
        }
    }
}

pub(super) async fn handle(
    State(parts): State<Parts>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Query(query): Query<ChangesQuery>,
) -> Result<Json<Changes>, Reject> {
    Ok(Json(changes(&parts, &caller, room, query).await?))
}

async fn changes(
    parts: &Parts,
    caller: &Caller,
    room: RoomId,
    query: ChangesQuery,
) -> Result<Changes, CatchUpError> {
    let window = ChangesWindow::parse(query)?;
    parts.gate.read(caller, room).await?;
    Ok(parts.store.changes(room, window).await?)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use plaza_testkit::Request;
    use plaza_types::{ClientMessageId, Message, MessageContent, MessageId, Person};
    use proptest::{prelude::*, test_runner::TestRunner};
    use tokio::runtime::Handle;

    use super::*;
    use crate::{
        domain::Draft,
        testing::{Bench, person},
    };

    /// Many messages at once.
    async fn fill(bench: &Bench, author: &Person, room: RoomId, count: usize) {
        let drafts: Vec<_> = (0..count)
            .map(|n| Draft {
                room,
                author: author.clone(),
                id: MessageId::new(),
                client_message_id: ClientMessageId::parse(&format!("c{n}")).unwrap(),
                content: MessageContent::parse("text").unwrap(),
                reply_to: None,
            })
            .collect();
        bench.store.send(&drafts).await.unwrap();
    }

    #[tokio::test]
    async fn changes_come_in_their_order_in_the_present_state() {
        let bench = Bench::new().await;
        let (ada, eve) = (person("ada"), person("eve"));
        let room = bench.room(&[&ada]);
        let messages = bench.filled(&ada, room, 4).await;
        let edited: Message = bench.edit(&ada, messages[1].id, "edited").await.parse();
        let deleted: Message = bench.delete(&ada, messages[0].id).await.parse();

        let all = bench.changes(&eve, room, "since=0").await;
        let expected = [
            messages[2].clone(),
            messages[3].clone(),
            edited,
            deleted.clone(),
        ];
        assert_eq!(all.messages, expected);
        assert_eq!((all.next_seq.get(), all.head_seq.get()), (6, 6));
        assert_eq!((all.reset, all.epoch), (false, bench.epoch));

        let last = bench.changes(&eve, room, "since=5").await;
        assert_eq!(last.messages, [deleted]);
        let none = bench.changes(&eve, room, "since=6").await;
        assert_eq!(
            (none.messages.len(), none.next_seq.get(), none.reset),
            (0, 6, false)
        );
    }

    #[tokio::test]
    async fn a_full_answer_that_leaves_nothing_ends_at_the_head() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        bench.filled(&ada, room, 3).await;
        let part = bench.changes(&ada, room, "since=0&first=2").await;
        assert_eq!((part.messages.len(), part.next_seq.get()), (2, 2));
        let rest = bench.changes(&ada, room, "since=2&first=1").await;
        assert_eq!((rest.messages.len(), rest.next_seq.get()), (1, 3));
    }

    #[tokio::test]
    async fn more_than_500_missing_messages_are_a_reset() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        fill(&bench, &ada, room, 501).await;
        let reset = bench.changes(&ada, room, "since=0&first=500").await;
        assert_eq!((reset.reset, reset.messages.len()), (true, 0));
        let just = bench.changes(&ada, room, "since=1&first=500").await;
        assert_eq!((just.reset, just.messages.len()), (false, 500));
        assert_eq!(just.next_seq.get(), 501);
    }

    #[tokio::test]
    async fn a_position_ahead_of_the_head_is_a_reset() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        assert!(bench.changes(&ada, room, "since=1").await.reset);
        assert!(!bench.changes(&ada, room, "since=0").await.reset);
        bench.sent(&ada, room, "c1", "first").await;
        assert!(bench.changes(&ada, room, "since=2").await.reset);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn pages_of_any_size_bring_a_client_from_anywhere_to_the_present_state() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        let messages = bench.filled(&ada, room, 20).await;
        let mut states: Vec<BTreeMap<MessageId, Message>> = Vec::new();
        for step in 0..12 {
            let present = bench
                .changes(&ada, room, "since=0&first=500")
                .await
                .messages;
            states.push(
                present
                    .into_iter()
                    .map(|message| (message.id, message))
                    .collect(),
            );
            let id = messages[step * 7 % 20].id;
            if step % 3 == 2 {
                bench.delete(&ada, id).await;
            } else {
                bench.edit(&ada, id, &format!("step {step}")).await;
            }
        }
        let end = bench.changes(&ada, room, "since=0&first=500").await;
        let expected: BTreeMap<_, _> = end
            .messages
            .into_iter()
            .map(|message| (message.id, message))
            .collect();

        let catch_up = async |from: usize, size: u32| {
            let mut held = states[from].clone();
            let mut since = held
                .values()
                .map(|message| message.changed_seq.get())
                .max()
                .unwrap();
            loop {
                let query = format!("since={since}&first={size}");
                let changes = bench.changes(&ada, room, &query).await;
                since = changes.next_seq.get();
                held.extend(
                    changes
                        .messages
                        .into_iter()
                        .map(|message| (message.id, message)),
                );
                if changes.next_seq == changes.head_seq {
                    return held;
                }
            }
        };
        let mut runner = TestRunner::new(ProptestConfig::with_cases(24));
        let test = |(from, size)| {
            let held =
                tokio::task::block_in_place(|| Handle::current().block_on(catch_up(from, size)));
            prop_assert_eq!(&held, &expected);
            Ok(())
        };
        runner.run(&(0..states.len(), 1_u32..=30), test).unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn changes_and_their_position_are_of_one_moment() {
        let bench = Arc::new(Bench::new().await);
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        let writer = tokio::spawn({
            let (bench, ada) = (bench.clone(), ada.clone());
            async move { bench.filled(&ada, room, 150).await }
        });
        let mut since = 0;
        while !writer.is_finished() {
            let changes = bench.changes(&ada, room, &format!("since={since}")).await;
            let last = changes
                .messages
                .last()
                .map_or(since, |last| last.changed_seq.get());
            assert_eq!(changes.next_seq.get(), last);
            since = last;
        }
        writer.await.unwrap();
    }

    #[tokio::test]
    async fn bad_input_is_named() {
        let bench = Bench::new().await;
        let (ada, eve) = (person("ada"), person("eve"));
        let room = bench.room(&[&ada]);
        for query in [
            "",
            "since=-1",
            "since=x",
            "since=0&first=0",
            "since=0&first=501",
        ] {
            let request = Request::get(format!("/v1/rooms/{room}/changes?{query}"));
            assert_eq!(
                bench.ask(&ada, request).await.code(),
                "BAD_USER_INPUT",
                "{query}"
            );
        }
        let private = bench.rooms.private(&[&ada]);
        let request = Request::get(format!("/v1/rooms/{private}/changes?since=0"));
        assert_eq!(bench.ask(&eve, request).await.code(), "NOT_FOUND");
    }
}
