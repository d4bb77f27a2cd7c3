//! The durable events, exactly as browsers get them. Every body is a present
//! state, never a difference, so that a repeated or folded event does no harm.

use chrono::{DateTime, Utc};
use plaza_types::{
    Epoch, FanoutMode, Generation, LeaveReason, Message, Number, Person, Role, RoomId, Seq,
    Version, Visibility,
};
use serde::{Deserialize, Serialize};

/// One event. On the wire it is one flat JSON object:
/// `{"type":"message.created","room":…,"epoch":…,"time":…,"seq":…,…}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The room that it is about; absent for `tick`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// The installation's epoch; a client that meets another forgets its positions.
    pub epoch: Epoch,
    /// When the change was made.
    pub time: DateTime<Utc>,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
}

/// What happened. `seq` moves a client's position in a room's timeline;
/// `version` only says which of two states of one thing is newer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum Body {
    /// A message was accepted.
    #[serde(rename = "message.created")]
    MessageCreated {
        /// The change's place in the room.
        seq: Seq,
        /// Its state.
        message: Message,
        /// Its author, so that no reader has to ask.
        author: Person,
    },
    /// A message has other content.
    #[serde(rename = "message.edited")]
    MessageEdited {
        /// The change's place in the room.
        seq: Seq,
        /// Its state.
        message: Message,
    },
    /// A message is a tombstone.
    #[serde(rename = "message.deleted")]
    MessageDeleted {
        /// The change's place in the room.
        seq: Seq,
        /// Its state.
        message: Message,
    },
    /// The room's own attributes.
    #[serde(rename = "room.updated")]
    RoomUpdated {
        /// Newer stands.
        version: Version,
        /// The room's name.
        name: String,
        /// What it is about.
        topic: String,
        /// Who may read.
        visibility: Visibility,
        /// How many members it has.
        member_count: i64,
    },
    /// A member's state: joined, left, another role, muted or no longer muted.
    #[serde(rename = "member.updated")]
    MemberUpdated {
        /// Newer stands, for this member.
        version: Version,
        /// Who.
        user: Person,
        /// The role; none: no longer a member.
        role: Option<Role>,
        /// How many members the room has now.
        member_count: i64,
        /// Why, when no longer a member.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<LeaveReason>,
        /// Until when they may not write.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        muted_until: Option<DateTime<Utc>>,
    },
    /// To a newcomer's own channel: the publisher makes it when it applies a join.
    #[serde(rename = "joined")]
    Joined {
        /// The join's version.
        version: Version,
        /// Where the room's events come from now.
        mode: FanoutMode,
    },
    /// To the own channel of who is no longer a member.
    #[serde(rename = "left")]
    Left {
        /// The departure's version.
        version: Version,
        /// Why.
        reason: LeaveReason,
    },
    /// To the reader's own channel, for the other tabs.
    #[serde(rename = "read")]
    Read {
        /// Everything up to here is read; only grows.
        number: Number,
    },
    /// Where a room stands, in place of events: a client that is behind asks.
    /// To a room's `head:` channel it goes once a second at most.
    #[serde(rename = "head")]
    Head {
        /// The newest change of the room's messages.
        head_seq: Seq,
        /// The version of the newest change that clients compare, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Version>,
        /// The newest message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<Number>,
        /// When it was sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_message_at: Option<DateTime<Utc>>,
        /// Its first line ([`plaza_types::preview`]); none where it is deleted or not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        preview: Option<String>,
        /// How many members the room has, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member_count: Option<i64>,
    },
    /// From which channels the room's events come from now on: it crossed the
    /// size from which it has its own, or its visibility changed. A client
    /// subscribes there first, then asks `changes`.
    #[serde(rename = "fanout")]
    Fanout {
        /// Newer stands.
        version: Version,
        /// By which channels.
        mode: FanoutMode,
        /// Who may read: the namespace of the room's channels.
        visibility: Visibility,
        /// Part of the names of the room's channels.
        generation: Generation,
    },
    /// To `pulse:all`: the whole path works.
    #[serde(rename = "tick")]
    Tick {},
    /// A type that a newer release writes: readers skip it.
    #[serde(other)]
    Unknown,
}

/// What a publication carries: `{"v":1,"events":[…]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// The format's version: 1.
    pub v: u8,
    /// In the order in which they are to be applied.
    pub events: Vec<Event>,
}
