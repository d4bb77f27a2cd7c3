//! `GET /v1/rooms/{id}/members/{user}/moderates`: what messages asks before
//! the caller deletes what somebody else wrote.

use axum::extract::State;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{RoomId, UserId};

use super::Api;
use crate::domain::Act;

/// Answers whether the caller may delete that person's messages, member or not.
pub(super) async fn moderates(
    State(api): State<Api>,
    caller: Caller,
    Path((room, user)): Path<(RoomId, UserId)>,
) -> Result<Json<()>, Reject> {
    let act = Act::DeleteMessages;
    api.store.may_on(caller.user, room, act, user).await?;
    Ok(Json(()))
}
