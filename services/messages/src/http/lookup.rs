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
