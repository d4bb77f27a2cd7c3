//! Ids, positions, limits and text rules that every part of Plaza shares.
//!
//! Everything here is pure: no I/O, no clock, no framework. A value of one of
//! these types has been checked where it entered, so the code behind the edge
//! does not check it again.

mod error;
mod ids;
mod position;
mod preview;
mod shape;
mod text;

pub use error::{ApiError, Code};
pub use ids::{Epoch, IdError, InvitationId, MessageId, RoomId, SessionId, UserId};
pub use position::{Generation, Number, PositionError, Seq, Version};
pub use preview::{MAX_PREVIEW_CHARS, preview};
pub use shape::{Message, Person};
pub use text::{
    BanReason, ClientMessageId, DeviceName, DisplayName, MAX_BAN_REASON_CHARS,
    MAX_CLIENT_MESSAGE_ID_BYTES, MAX_DEVICE_NAME_CHARS, MAX_DISPLAY_NAME_CHARS, MAX_MESSAGE_CHARS,
    MAX_PASSWORD_BYTES, MAX_ROOM_NAME_CHARS, MAX_SEARCH_CHARS, MAX_TOPIC_CHARS, MAX_USERNAME_CHARS,
    MIN_PASSWORD_CHARS, MIN_USERNAME_CHARS, MessageContent, RoomName, SearchQuery, TextError,
    Topic, Username, check_password,
};

use serde::{Deserialize, Serialize};

/// Who may read a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Every signed-in user may read; members may write.
    Public,
    /// Members only.
    Private,
}

/// How a room's events reach its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FanoutMode {
    /// By each member's `personal:<user>` channel.
    Personal,
    /// By the room's own channel.
    Room,
}

/// What a member may do; a role acts only on lower ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads and writes.
    Member,
    /// Removes messages and mutes members.
    Moderator,
    /// Changes the room and its moderators.
    Admin,
    /// Everything, and there is always one.
    Owner,
}

/// Why somebody is no longer a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// By own wish.
    Left,
    /// Removed by a moderator.
    Kicked,
    /// Removed and kept out.
    Banned,
    /// The room is gone.
    RoomDeleted,
}

/// Gives a unit-only enum its lower-case text form, as the databases and the
/// wire have it.
macro_rules! text_form {
    ($($enum:ident { $($variant:ident => $text:literal),+ $(,)? })+) => {$(
        impl $enum {
            /// The lower-case text form.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
        impl std::str::FromStr for $enum {
            type Err = UnknownVariant;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(UnknownVariant { kind: stringify!($enum), text: text.to_owned() }),
                }
            }
        }
        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}

text_form! {
    Visibility { Public => "public", Private => "private" }
    FanoutMode { Personal => "personal", Room => "room" }
    LeaveReason {
        Left => "left", Kicked => "kicked", Banned => "banned", RoomDeleted => "room_deleted"
    }
    Role { Member => "member", Moderator => "moderator", Admin => "admin", Owner => "owner" }
}

/// A text that names no variant of the enum it was read as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}")]
pub struct UnknownVariant {
    kind: &'static str,
    text: String,
}
