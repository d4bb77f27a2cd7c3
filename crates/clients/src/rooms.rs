//! rooms: rooms and members.

use chrono::{DateTime, Utc};
use plaza_kit::{
    feed::{FeedAnswer, FeedQuery},
    http_client::PeerError,
};
use plaza_types::{Epoch, FanoutMode, Role, RoomId, UserId, Version, Visibility};
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
    /// How its events travel.
    pub fanout: FanoutMode,
    /// How many members it has.
    pub member_count: i64,
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
    /// None: not a member.
    pub membership: Option<Membership>,
}

/// What ended or narrowed an access: entries of it are dropped from caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Removal {
    /// In which room.
    pub room_id: RoomId,
    /// Whose; none: everybody's (the room's visibility changed).
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
    /// The members; empty in room mode.
    pub members: Vec<UserId>,
}

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
}
