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
