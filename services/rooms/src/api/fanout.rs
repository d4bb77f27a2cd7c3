//! `GET /internal/rooms/{id}/fanout`

use axum::extract::State;
use plaza_clients::rooms::Fanout;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::ServiceCaller,
};
use plaza_types::RoomId;

use super::{Api, no_such_room};

/// To whom a room's events go now.
pub(super) async fn fanout(
    State(api): State<Api>,
    _service: ServiceCaller,
    Path(room): Path<RoomId>,
) -> Result<Json<Fanout>, Reject> {
    let fanout = api.store.fanout(room).await?;
    Ok(Json(fanout.ok_or_else(no_such_room)?))
}
