//! rooms: rooms and members.

use chrono::{DateTime, Utc};
use plaza_kit::{
    feed::{FeedAnswer, FeedQuery},
    http_client::PeerError,
};
use plaza_types::{
    Epoch, FanoutMode, Generation, InvitationId, Role, RoomId, UserId, Version, Visibility,
};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{As, ClientError, Lookup, Page, PageQuery, call::Service};

/// A room as one caller sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// Which room.
    pub id: RoomId,
    /// Its name.
    pub name: String,
    /// What it is about; may be empty.
    pub topic: String,
    /// Who may read.
    pub visibility: Visibility,
    /// See [`Access::open`].
    #[serde(default)]
    pub open: bool,
    /// How its events travel.
    pub fanout: FanoutMode,
    /// Part of the names of its channels.
    #[serde(default)]
    pub generation: Generation,
    /// How many members it has.
    pub member_count: i64,
    /// How many people have it open; none: not known, or not newly enough.
    #[serde(default)]
    pub online_count: Option<i64>,
    /// The version of the latest change other than a join or leave: what clients compare.
    pub version: Version,
    /// The installation's epoch.
    pub epoch: Epoch,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// The caller's own membership.
    pub membership: Option<Membership>,
}

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

/// Makes a room; the caller becomes its owner.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateRoom {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub topic: Option<String>,
    /// Who may read.
    pub visibility: Visibility,
}

/// Changes a room's attributes; what is left out stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateRoom {
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// What it is about; an empty one takes the old one away.
    #[serde(default)]
    pub topic: Option<String>,
    /// Who may read.
    #[serde(default)]
    pub visibility: Option<Visibility>,
}

/// Gives a member another role.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct SetRole {
    /// Which.
    pub role: Role,
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

/// Lets a member read only.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MuteMember {
    /// Until when; none: they may write again.
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

/// A search among public rooms.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Discover {
    /// Words, or parts of them; none: all, largest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// How many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u32>,
    /// Behind this cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What a caller may do in a room: what messages asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// Who may read.
    pub visibility: Visibility,
    /// Public, and nobody was ever kept out: what one reader may read, all may.
    #[serde(default)]
    pub open: bool,
    /// None: not a member.
    pub membership: Option<Membership>,
}

/// What ended or narrowed an access: entries of it are dropped from caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Removal {
    /// In which room.
    pub room_id: RoomId,
    /// Whose; none: everybody's (the room is gone, its visibility changed, or
    /// somebody is kept out of it for the first time).
    pub user_id: Option<UserId>,
}

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
}

/// Whom the publisher has to tell that a room has come to room mode: those who
/// were members before, and so look for its events in their own channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EarlyMembers {
    /// In room mode too, answer the present members who joined by then; at
    /// most [`MAX_EARLY_MEMBERS`], the first of them.
    pub joined_by: DateTime<Utc>,
}

/// Largest number of members that a room in room mode answers: far above every
/// sensible threshold.
pub const MAX_EARLY_MEMBERS: usize = 10_000;

/// Client of rooms.
#[derive(Debug, Clone)]
pub struct RoomsClient(Service);

impl RoomsClient {
    /// Of the rooms at this base URL.
    pub fn new(base: &str) -> Result<Self, PeerError> {
        Service::new("rooms", base).map(Self)
    }

    /// Makes a room.
    pub async fn create(&self, who: As<'_>, input: &CreateRoom) -> Result<Room, ClientError> {
        self.0.call(who, Method::POST, "/v1/rooms", input).await
    }

    /// All rooms that the caller is a member of, at most 1,000, in no promised order.
    pub async fn joined(&self, who: As<'_>) -> Result<Vec<Room>, ClientError> {
        self.0.get(who, "/v1/rooms/joined", &()).await
    }

    /// Public rooms that match, best first.
    pub async fn discover(&self, who: As<'_>, query: &Discover) -> Result<Page<Room>, ClientError> {
        self.0.get(who, "/v1/rooms/discover", query).await
    }

    /// Rooms by id, at most [`crate::MAX_LOOKUP`]; those the caller may not see are left out.
    pub async fn lookup(&self, who: As<'_>, ids: Vec<RoomId>) -> Result<Vec<Room>, ClientError> {
        self.0
            .call(who, Method::POST, "/v1/rooms/lookup", &Lookup { ids })
            .await
    }

    /// Makes the caller a member; already being one changes nothing.
    pub async fn join(&self, who: As<'_>, room: RoomId) -> Result<Room, ClientError> {
        self.0
            .call(who, Method::POST, &format!("/v1/rooms/{room}/join"), &())
            .await
    }

    /// Ends the caller's membership; not being a member changes nothing.
    /// When the last owner leaves, the first of the other members becomes owner.
    pub async fn leave(&self, who: As<'_>, room: RoomId) -> Result<(), ClientError> {
        self.0
            .call(who, Method::POST, &format!("/v1/rooms/{room}/leave"), &())
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

    /// Changes a room's attributes.
    pub async fn update(
        &self,
        who: As<'_>,
        room: RoomId,
        input: &UpdateRoom,
    ) -> Result<Room, ClientError> {
        self.0
            .call(who, Method::PATCH, &format!("/v1/rooms/{room}"), input)
            .await
    }

    /// Deletes a room; every member is told.
    pub async fn delete(&self, who: As<'_>, room: RoomId) -> Result<(), ClientError> {
        self.0
            .call(who, Method::DELETE, &format!("/v1/rooms/{room}"), &())
            .await
    }

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

    /// Tells whoever has the room open that the caller is typing. Saying it
    /// more often than it is passed on changes nothing.
    pub async fn typing(&self, who: As<'_>, room: RoomId) -> Result<(), ClientError> {
        self.0
            .call(who, Method::POST, &format!("/v1/rooms/{room}/typing"), &())
            .await
    }

    /// What the caller may do in a room. NOT_FOUND: not even see it.
    pub async fn access(&self, who: As<'_>, room: RoomId) -> Result<Access, ClientError> {
        self.0
            .get(who, &format!("/v1/rooms/{room}/access"), &())
            .await
    }

    /// Removals since a number.
    pub async fn removals(
        &self,
        who: As<'_>,
        query: FeedQuery,
    ) -> Result<FeedAnswer<Removal>, ClientError> {
        self.0.get(who, "/internal/removals", &query).await
    }

    /// To whom a room's events go. NOT_FOUND: there is no such room.
    pub async fn fanout(&self, who: As<'_>, room: RoomId) -> Result<Fanout, ClientError> {
        self.0
            .get(who, &format!("/internal/rooms/{room}/fanout"), &())
            .await
    }

    /// As [`fanout`](Self::fanout); in room mode with the members of before.
    pub async fn fanout_with_early_members(
        &self,
        who: As<'_>,
        room: RoomId,
        query: &EarlyMembers,
    ) -> Result<Fanout, ClientError> {
        self.0
            .get(who, &format!("/internal/rooms/{room}/fanout"), query)
            .await
    }
}

/// Where one acts on somebody in a room.
fn on(room: RoomId, user: UserId, act: &str) -> String {
    format!("/v1/rooms/{room}/members/{user}/{act}")
}
