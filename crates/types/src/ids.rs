//! Typed ids: a newtype per entity over UUIDv7.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind} id")]
pub struct IdError {
    kind: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $kind:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id of this moment (UUIDv7, RFC 9562).
            #[expect(clippy::new_without_default, reason = "each call gives another id")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The bare UUID, for storage.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            /// Takes the hyphenated form only, so that an id has one spelling.
            fn from_str(text: &str) -> Result<Self, IdError> {
                if text.len() != 36 {
                    return Err(IdError { kind: $kind });
                }
                text.parse().map(Self).map_err(|_| IdError { kind: $kind })
            }
        }
    )+};
}

ids! {
    /// A user, person or bot.
    UserId: "user";
    /// A room.
    RoomId: "room";
    /// A message.
    MessageId: "message";
    /// An invitation into a room.
    InvitationId: "invitation";
    /// A session: one signed-in device, the family of its refresh tokens.
    SessionId: "session";
    /// The installation's epoch: made at install, made anew by a restore. A
    /// client that meets another one forgets every position it holds.
    Epoch: "epoch";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = RoomId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.0.simple().to_string().parse::<RoomId>().is_err());
        assert!(id.0.braced().to_string().parse::<RoomId>().is_err());
        assert!("".parse::<RoomId>().is_err());
    }

    #[test]
    fn ids_grow_with_time() {
        let ids: Vec<_> = (0..1000).map(|_| MessageId::new()).collect();
        assert!(ids.is_sorted());
    }
}
