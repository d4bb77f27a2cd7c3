//! `POST /v1/rooms/lookup`

use axum::extract::State;
use plaza_clients::{Lookup, MAX_LOOKUP, rooms::Room};
use plaza_kit::{
    http::{Json, Reject},
    token::Caller,
};
use plaza_types::{ApiError, RoomId};

use super::Api;

/// Rooms by id; those the caller may not see are left out.
pub(super) async fn lookup(
    State(api): State<Api>,
    caller: Caller,
    Json(Lookup { ids }): Json<Lookup<RoomId>>,
) -> Result<Json<Vec<Room>>, Reject> {
    if ids.len() > MAX_LOOKUP {
        return Err(Reject(ApiError::bad_input(
            "ids",
            format!("At most {MAX_LOOKUP} rooms can be looked up at once."),
        )));
    }
    Ok(Json(api.store.lookup(caller.user, &ids).await?))
}
