//! `GET /v1/rooms/joined`

use axum::extract::State;
use plaza_clients::rooms::Room;
use plaza_kit::{
    http::{Json, Reject},
    token::Caller,
};

use super::Api;

/// All rooms of the caller: one query, bounded by the most rooms a user has.
pub(super) async fn joined(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<Vec<Room>>, Reject> {
    Ok(Json(api.store.joined(caller.user).await?))
}
