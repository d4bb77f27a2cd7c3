//! Places in a room: `seq`, `number` and `version`. Nothing compares one kind
//! with another, so each is a type of its own.

use serde::{Deserialize, Serialize};

/// A number outside 0 ..= 2^53 − 1, which JSON numbers carry exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 0 to 9007199254740991")]
pub struct PositionError;

const MAX: i64 = (1 << 53) - 1;

macro_rules! positions {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "i64", into = "i64")]
        pub struct $name(i64);

        impl $name {
            /// Before the first.
            pub const ZERO: Self = Self(0);

            /// The bare number, for storage.
            pub const fn get(self) -> i64 {
                self.0
            }

            /// The one after this.
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl TryFrom<i64> for $name {
            type Error = PositionError;
            fn try_from(value: i64) -> Result<Self, PositionError> {
                if (0..=MAX).contains(&value) { Ok(Self(value)) } else { Err(PositionError) }
            }
        }

        impl From<$name> for i64 {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

positions! {
    /// The place of a change among all changes that messages makes in a room;
    /// gapless, and the only number that moves a client's position.
    Seq;
    /// The place of a message among the room's messages; gapless. Unread
    /// counts are differences of it.
    Number;
    /// The place of a change among all changes that rooms makes to a room.
    Version;
    /// Part of the names of a room's channels; grows when its visibility
    /// changes, so that nobody stays where they may no longer be.
    Generation;
}
