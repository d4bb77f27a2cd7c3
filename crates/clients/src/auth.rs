//! auth: accounts, sessions and tokens.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use plaza_kit::{
    feed::{FeedAnswer, FeedQuery},
    http_client::PeerError,
    token::{PublicJwks, Revocation, ServiceTokens},
};
use plaza_types::{SessionId, UserId};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{As, ClientError, Lookup, call::Service};

/// A user, as everybody signed in may see one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Who.
    pub id: UserId,
    /// The name for mentions, in the spelling of its owner.
    pub username: String,
    /// The name to read.
    pub display_name: String,
    /// A person or a bot.
    pub kind: UserKind,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// What stands behind an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserKind {
    /// A person.
    Person,
    /// A program.
    Bot,
}

/// Opens an account and a first session.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Register {
    /// The wanted name; unique without regard to case.
    pub username: String,
    /// The password; never stored, never logged.
    pub password: String,
    /// The name to read; the username when absent.
    pub display_name: Option<String>,
    /// What the session list will call the device.
    pub device: Option<String>,
}

/// Opens a session.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Login {
    /// The name, without regard to case.
    pub username: String,
    /// The password.
    pub password: String,
    /// What the session list will call the device.
    pub device: Option<String>,
    /// Where the client is; believed of a service alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_address: Option<IpAddr>,
}

/// Continues or ends a session by its refresh token.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefreshToken {
    /// The opaque token.
    pub refresh_token: Option<String>,
}

/// A session's tokens. Debug shows none of them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// ES256, 10 minutes.
    pub access_token: String,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// Opaque, rotated on use.
    pub refresh_token: String,
    /// When it expires, unless it is used before.
    pub refresh_expires_at: DateTime<Utc>,
    /// Whose session.
    pub user: User,
}

macro_rules! opaque_debug {
    ($($name:ident),+) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )+};
}
opaque_debug!(
    Register,
    Login,
    RefreshToken,
    Grant,
    ConnectionToken,
    SubscriptionToken
);

/// A signed-in device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceSession {
    /// Which.
    pub id: SessionId,
    /// What the device is called, such as "Firefox on Linux"; may be empty.
    pub device: String,
    /// Since when it is signed in.
    pub created_at: DateTime<Utc>,
    /// When it last renewed its tokens, which a device in use does every few minutes.
    pub last_seen_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// The most sessions of one answer; the ones used last.
pub const MAX_SESSIONS: usize = 100;

/// A token for Centrifugo.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionToken {
    /// ES256, for one connection attempt.
    pub token: String,
    /// When it can no longer be used.
    pub expires_at: DateTime<Utc>,
    /// The channels that the connection opens with.
    pub channels: Vec<String>,
}

/// Asks for tokens that open channels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subscribe {
    /// At most [`MAX_SUBSCRIPTIONS`] names of channels that open by a token.
    pub channels: Vec<String>,
}

/// The most channels of one [`Subscribe`].
pub const MAX_SUBSCRIPTIONS: usize = 200;

/// A token that opens one channel of Centrifugo for one user.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionToken {
    /// Which channel.
    pub channel: String,
    /// ES256, for one subscription.
    pub token: String,
    /// When it can no longer be used.
    pub expires_at: DateTime<Utc>,
}

/// Asks for the user of a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Named {
    /// The name.
    pub username: String,
}

/// Client of auth.
#[derive(Debug, Clone)]
pub struct AuthClient(Service);

impl AuthClient {
    /// Of the auth at this base URL.
    pub fn new(base: &str) -> Result<Self, PeerError> {
        Service::new("auth", base).map(Self)
    }

    /// Opens an account. CONFLICT: the name is taken.
    pub async fn register(&self, input: &Register) -> Result<Grant, ClientError> {
        self.0
            .call(As::Anyone, Method::POST, "/v1/register", input)
            .await
    }

    /// Opens a session. UNAUTHENTICATED: wrong name or password. RATE_LIMITED:
    /// too many wrong ones of this name from this address.
    pub async fn login(&self, who: As<'_>, input: &Login) -> Result<Grant, ClientError> {
        self.0.call(who, Method::POST, "/v1/login", input).await
    }

    /// Rotates a session's tokens. UNAUTHENTICATED: ended, expired or reused.
    pub async fn refresh(&self, token: &RefreshToken) -> Result<Grant, ClientError> {
        self.0
            .call(As::Anyone, Method::POST, "/v1/refresh", token)
            .await
    }

    /// Ends a session, by its access token, its refresh token or both.
    pub async fn logout(&self, who: As<'_>, token: &RefreshToken) -> Result<(), ClientError> {
        self.0.call(who, Method::POST, "/v1/logout", token).await
    }

    /// The caller's sessions, the one used last first; at most [`MAX_SESSIONS`].
    pub async fn sessions(&self, who: As<'_>) -> Result<Vec<DeviceSession>, ClientError> {
        self.0.get(who, "/v1/sessions", &()).await
    }

    /// Ends one of the caller's sessions. NOT_FOUND: the caller has none of this id.
    pub async fn revoke_session(&self, who: As<'_>, session: SessionId) -> Result<(), ClientError> {
        let path = format!("/v1/sessions/{session}");
        self.0.call(who, Method::DELETE, &path, &()).await
    }

    /// The caller.
    pub async fn me(&self, who: As<'_>) -> Result<User, ClientError> {
        self.0.get(who, "/v1/me", &()).await
    }

    /// Users by id, at most [`crate::MAX_LOOKUP`]; unknown ones are left out.
    pub async fn users(&self, who: As<'_>, ids: Vec<UserId>) -> Result<Vec<User>, ClientError> {
        self.0
            .repeatable(who, Method::POST, "/v1/users/lookup", &Lookup { ids })
            .await
    }

    /// The user of a name, without regard to case. NOT_FOUND: nobody has it.
    pub async fn named(&self, who: As<'_>, username: &str) -> Result<User, ClientError> {
        let input = Named {
            username: username.to_owned(),
        };
        self.0
            .repeatable(who, Method::POST, "/v1/users/named", &input)
            .await
    }

    /// A token for one connection to Centrifugo.
    pub async fn connection_token(&self, who: As<'_>) -> Result<ConnectionToken, ClientError> {
        self.0
            .repeatable(who, Method::POST, "/v1/connection-token", &())
            .await
    }

    /// Tokens that open channels, in the order of the channels. The gateway
    /// vouches that the user may read their rooms: auth knows no rooms.
    /// BAD_USER_INPUT: too many channels, or one that no token opens.
    pub async fn subscription_tokens(
        &self,
        user: &str,
        gateway: &ServiceTokens,
        channels: Vec<String>,
    ) -> Result<Vec<SubscriptionToken>, ClientError> {
        self.0
            .repeatable(
                As::UserThrough(user, gateway),
                Method::POST,
                "/v1/subscription-tokens",
                &Subscribe { channels },
            )
            .await
    }

    /// The public keys.
    pub async fn jwks(&self) -> Result<PublicJwks, ClientError> {
        self.0.get(As::Anyone, "/jwks", &()).await
    }

    /// Revocations since a number.
    pub async fn revocations(
        &self,
        who: As<'_>,
        query: FeedQuery,
    ) -> Result<FeedAnswer<Revocation>, ClientError> {
        self.0.get(who, "/internal/revocations", &query).await
    }
}
