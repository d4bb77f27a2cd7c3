//! What all virtual users of a run share.

use plaza_types::RoomId;
use tokio::sync::{OnceCell, Semaphore};

use super::{meters::Meters, room::Reader};
use crate::{
    cast::VirtualUser,
    graphql::Endpoint,
    wire::{RunId, Target, TargetError},
};

/// What all virtual users of a run share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) endpoint: Endpoint,
    pub(crate) room: RoomId,
    pub(crate) run: RunId,
    pub(crate) meters: Meters,
    /// In place of what the gateway says.
    pub(crate) realtime: Option<String>,
    /// Where the gateway is, for an endpoint that is a path there.
    pub(crate) base: String,
    /// Looked up by the first.
    pub(crate) target: OnceCell<Target>,
    /// The channel of the sign of life.
    pub(crate) pulse: String,
    /// Who may connect, or ask what is missing, now.
    pub(crate) turns: Semaphore,
    /// Whether a storm takes the history with it, so that nothing is recovered.
    pub(crate) storms_lose_history: bool,
}

impl Shared {
    /// Asks about a room as one user.
    pub(super) fn reader<'a>(&'a self, user: &'a VirtualUser, room: RoomId) -> Reader<'a> {
        Reader {
            endpoint: &self.endpoint,
            token: &user.token,
            room,
        }
    }

    /// Where connections go, when the gateway says that it is there.
    pub(super) async fn target(&self, endpoint: &str) -> Result<&Target, TargetError> {
        let url = self.realtime.as_deref().unwrap_or(endpoint);
        let url = absolute(url, &self.base);
        self.target.get_or_try_init(|| Target::find(&url)).await
    }
}

/// An endpoint that may be a path at the gateway.
fn absolute(endpoint: &str, base: &str) -> String {
    if endpoint.starts_with('/') {
        let base = base.trim_end_matches('/');
        let host = base.strip_prefix("http").map(|rest| format!("ws{rest}"));
        return host.unwrap_or_else(|| base.to_owned()) + endpoint;
    }
    endpoint.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_may_be_a_path_at_the_gateway() {
        let path = "/connection/websocket";
        assert_eq!(
            absolute(path, "http://127.0.0.1:8080/"),
            "ws://127.0.0.1:8080/connection/websocket"
        );
        assert_eq!(
            absolute(path, "https://chat.example.org"),
            "wss://chat.example.org/connection/websocket"
        );
        assert_eq!(absolute("ws://elsewhere/", "http://a"), "ws://elsewhere/");
    }
}
