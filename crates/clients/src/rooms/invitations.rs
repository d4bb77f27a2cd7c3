//! Ways into a room.

use chrono::{DateTime, Utc};
use plaza_types::{InvitationId, RoomId, UserId};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::{Room, RoomsClient};
use crate::{As, ClientError, Page, PageQuery};

/// Invites into a room.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invite {
    /// Whom; none: whoever has the link.
    #[serde(default)]
    pub username: Option<String>,
    /// How often a link can be used; none: once.
    #[serde(default)]
    pub max_uses: Option<i32>,
    /// How long it can be used, in seconds; none: seven days.
    #[serde(default)]
    pub expires_in: Option<i32>,
}

/// A way into a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// Which.
    pub id: InvitationId,
    /// Into which room.
    pub room_id: RoomId,
    /// The room's name: who is invited cannot see the room yet.
    pub room_name: String,
    /// Who invites.
    pub inviter_id: UserId,
    /// Who is invited; none: whoever has the link.
    pub invitee_id: Option<UserId>,
    /// What the link holds; only in the answer to who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// How often it can be used.
    pub max_uses: i32,
    /// How often it was.
    pub uses: i32,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// Accepts an invitation: one of the two.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accept {
    /// One by name.
    #[serde(default)]
    pub id: Option<InvitationId>,
    /// What the link holds.
    #[serde(default)]
    pub token: Option<String>,
}

impl RoomsClient {
    /// Invites somebody by name, or makes a link.
    pub async fn invite(
        &self,
        who: As<'_>,
        room: RoomId,
        input: &Invite,
    ) -> Result<Invitation, ClientError> {
        self.0
            .call(
                who,
                Method::POST,
                &format!("/v1/rooms/{room}/invitations"),
                input,
            )
            .await
    }

    /// A room's invitations that can be used, the newest first.
    pub async fn invitations(
        &self,
        who: As<'_>,
        room: RoomId,
        page: &PageQuery,
    ) -> Result<Page<Invitation>, ClientError> {
        self.0
            .get(who, &format!("/v1/rooms/{room}/invitations"), page)
            .await
    }

    /// The caller's own invitations that can be used, the newest first.
    pub async fn own_invitations(
        &self,
        who: As<'_>,
        page: &PageQuery,
    ) -> Result<Page<Invitation>, ClientError> {
        self.0.get(who, "/v1/invitations", page).await
    }

    /// Becomes a member by an invitation; already being one uses nothing.
    pub async fn accept(&self, who: As<'_>, input: &Accept) -> Result<Room, ClientError> {
        self.0
            .call(who, Method::POST, "/v1/invitations/accept", input)
            .await
    }

    /// Ends an invitation: by who may invite, or by who is invited.
    pub async fn revoke_invitation(
        &self,
        who: As<'_>,
        invitation: InvitationId,
    ) -> Result<(), ClientError> {
        self.0
            .call(
                who,
                Method::DELETE,
                &format!("/v1/invitations/{invitation}"),
                &(),
            )
            .await
    }
}
