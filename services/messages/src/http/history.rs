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
