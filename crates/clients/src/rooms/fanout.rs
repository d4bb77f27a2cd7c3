//! What the publisher asks: to whom a room's events go.

use chrono::{DateTime, Utc};
use plaza_types::{FanoutMode, Generation, RoomId, UserId, Version, Visibility};
use serde::{Deserialize, Serialize};

use super::RoomsClient;
use crate::{As, ClientError};

/// To whom a room's events go now: what the publisher asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fanout {
    /// The room's change counter when this was read: later member events apply on top.
    pub version: Version,
    /// By which channels.
    pub mode: FanoutMode,
    /// Who may read: the namespace of the room's channels.
    pub visibility: Visibility,
    /// Part of the names of the room's channels.
    #[serde(default)]
    pub generation: Generation,
    /// The members; in room mode none, or those that [`EarlyMembers`] asks for.
    pub members: Vec<UserId>,
    /// How many members there are; 0 from a release that does not say.
    #[serde(default)]
    pub member_count: i64,
}

/// Of whom a room in room mode is asked, too: those who were members before it
/// came to it still look for its events in their own channels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EarlyMembers {
    /// Present members who joined by then, the first [`MAX_EARLY_MEMBERS`];
    /// none: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_by: Option<DateTime<Utc>>,
}

/// Largest number of members that a room in room mode answers: far above every
/// sensible threshold.
pub const MAX_EARLY_MEMBERS: i64 = 10_000;

impl RoomsClient {
    /// To whom a room's events go. NOT_FOUND: there is no such room.
    pub async fn fanout(
        &self,
        who: As<'_>,
        room: RoomId,
        early: EarlyMembers,
    ) -> Result<Fanout, ClientError> {
        self.0
            .get(who, &format!("/internal/rooms/{room}/fanout"), &early)
            .await
    }
}
