//! `GET /v1/rooms/{room}/messages`: a page of history, in either direction.

use axum::extract::State;
use plaza_clients::messages::{HistoryPage, HistoryQuery};
use plaza_kit::{
    http::{Json, Path, Query, Reject},
    token::Caller,
};
use plaza_types::{ApiError, Code, RoomId};

use super::Parts;
use crate::{
    access::AccessError,
    domain::{HistoryError, Window},
    storage::StorageError,
};

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    #[error(transparent)]
    Input(#[from] HistoryError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<PageError> for Reject {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Input(error) => Self(ApiError {
                field: error.field().map(Into::into),
                ..ApiError::new(Code::BadUserInput, error.to_string())
            }),
            PageError::Access(error) => error.into(),
            PageError::Storage(error) => error.into(),
        }
    }
}

pub(super) async fn handle(
    State(parts): State<Parts>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<HistoryPage>, Reject> {
    Ok(Json(history(&parts, &caller, room, &query).await?))
}

async fn history(
    parts: &Parts,
    caller: &Caller,
    room: RoomId,
    query: &HistoryQuery,
) -> Result<HistoryPage, PageError> {
    let window = Window::parse(query)?;
    parts.gate.read(caller, room).await?;
    Ok(parts.store.history(room, window).await?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use plaza_testkit::Request;
    use plaza_types::Person;
    use proptest::{prelude::*, test_runner::TestRunner};
    use tokio::runtime::Handle;

    use super::*;
    use crate::testing::{Bench, person};

    async fn seqs(
        bench: &Bench,
        who: &Person,
        room: RoomId,
        query: &str,
    ) -> (Vec<i64>, HistoryPage) {
        let page = bench.history(who, room, query).await;
        let seqs = page.page.items.iter().map(|item| item.item.seq.get());
        (seqs.collect(), page)
    }

    /// Follows one direction to its end, `size` messages at a time.
    async fn walk(
        bench: &Bench,
        who: &Person,
        room: RoomId,
        size: u32,
        forwards: bool,
    ) -> Vec<i64> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let query = match (forwards, cursor.is_empty()) {
                (true, true) => format!("first={size}"),
                (true, false) => format!("first={size}&after={cursor}"),
                (false, true) => format!("last={size}"),
                (false, false) => format!("last={size}&before={cursor}"),
            };
            let (mut seqs, page) = seqs(bench, who, room, &query).await;
            let began = all.is_empty();
            let (more, behind, next) = if forwards {
                all.append(&mut seqs);
                (
                    page.page.has_next,
                    page.page.has_previous,
                    page.page.items.last(),
                )
            } else {
                seqs.append(&mut all);
                all = seqs;
                (
                    page.page.has_previous,
                    page.page.has_next,
                    page.page.items.first(),
                )
            };
            assert_eq!(
                behind, !began,
                "there is something behind every page but the first"
            );
            match next {
                Some(item) if more => cursor = item.cursor.clone(),
                _ => return all,
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn walks_in_either_direction_meet_every_message_once() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        let messages = bench.filled(&ada, room, 37).await;
        // Seqs with gaps between messages, as edits leave them.
        for message in messages.iter().step_by(5) {
            bench.edit(&ada, message.id, "edited").await;
        }
        let more = bench.sent(&ada, room, "more", "more").await;
        let mut expected: Vec<i64> = messages.iter().map(|message| message.seq.get()).collect();
        expected.push(more.seq.get());

        let mut runner = TestRunner::new(ProptestConfig::with_cases(24));
        let test = |(size, forwards)| {
            let walked = tokio::task::block_in_place(|| {
                Handle::current().block_on(walk(&bench, &ada, room, size, forwards))
            });
            prop_assert_eq!(&walked, &expected);
            Ok(())
        };
        runner.run(&(1_u32..=100, any::<bool>()), test).unwrap();
    }

    #[tokio::test]
    async fn a_turn_in_the_middle_comes_back_to_the_same_messages() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        bench.filled(&ada, room, 20).await;
        let (newest, page) = seqs(&bench, &ada, room, "last=5").await;
        assert_eq!(newest, [16, 17, 18, 19, 20]);
        let (older, older_page) = seqs(
            &bench,
            &ada,
            room,
            &format!("last=5&before={}", page.page.items[0].cursor),
        )
        .await;
        assert_eq!(older, [11, 12, 13, 14, 15]);
        let last = &older_page.page.items[4].cursor;
        let (back, _) = seqs(&bench, &ada, room, &format!("first=5&after={last}")).await;
        assert_eq!(back, newest);
    }

    #[tokio::test]
    async fn a_room_without_messages_has_a_page_with_its_position() {
        let bench = Bench::new().await;
        let (ada, eve) = (person("ada"), person("eve"));
        let room = bench.room(&[&ada]);
        let page = bench.history(&eve, room, "").await;
        assert_eq!((page.head_seq.get(), page.epoch), (0, bench.epoch));
        assert!(page.page.items.is_empty());
        assert!(!page.page.has_next && !page.page.has_previous);
    }

    #[tokio::test]
    async fn nothing_asked_is_the_newest_fifty() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        bench.filled(&ada, room, 53).await;
        let (newest, page) = seqs(&bench, &ada, room, "").await;
        assert_eq!(newest, (4..=53).collect::<Vec<_>>());
        assert!(page.page.has_previous && !page.page.has_next);
        assert_eq!(page.head_seq.get(), 53);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_page_and_its_position_are_of_one_moment() {
        let bench = Arc::new(Bench::new().await);
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        let writer = tokio::spawn({
            let (bench, ada) = (bench.clone(), ada.clone());
            async move { bench.filled(&ada, room, 150).await }
        });
        while !writer.is_finished() {
            let (newest, page) = seqs(&bench, &ada, room, "last=1").await;
            assert_eq!(newest.last().copied().unwrap_or(0), page.head_seq.get());
        }
        writer.await.unwrap();
    }

    #[tokio::test]
    async fn who_may_not_see_a_room_finds_no_history() {
        let bench = Bench::new().await;
        let (ada, eve) = (person("ada"), person("eve"));
        let private = bench.rooms.private(&[&ada]);
        bench.sent(&ada, private, "c1", "hidden").await;
        for room in [private, RoomId::new()] {
            let request = Request::get(format!("/v1/rooms/{room}/messages"));
            assert_eq!(bench.ask(&eve, request).await.code(), "NOT_FOUND");
        }
    }

    #[tokio::test]
    async fn bad_input_is_named() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        for query in [
            "first=0",
            "first=101",
            "last=0",
            "last=-1",
            "first=x",
            "after=x",
            "before=",
            "before=AAAAAAAAAAAA",
            "first=1&last=1",
            "after=%00",
        ] {
            let request = Request::get(format!("/v1/rooms/{room}/messages?{query}"));
            assert_eq!(
                bench.ask(&ada, request).await.code(),
                "BAD_USER_INPUT",
                "{query}"
            );
        }
    }
}
