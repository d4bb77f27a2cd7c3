//! `POST /v1/rooms/{id}/join`

use axum::extract::State;
use plaza_clients::rooms::Room;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::RoomId;

use super::{Api, no_such_room, person, too_many_rooms};
use crate::storage::{Joined, StorageError};

/// Why nobody joined.
#[derive(Debug, thiserror::Error)]
pub(super) enum JoinError {
    #[error("there is no such room for the caller")]
    NoSuchRoom,
    #[error("the caller is in {0} rooms")]
    TooManyRooms(u32),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<JoinError> for Reject {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::NoSuchRoom => Self(no_such_room()),
            JoinError::TooManyRooms(max) => Self(too_many_rooms(max)),
            JoinError::Storage(error) => error.into(),
        }
    }
}

/// Makes the caller a member; already being one changes nothing.
pub(super) async fn join(
    State(api): State<Api>,
    caller: Caller,
    Path(room): Path<RoomId>,
) -> Result<Json<Room>, Reject> {
    Ok(Json(member(&api, &caller, room).await?))
}

async fn member(api: &Api, caller: &Caller, room: RoomId) -> Result<Room, JoinError> {
    let max = api.limits.max_rooms_per_user;
    match api.store.join(person(caller), room, max).await? {
        Joined::Now => metrics::counter!("plaza_rooms_joins_total").increment(1),
        Joined::Already => {}
        Joined::NoSuchRoom => return Err(JoinError::NoSuchRoom),
        Joined::TooManyRooms => return Err(JoinError::TooManyRooms(max)),
    }
    let room = api.store.room(caller.user, room).await?;
    room.ok_or(JoinError::NoSuchRoom)
}
