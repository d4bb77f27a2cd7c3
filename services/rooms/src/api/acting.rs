//! What the acts of members on rooms and on each other share: their errors,
//! and the names that their events carry.

use plaza_clients::{As, ClientError};
use plaza_kit::{http::Reject, token::Caller};
use plaza_types::{ApiError, Code, Person, Role, UserId};
use secrecy::ExposeSecret;

use super::{Api, no_such_room, person};
use crate::{
    domain::Denied,
    storage::{ActError, StorageError},
};

/// Why an act was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Act(#[from] ActError),
    #[error("there is no such user")]
    NoSuchUser,
    #[error("auth does not name the other")]
    Auth(#[from] ClientError),
}

impl From<StorageError> for Refused {
    fn from(error: StorageError) -> Self {
        Self::Act(error.into())
    }
}

impl From<Refused> for Reject {
    fn from(error: Refused) -> Self {
        match error {
            Refused::Act(error) => error.into(),
            Refused::NoSuchUser => Self(ApiError::not_found("user")),
            Refused::Auth(ref cause) => match ApiError::from(cause) {
                refusal if cause.code().is_some() => Self(refusal),
                _ => Self::unavailable(&error),
            },
        }
    }
}

impl From<ActError> for Reject {
    fn from(error: ActError) -> Self {
        match error {
            ActError::NoSuchRoom => Self(no_such_room()),
            ActError::Denied(denied) => Self(denied.into()),
            ActError::NoSuchMember => Self(ApiError::not_found("member")),
            ActError::NoSuchBan => Self(ApiError::not_found("ban")),
            ActError::Storage(error) => error.into(),
        }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        let forbidden = |message: &str| Self::new(Code::Forbidden, message);
        match denied {
            Denied::NotMember => forbidden("Only members of the room can do this. Join it first."),
            Denied::Needs(Role::Owner) => forbidden("Only owners of the room can do this."),
            Denied::Needs(Role::Admin) => {
                forbidden("Only admins and owners of the room can do this.")
            }
            Denied::Needs(Role::Moderator | Role::Member) => {
                forbidden("Only moderators, admins and owners of the room can do this.")
            }
            Denied::NotLower => {
                forbidden("You can do this only to people whose role is below yours.")
            }
            Denied::NotBelowOwn => forbidden("You can give only roles that are below yours."),
            Denied::LastOwner => Self::new(
                Code::Conflict,
                "A room needs an owner. Make somebody else owner first.",
            ),
        }
    }
}

/// A user as events name them; none: auth does not know them.
pub(super) async fn named(
    api: &Api,
    caller: &Caller,
    user: UserId,
) -> Result<Option<Person>, ClientError> {
    if user == caller.user {
        return Ok(Some(person(caller)));
    }
    let who = As::User(caller.token.expose_secret());
    let found = api.auth.users(who, vec![user]).await?;
    Ok(found.into_iter().next().map(|user| Person {
        id: user.id,
        username: user.username,
        display_name: user.display_name,
    }))
}

/// Shows the acts that operators watch before the first of them.
pub(super) fn count_from_start() {
    for act in ["kick", "ban"] {
        metrics::counter!("plaza_rooms_acts_total", "act" => act).increment(0);
    }
}

/// Counts what was done.
pub(super) fn counted(act: &'static str) {
    metrics::counter!("plaza_rooms_acts_total", "act" => act).increment(1);
}
