use std::sync::Arc;

use async_graphql::{Enum, ID, SimpleObject};
use plaza_clients::auth::{self, Grant};

use super::User;
use crate::graph::scalars::DateTime;

/// How a client keeps its refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum ClientKind {
    /// In an HttpOnly cookie, which the answer sets.
    Browser,
    /// Itself: the answer has `refreshToken`.
    Native,
}

/// A signed-in session's tokens.
#[derive(SimpleObject)]
pub(crate) struct Session {
    /// For the Authorization header, as `Bearer …`. Keep it in memory.
    access_token: String,
    /// When the access token expires.
    expires_at: DateTime,
    /// For NATIVE clients alone; new with each use.
    refresh_token: Option<String>,
    /// Whose session.
    user: User,
}

impl Session {
    /// Without the refresh token, which is in the cookie.
    pub(crate) fn browser(grant: Grant) -> Self {
        Self {
            refresh_token: None,
            ..Self::native(grant)
        }
    }

    /// With the refresh token.
    pub(crate) fn native(grant: Grant) -> Self {
        Self {
            access_token: grant.access_token,
            expires_at: grant.expires_at.into(),
            refresh_token: Some(grant.refresh_token),
            user: Arc::new(grant.user).into(),
        }
    }
}

/// A signed-in device.
#[derive(SimpleObject)]
pub(crate) struct DeviceSession {
    /// Which.
    id: ID,
    /// What it is called, such as "Firefox on Linux"; empty when it did not say.
    device: String,
    /// Since when it is signed in.
    created_at: DateTime,
    /// When it last renewed its tokens, which a device in use does every few minutes.
    last_seen_at: DateTime,
    /// Whether it is the one that asks.
    current: bool,
}

impl From<auth::DeviceSession> for DeviceSession {
    fn from(session: auth::DeviceSession) -> Self {
        Self {
            id: session.id.to_string().into(),
            device: session.device,
            created_at: session.created_at.into(),
            last_seen_at: session.last_seen_at.into(),
            current: session.current,
        }
    }
}

/// For one connection to the real-time server, or for one of its channels.
#[derive(SimpleObject)]
pub(crate) struct RealtimeToken {
    /// Good for one attempt to connect or to subscribe, within seconds.
    pub(crate) token: String,
    /// When it can no longer be used.
    pub(crate) expires_at: DateTime,
    /// Where to connect: a ws or wss URL, or a path on this host.
    pub(crate) endpoint: String,
    /// The channels that the connection opens with, or the one that the token opens.
    pub(crate) channels: Vec<String>,
}
