//! Shapes that travel: between services, in events and to browsers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{MessageId, Number, RoomId, Seq, UserId};

/// A user as others see one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// The name for mentions.
    pub username: String,
    /// The name to read.
    pub display_name: String,
}

/// The whole present state of a message, as pages, `changes` and events give it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Which message.
    pub id: MessageId,
    /// Where it stands.
    pub room_id: RoomId,
    /// The change that made it: its place in the timeline.
    pub seq: Seq,
    /// Its place among the room's messages.
    pub number: Number,
    /// The latest change to it; of two states the higher stands.
    pub changed_seq: Seq,
    /// Who wrote it.
    pub author_id: UserId,
    /// CommonMark as typed; empty once deleted.
    pub content: String,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When it was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<DateTime<Utc>>,
    /// When it was deleted: what remains is a tombstone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime<Utc>>,
    /// The id that its author's client gave it.
    pub client_message_id: String,
    /// The message of the same room that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
}
