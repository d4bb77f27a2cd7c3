//! Members: joining, leaving, and who is in a room.

use chrono::{DateTime, Utc};
use plaza_types::{Role, RoomId, UserId};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::{Room, RoomsClient};
use crate::{As, ClientError, Page, PageQuery};

/// The caller's place in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// What the caller may do.
    pub role: Role,
    /// Since when.
    pub joined_at: DateTime<Utc>,
    /// Until when the caller may not write.
    pub muted_until: Option<DateTime<Utc>>,
}

/// A member of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Who.
    pub user_id: UserId,
    /// What they may do.
    pub role: Role,
    /// Since when.
    pub joined_at: DateTime<Utc>,
    /// Until when they may not write.
    #[serde(default)]
    pub muted_until: Option<DateTime<Utc>>,
}

impl RoomsClient {
    /// Makes the caller a member; already being one changes nothing.
    pub async fn join(&self, who: As<'_>, room: RoomId) -> Result<Room, ClientError> {
        self.0
            .repeatable(who, Method::POST, &format!("/v1/rooms/{room}/join"), &())
            .await
    }

    /// Ends the caller's membership; not being a member changes nothing.
    /// When the last owner leaves, the first of the other members becomes owner.
    pub async fn leave(&self, who: As<'_>, room: RoomId) -> Result<(), ClientError> {
        self.0
            .repeatable(who, Method::POST, &format!("/v1/rooms/{room}/leave"), &())
            .await
    }

    /// A room's members, higher roles first, then by when they joined.
    pub async fn members(
        &self,
        who: As<'_>,
        room: RoomId,
        page: &PageQuery,
    ) -> Result<Page<Member>, ClientError> {
        self.0
            .get(who, &format!("/v1/rooms/{room}/members"), page)
            .await
    }
}
