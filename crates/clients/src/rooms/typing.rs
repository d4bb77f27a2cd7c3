//! Who is typing.

use plaza_types::RoomId;
use reqwest::Method;

use super::RoomsClient;
use crate::{As, ClientError};

impl RoomsClient {
    /// Tells whoever has the room open that the caller is typing. Saying it
    /// more often than it is passed on changes nothing.
    pub async fn typing(&self, who: As<'_>, room: RoomId) -> Result<(), ClientError> {
        self.0
            .call(who, Method::POST, &format!("/v1/rooms/{room}/typing"), &())
            .await
    }
}
