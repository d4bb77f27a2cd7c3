//! What messages asks: who may do what in a room, and whose access ended.

use plaza_kit::feed::{FeedAnswer, FeedQuery};
use plaza_types::{RoomId, UserId, Visibility};
use serde::{Deserialize, Serialize};

use super::{Membership, RoomsClient};
use crate::{As, ClientError};

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

impl RoomsClient {
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
}
