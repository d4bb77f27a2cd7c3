//! `POST /v1/heads`: where many rooms stand for the caller, in one query.
//! Rooms that they may not read are left out.

use axum::extract::State;
use plaza_clients::messages::{Head, HeadsQuery};
use plaza_kit::{
    http::{Json, Reject},
    token::Caller,
};
use plaza_types::ApiError;

use super::Parts;
use crate::{access::AccessError, storage::StorageError};

/// Most rooms in one question: as many as a user can join.
const MAX_ROOMS: usize = 1_000;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeadsError {
    #[error("too many rooms")]
    TooMany,
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<HeadsError> for Reject {
    fn from(error: HeadsError) -> Self {
        match error {
            HeadsError::TooMany => Self(ApiError::bad_input(
                "roomIds",
                format!("Ask for at most {MAX_ROOMS} rooms at once."),
            )),
            HeadsError::Access(error) => error.into(),
            HeadsError::Storage(error) => error.into(),
        }
    }
}

pub(super) async fn handle(
    State(parts): State<Parts>,
    caller: Caller,
    Json(query): Json<HeadsQuery>,
) -> Result<Json<Vec<Head>>, Reject> {
    Ok(Json(heads(&parts, &caller, &query).await?))
}

async fn heads(
    parts: &Parts,
    caller: &Caller,
    query: &HeadsQuery,
) -> Result<Vec<Head>, HeadsError> {
    if query.room_ids.len() > MAX_ROOMS {
        return Err(HeadsError::TooMany);
    }
    let mut rooms = super::distinct(query.room_ids.iter().copied());
    let readable = parts.gate.readable(caller, rooms.iter().copied()).await?;
    rooms.retain(|room| readable.contains(room));
    Ok(parts.store.heads(caller.user, &rooms, query.joined).await?)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::Request;
    use plaza_types::RoomId;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{Bench, person};

    #[tokio::test]
    async fn each_readable_room_has_one_entry_in_the_order_asked() {
        let bench = Bench::new().await;
        let (ada, eve) = (person("ada"), person("eve"));
        let (busy, quiet) = (bench.room(&[&ada]), bench.room(&[&ada]));
        let private = bench.rooms.private(&[&ada]);
        let messages = bench.filled(&ada, busy, 3).await;
        let last = messages[2].clone();
        bench.sent(&ada, private, "c1", "hidden").await;

        let asked = [quiet, private, busy, quiet, RoomId::new()];
        let heads = bench.heads(&eve, &asked, false).await;
        let rooms: Vec<_> = heads.iter().map(|head| head.room_id).collect();
        assert_eq!(rooms, [quiet, busy]);
        let [quiet, busy] = <[Head; 2]>::try_from(heads).unwrap();
        assert_eq!((quiet.head_seq.get(), quiet.last_number.get()), (0, 0));
        assert_eq!((quiet.last_message, quiet.last_message_at), (None, None));
        assert_eq!((busy.head_seq.get(), busy.last_number.get()), (3, 3));
        assert_eq!(busy.last_message_at, Some(last.created_at));
        assert_eq!(busy.last_message, Some(last));
        assert_eq!((busy.epoch, quiet.epoch), (bench.epoch, bench.epoch));
        assert_eq!(
            busy.read_number, busy.last_number,
            "without a mark nothing is unread"
        );
    }

    #[tokio::test]
    async fn a_member_without_a_mark_gets_one_at_the_head_once() {
        let bench = Bench::new().await;
        let (ada, bob) = (person("ada"), person("bob"));
        let rooms = [bench.room(&[&ada, &bob]), bench.room(&[&ada, &bob])];
        bench.filled(&ada, rooms[0], 2).await;
        let marks = async || {
            let heads = bench.heads(&bob, &rooms, true).await;
            heads
                .iter()
                .map(|head| head.read_number.get())
                .collect::<Vec<_>>()
        };
        assert_eq!(marks().await, [2, 0]);
        bench.sent(&ada, rooms[0], "c3", "third").await;
        bench.sent(&ada, rooms[1], "c1", "first").await;
        assert_eq!(marks().await, [2, 0], "the marks stay where they were made");
        let (_, _, marks, _) = bench.stored().await;
        assert_eq!(marks, 4);
    }

    #[tokio::test]
    async fn a_thousand_rooms_are_answered_and_one_more_is_refused() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let mut rooms: Vec<_> = (0..MAX_ROOMS).map(|_| bench.room(&[&ada])).collect();
        assert_eq!(bench.heads(&ada, &rooms, true).await.len(), MAX_ROOMS);
        rooms.push(RoomId::new());
        let body = json!({ "roomIds": rooms, "joined": true });
        let answer = bench
            .ask(&ada, Request::post("/v1/heads").json(&body))
            .await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
    }

    #[tokio::test]
    async fn bad_input_is_named() {
        let bench = Bench::new().await;
        let ada = person("ada");
        for body in [
            json!({}),
            json!({ "roomIds": [] }),
            json!({ "roomIds": "x", "joined": true }),
            json!({ "roomIds": [1], "joined": true }),
            json!({ "roomIds": [], "joined": "yes" }),
            Value::Null,
        ] {
            let answer = bench
                .ask(&ada, Request::post("/v1/heads").json(&body))
                .await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{body}");
        }
        let none = json!({ "roomIds": [], "joined": true });
        let none = bench
            .ask(&ada, Request::post("/v1/heads").json(&none))
            .await;
        assert_eq!(none.expect(StatusCode::OK).json(), json!([]));
    }
}
