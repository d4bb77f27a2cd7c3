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
