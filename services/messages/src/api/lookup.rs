//! `POST /v1/messages/lookup`: messages by id, of rooms that the caller may
//! read; others are left out.

use axum::extract::State;
use plaza_clients::{Lookup, MAX_LOOKUP};
use plaza_kit::{
    http::{Json, Reject},
    token::Caller,
};
use plaza_types::{ApiError, Message, MessageId};

use super::Parts;
use crate::{access::AccessError, storage::StorageError};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookupError {
    #[error("too many ids")]
    TooMany,
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<LookupError> for Reject {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::TooMany => Self(ApiError::bad_input(
                "ids",
                format!("Ask for at most {MAX_LOOKUP} messages at once."),
            )),
            LookupError::Access(error) => error.into(),
            LookupError::Storage(error) => error.into(),
        }
    }
}

pub(super) async fn handle(
    State(parts): State<Parts>,
    caller: Caller,
    Json(input): Json<Lookup<MessageId>>,
) -> Result<Json<Vec<Message>>, Reject> {
    Ok(Json(lookup(&parts, &caller, &input.ids).await?))
}

async fn lookup(
    parts: &Parts,
    caller: &Caller,
    ids: &[MessageId],
) -> Result<Vec<Message>, LookupError> {
    if ids.len() > MAX_LOOKUP {
        return Err(LookupError::TooMany);
    }
    let mut messages = parts.store.messages(ids).await?;
    let rooms = super::distinct(messages.iter().map(|message| message.room_id));
    let readable = parts.gate.readable(caller, rooms).await?;
    messages.retain(|message| readable.contains(&message.room_id));
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::{Answer, Request};
    use plaza_types::Person;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{Bench, person};

    async fn look_up(bench: &Bench, who: &Person, ids: &Value) -> Answer {
        let request = Request::post("/v1/messages/lookup").json(&json!({ "ids": ids }));
        bench.ask(who, request).await
    }

    #[tokio::test]
    async fn messages_come_in_the_order_asked_from_rooms_that_the_caller_may_read() {
        let bench = Bench::new().await;
        let (ada, eve) = (person("ada"), person("eve"));
        let public = bench.room(&[&ada]);
        let private = bench.rooms.private(&[&ada]);
        let first = bench.sent(&ada, public, "c1", "first").await;
        let second = bench.sent(&ada, public, "c2", "second").await;
        let hidden = bench.sent(&ada, private, "c1", "hidden").await;
        let ids = json!([second.id, MessageId::new(), hidden.id, first.id, second.id]);

        let own = look_up(&bench, &ada, &ids).await;
        let own: Vec<Message> = own.expect(StatusCode::OK).parse();
        assert_eq!(own, [second.clone(), hidden, first.clone()]);
        let others = look_up(&bench, &eve, &ids).await;
        let others: Vec<Message> = others.expect(StatusCode::OK).parse();
        assert_eq!(others, [second, first]);
    }

    #[tokio::test]
    async fn bad_input_is_named() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let many: Vec<_> = (0..=MAX_LOOKUP).map(|_| MessageId::new()).collect();
        for ids in [
            json!(many),
            json!("x"),
            json!([1]),
            json!(["x"]),
            Value::Null,
        ] {
            let answer = look_up(&bench, &ada, &ids).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT");
        }
        let none = look_up(&bench, &ada, &json!([])).await;
        assert_eq!(none.expect(StatusCode::OK).json(), json!([]));
    }
}
