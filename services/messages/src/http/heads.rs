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
