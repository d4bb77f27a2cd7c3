//! The types of events, for readers that route an event without reading it.

use serde::Deserialize;

/// The `type` of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub enum Kind {
    /// A message was accepted.
    #[serde(rename = "message.created")]
    MessageCreated,
    /// A message has other content.
    #[serde(rename = "message.edited")]
    MessageEdited,
    /// A message is a tombstone.
    #[serde(rename = "message.deleted")]
    MessageDeleted,
    /// The room's own attributes.
    #[serde(rename = "room.updated")]
    RoomUpdated,
    /// A member's state.
    #[serde(rename = "member.updated")]
    MemberUpdated,
    /// To a newcomer.
    #[serde(rename = "joined")]
    Joined,
    /// To who is no longer a member.
    #[serde(rename = "left")]
    Left,
    /// To the reader's other tabs.
    #[serde(rename = "read")]
    Read,
    /// Where a room stands.
    #[serde(rename = "head")]
    Head,
    /// From which channels the room's events come.
    #[serde(rename = "fanout")]
    Fanout,
    /// The sign of life.
    #[serde(rename = "tick")]
    Tick,
    /// A type that a newer release writes.
    #[serde(other)]
    Unknown,
}
