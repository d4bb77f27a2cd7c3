//! A room and its attributes.

use chrono::{DateTime, Utc};
use plaza_types::{Epoch, FanoutMode, Generation, RoomId, Version, Visibility};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::{Membership, RoomsClient};
use crate::{As, ClientError, Lookup};

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
    /// See [`Access::open`](super::Access::open).
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

impl RoomsClient {
    /// Makes a room.
    pub async fn create(&self, who: As<'_>, input: &CreateRoom) -> Result<Room, ClientError> {
        self.0.call(who, Method::POST, "/v1/rooms", input).await
    }

    /// All rooms that the caller is a member of, at most 1,000, in no promised order.
    pub async fn joined(&self, who: As<'_>) -> Result<Vec<Room>, ClientError> {
        self.0.get(who, "/v1/rooms/joined", &()).await
    }

    /// Rooms by id, at most [`crate::MAX_LOOKUP`]; those the caller may not see are left out.
    pub async fn lookup(&self, who: As<'_>, ids: Vec<RoomId>) -> Result<Vec<Room>, ClientError> {
        self.0
            .repeatable(who, Method::POST, "/v1/rooms/lookup", &Lookup { ids })
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
}
