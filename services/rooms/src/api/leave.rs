//! `POST /v1/rooms/{id}/leave`

use axum::extract::State;
use plaza_clients::{As, ClientError};
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{ApiError, Person, RoomId, UserId};
use secrecy::ExposeSecret;

use super::{Api, no_such_room, person};
use crate::storage::{Left, StorageError};

/// How often the one who takes over may change while their name is asked for.
const TRIES: usize = 3;

/// Why nobody left.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeaveError {
    #[error("there is no such room for the caller")]
    NoSuchRoom,
    #[error("auth does not name the member who takes over")]
    Auth(#[from] ClientError),
    #[error("auth does not know the member who takes over")]
    UnknownSuccessor,
    #[error("another member would take over at each of {TRIES} tries")]
    Contended,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<LeaveError> for Reject {
    fn from(error: LeaveError) -> Self {
        match error {
            LeaveError::NoSuchRoom => Self(no_such_room()),
            LeaveError::Auth(ref cause) => match ApiError::from(cause) {
                refusal if cause.code().is_some() => Self(refusal),
                _ => Self::unavailable(&error),
            },
            LeaveError::UnknownSuccessor | LeaveError::Contended => Self::unavailable(&error),
            LeaveError::Storage(error) => error.into(),
        }
    }
}

/// Ends the caller's membership; not being a member changes nothing. When the
/// last owner leaves, the first of the other members becomes owner.
pub(super) async fn leave(
    State(api): State<Api>,
    caller: Caller,
    Path(room): Path<RoomId>,
) -> Result<Json<()>, Reject> {
    Ok(Json(gone(&api, &caller, room).await?))
}

async fn gone(api: &Api, caller: &Caller, room: RoomId) -> Result<(), LeaveError> {
    let mut successor = None;
    for _ in 0..TRIES {
        match api.store.leave(person(caller), room, successor).await? {
            Left::Now => {
                metrics::counter!("plaza_rooms_leaves_total").increment(1);
                return Ok(());
            }
            Left::Already => return Ok(()),
            Left::NoSuchRoom => return Err(LeaveError::NoSuchRoom),
            Left::Successor(user) => successor = Some(name(api, caller, user).await?),
        }
    }
    Err(LeaveError::Contended)
}

/// The name of a member, which the event of their new role carries.
async fn name(api: &Api, caller: &Caller, user: UserId) -> Result<Person, LeaveError> {
    let who = As::User(caller.token.expose_secret());
    let found = api.auth.users(who, vec![user]).await?.pop();
    let user = found.ok_or(LeaveError::UnknownSuccessor)?;
    Ok(Person {
        id: user.id,
        username: user.username,
        display_name: user.display_name,
    })
}
