//! Finding public rooms.

use serde::{Deserialize, Serialize};

use super::{Room, RoomsClient};
use crate::{As, ClientError, Page};

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

impl RoomsClient {
    /// Public rooms that match, best first.
    pub async fn discover(&self, who: As<'_>, query: &Discover) -> Result<Page<Room>, ClientError> {
        self.0.get(who, "/v1/rooms/discover", query).await
    }
}
