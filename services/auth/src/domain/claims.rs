//! What the tokens that auth signs say.

use std::time::Duration;

use chrono::{DateTime, Utc};
use plaza_centrifugo::Channel;
use plaza_clients::auth::User;
use plaza_kit::token::{
    ACCESS_AUDIENCE, AccessClaims, CONNECTION_AUDIENCE, ISSUER, SUBSCRIPTION_AUDIENCE,
};
use plaza_types::{SessionId, UserId};
use serde::Serialize;

use crate::config::Policy;

/// An access token for a user's session, from `now` on. `synthetic` is the
/// account's mark.
pub(crate) fn access(
    user: &User,
    synthetic: bool,
    session: SessionId,
    now: DateTime<Utc>,
    lifetime: Duration,
) -> AccessClaims {
    AccessClaims {
        iss: ISSUER.into(),
        aud: ACCESS_AUDIENCE.into(),
        sub: user.id,
        sid: session,
        exp: (now + lifetime).timestamp(),
        iat: now.timestamp(),
        username: user.username.clone(),
        name: user.display_name.clone(),
        synthetic,
    }
}

/// What a connection token says. Centrifugo knows these names.
#[derive(Debug, Serialize)]
pub(crate) struct ConnectionClaims {
    iss: &'static str,
    aud: &'static str,
    sub: UserId,
    iat: i64,
    /// Until when the token opens a connection (s of Unix time).
    pub(crate) exp: i64,
    /// Until when that connection lives (s of Unix time).
    expire_at: i64,
    /// What the connection is subscribed to from its start. One channel and no
    /// more: with a second one Centrifugo 6.9.1 can stop for good (decision 10).
    pub(crate) channels: [Channel; 1],
    meta: ConnectionMeta,
}

/// Seen by proxies and the server API, never by clients.
#[derive(Debug, Serialize)]
struct ConnectionMeta {
    sid: SessionId,
}

/// What a subscription token says. Centrifugo knows these names.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SubscriptionClaims {
    iss: &'static str,
    aud: &'static str,
    sub: UserId,
    iat: i64,
    /// Until when the token opens the channel (s of Unix time).
    pub(crate) exp: i64,
    /// Until when the channel then stays open (s of Unix time).
    expire_at: i64,
    /// The one channel that it opens.
    pub(crate) channel: Channel,
}

/// When what is opened at `now` ends. `spread`, from 0 to 1, places it between
/// four and six fifths of the lifetime, so that those who came together do not
/// return together.
fn end(now: DateTime<Utc>, policy: &Policy, spread: f64) -> i64 {
    let lifetime = policy.connection_lifetime.mul_f64(0.8 + 0.4 * spread);
    (now + lifetime).timestamp()
}

/// A subscription token from `now` on; its end is spread as a connection's.
pub(crate) fn subscription(
    user: UserId,
    channel: Channel,
    now: DateTime<Utc>,
    policy: &Policy,
    spread: f64,
) -> SubscriptionClaims {
    SubscriptionClaims {
        iss: ISSUER,
        aud: SUBSCRIPTION_AUDIENCE,
        sub: user,
        iat: now.timestamp(),
        exp: (now + policy.connection_token_lifetime).timestamp(),
        expire_at: end(now, policy, spread),
        channel,
    }
}

/// A connection token from `now` on; `spread` places the connection's end.
pub(crate) fn connection(
    user: UserId,
    session: SessionId,
    now: DateTime<Utc>,
    policy: &Policy,
    spread: f64,
) -> ConnectionClaims {
    ConnectionClaims {
        iss: ISSUER,
        aud: CONNECTION_AUDIENCE,
        sub: user,
        iat: now.timestamp(),
        exp: (now + policy.connection_token_lifetime).timestamp(),
        expire_at: end(now, policy, spread),
        channels: [Channel::Personal(user)],
        meta: ConnectionMeta { sid: session },
    }
}

#[cfg(test)]
mod tests {
    use plaza_types::{Generation, RoomId};

    use super::*;
    use crate::testing::POLICY;

    #[test]
    fn connections_end_spread_over_two_fifths_of_an_hour() {
        let now = Utc::now();
        let ends = |spread| {
            connection(UserId::new(), SessionId::new(), now, &POLICY, spread).expire_at
                - now.timestamp()
        };
        assert_eq!([ends(0.0), ends(0.5), ends(1.0)], [2_880, 3_600, 4_320]);
    }

    #[test]
    fn a_connection_token_says_what_centrifugo_expects() {
        let (user, session) = (UserId::new(), SessionId::new());
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let claims = connection(user, session, now, &POLICY, 0.5);
        assert_eq!(
            serde_json::to_value(&claims).unwrap(),
            serde_json::json!({
                "iss": "plaza", "aud": "centrifugo", "sub": user,
                "iat": 1_000_000, "exp": 1_000_006, "expire_at": 1_003_600,
                "channels": [format!("personal:{user}")],
                "meta": { "sid": session },
            })
        );
    }

    #[test]
    fn a_subscription_token_says_what_centrifugo_expects() {
        let (user, room) = (UserId::new(), RoomId::new());
        let channel = Channel::Room(room, Generation::ZERO.next());
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let claims = subscription(user, channel, now, &POLICY, 0.5);
        assert_eq!(
            serde_json::to_value(&claims).unwrap(),
            serde_json::json!({
                "iss": "plaza", "aud": "centrifugo-sub", "sub": user,
                "iat": 1_000_000, "exp": 1_000_006, "expire_at": 1_003_600,
                "channel": format!("room:{room}.1"),
            })
        );
    }
}
