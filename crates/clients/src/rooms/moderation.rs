//! What members with a role do to others.

use chrono::{DateTime, Utc};
use plaza_types::{Role, RoomId, UserId};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::{Member, RoomsClient};
use crate::{As, ClientError, Page, PageQuery};

/// Gives a member another role.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct SetRole {
    /// Which.
    pub role: Role,
}

/// Lets a member read only.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MuteMember {
    /// Until when; none: they may write again.
    #[serde(default)]
    pub until: Option<DateTime<Utc>>,
}

/// Keeps somebody out.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BanMember {
    /// Why, for those who moderate the room.
    #[serde(default)]
    pub reason: Option<String>,
    /// Until when; none: for good.
    #[serde(default)]
    pub until: Option<DateTime<Utc>>,
}

/// Somebody who is kept out of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ban {
    /// Who.
    pub user_id: UserId,
    /// By whom.
    pub by_id: UserId,
    /// Why; may be empty.
    pub reason: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Until when; none: for good.
    pub until: Option<DateTime<Utc>>,
}

impl RoomsClient {
    /// Gives a member another role.
    pub async fn set_role(
        &self,
        who: As<'_>,
        room: RoomId,
        user: UserId,
        input: &SetRole,
    ) -> Result<Member, ClientError> {
        self.0
            .call(who, Method::POST, &on(room, user, "role"), input)
            .await
    }

    /// Ends a member's membership.
    pub async fn kick(&self, who: As<'_>, room: RoomId, user: UserId) -> Result<(), ClientError> {
        self.0
            .call(who, Method::POST, &on(room, user, "kick"), &())
            .await
    }

    /// Lets a member read only, or write again.
    pub async fn mute(
        &self,
        who: As<'_>,
        room: RoomId,
        user: UserId,
        input: &MuteMember,
    ) -> Result<Member, ClientError> {
        self.0
            .call(who, Method::POST, &on(room, user, "mute"), input)
            .await
    }

    /// Whether the caller may delete what this person wrote. FORBIDDEN: no.
    /// NOT_FOUND: the caller may not see the room.
    pub async fn moderates(
        &self,
        who: As<'_>,
        room: RoomId,
        author: UserId,
    ) -> Result<(), ClientError> {
        self.0.get(who, &on(room, author, "moderates"), &()).await
    }

    /// Keeps somebody out, member or not.
    pub async fn ban(
        &self,
        who: As<'_>,
        room: RoomId,
        user: UserId,
        input: &BanMember,
    ) -> Result<(), ClientError> {
        self.0
            .call(who, Method::POST, &on(room, user, "ban"), input)
            .await
    }

    /// Lets somebody in again.
    pub async fn unban(&self, who: As<'_>, room: RoomId, user: UserId) -> Result<(), ClientError> {
        self.0
            .call(who, Method::POST, &on(room, user, "unban"), &())
            .await
    }

    /// Who is kept out, the latest first.
    pub async fn bans(
        &self,
        who: As<'_>,
        room: RoomId,
        page: &PageQuery,
    ) -> Result<Page<Ban>, ClientError> {
        self.0
            .get(who, &format!("/v1/rooms/{room}/bans"), page)
            .await
    }
}

/// Where one acts on somebody in a room.
fn on(room: RoomId, user: UserId, act: &str) -> String {
    format!("/v1/rooms/{room}/members/{user}/{act}")
}
