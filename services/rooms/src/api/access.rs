//! `GET /v1/rooms/{id}/access`

use axum::extract::State;
use plaza_clients::rooms::Access;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::RoomId;

use super::{Api, no_such_room};

/// What the caller may do in a room: what messages asks before it keeps it.
pub(super) async fn access(
    State(api): State<Api>,
    caller: Caller,
    Path(room): Path<RoomId>,
) -> Result<Json<Access>, Reject> {
    let access = api.store.access(caller.user, room).await?;
    Ok(Json(access.ok_or_else(no_such_room)?))
}
