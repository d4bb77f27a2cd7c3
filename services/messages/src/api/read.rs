//! `POST /v1/rooms/{room}/read`: moves the caller's read mark, which only
//! grows and never passes the last message.

use axum::extract::State;
use chrono::Utc;
use plaza_clients::messages::{Head, MarkRead};
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::RoomId;

use super::Parts;
use crate::{access::AccessError, storage::StorageError};

/// Why no mark was moved.
#[derive(Debug, thiserror::Error)]
pub(super) enum MarkError {
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<MarkError> for Reject {
    fn from(error: MarkError) -> Self {
        match error {
            MarkError::Access(error) => error.into(),
            MarkError::Storage(error) => error.into(),
        }
    }
}

pub(super) async fn handle(
    State(parts): State<Parts>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Json(mark): Json<MarkRead>,
) -> Result<Json<Head>, Reject> {
    Ok(Json(mark_read(&parts, &caller, room, mark).await?))
}

async fn mark_read(
    parts: &Parts,
    caller: &Caller,
    room: RoomId,
    mark: MarkRead,
) -> Result<Head, MarkError> {
    parts.gate.member(caller, room).await?;
    parts
        .store
        .mark_read(caller.user, room, mark.number, Utc::now())
        .await?;
    let head = parts.store.heads(caller.user, &[room], false).await?.pop();
    Ok(head.ok_or(StorageError::Missing("the epoch"))?)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_events::{Body, Partition};
    use plaza_testkit::Request;
    use plaza_types::Number;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{Bench, person};

    async fn mark(bench: &Bench, who: &plaza_types::Person, room: RoomId, number: Value) -> i64 {
        let answer = bench.mark_read(who, room, number).await;
        answer
            .expect(StatusCode::OK)
            .parse::<Head>()
            .read_number
            .get()
    }

    #[tokio::test]
    async fn a_mark_only_grows_and_never_passes_the_last_message() {
        let bench = Bench::new().await;
        let (ada, bob) = (person("ada"), person("bob"));
        let room = bench.room(&[&ada, &bob]);
        assert_eq!(
            mark(&bench, &bob, room, Value::Null).await,
            0,
            "as joinRoom does"
        );
        bench.filled(&ada, room, 5).await;

        for (asked, stands) in [(2, 2), (1, 2), (0, 2), (4, 4), (1_000_000, 5), (3, 5)] {
            assert_eq!(
                mark(&bench, &bob, room, json!(asked)).await,
                stands,
                "{asked}"
            );
        }
        bench.sent(&ada, room, "c6", "one more").await;
        let head = bench.heads(&bob, &[room], false).await.remove(0);
        assert_eq!((head.read_number.get(), head.last_number.get()), (5, 6));
        assert_eq!(mark(&bench, &bob, room, Value::Null).await, 6);
    }

    #[tokio::test]
    async fn the_first_mark_begins_at_the_head() {
        let bench = Bench::new().await;
        let (ada, bob) = (person("ada"), person("bob"));
        let room = bench.room(&[&ada, &bob]);
        bench.filled(&ada, room, 3).await;
        assert_eq!(mark(&bench, &bob, room, json!(1)).await, 3);
    }

    #[tokio::test]
    async fn only_a_mark_that_moved_is_told_to_the_readers_other_tabs() {
        let bench = Bench::new().await;
        let (ada, bob) = (person("ada"), person("bob"));
        let room = bench.room(&[&ada, &bob]);
        mark(&bench, &bob, room, Value::Null).await;
        bench.filled(&ada, room, 3).await;
        sqlx::query("DELETE FROM outbox")
            .execute(&bench.pool)
            .await
            .unwrap();

        for number in [2, 2, 1, 3] {
            mark(&bench, &bob, room, json!(number)).await;
        }
        let told: Vec<_> = bench.events().await;
        let numbers: Vec<_> = told.iter().map(|event| event.body.clone()).collect();
        let read = |number| Body::Read {
            number: Number::try_from(number).unwrap(),
        };
        assert_eq!(numbers, [read(2), read(3)]);
        assert!(told.iter().all(|event| event.room == Some(room)));
        let keys: Vec<(String, i16)> = sqlx::query_as("SELECT key, partition FROM outbox")
            .fetch_all(&bench.pool)
            .await
            .unwrap();
        let key = bob.id.to_string();
        let partition = Partition::of(&key).number();
        assert_eq!(keys, vec![(key, partition); 2]);
    }

    #[tokio::test]
    async fn only_members_have_marks() {
        let bench = Bench::new().await;
        let (ada, eve) = (person("ada"), person("eve"));
        let room = bench.room(&[&ada]);
        let private = bench.rooms.private(&[&ada]);
        let stranger = bench.mark_read(&eve, room, 1).await;
        assert_eq!(stranger.code(), "FORBIDDEN");
        let hidden = bench.mark_read(&eve, private, 1).await;
        assert_eq!(hidden.code(), "NOT_FOUND");
        assert_eq!(bench.stored().await, (0, 0, 0, 0));
    }

    #[tokio::test]
    async fn bad_input_is_named_and_nothing_is_stored() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        for body in [
            String::new(),
            "[".into(),
            json!({ "number": -1 }).to_string(),
            json!({ "number": 1.5 }).to_string(),
            json!({ "number": "1" }).to_string(),
            json!({ "number": 1_i64 << 53 }).to_string(),
            r#"{"number":99999999999999999999}"#.into(),
            format!(r#"{{"number":"{}"}}"#, "9".repeat(1 << 20)),
        ] {
            let request = Request::post(format!("/v1/rooms/{room}/read"));
            let answer = bench
                .ask(&ada, request.body("application/json", body.clone()))
                .await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{body:.120}");
        }
        assert_eq!(bench.stored().await, (0, 0, 0, 0));
    }
}
