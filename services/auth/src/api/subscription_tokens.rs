//! `POST /v1/subscription-tokens`: tokens that each open one channel of a
//! public room. Auth knows no rooms: that the caller may read them is for the
//! gateway to vouch for, which shows its own token beside the caller's.

use axum::extract::State;
use chrono::{DateTime, Utc};
use plaza_centrifugo::Channel;
use plaza_clients::auth::{MAX_SUBSCRIPTIONS, Subscribe, SubscriptionToken};
use plaza_kit::{
    http::{Json, Reject},
    token::{Caller, Through},
};
use plaza_types::{ApiError, Code};

use crate::{app::App, domain::claims, keys::SignError};

/// The service that asks rooms who may read them before it asks here.
const GATEWAY: &str = "gateway";
/// Signatures made before other requests get their turn.
const TURN: usize = 10;

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
enum SubscribeError {
    #[error("{0} does not vouch for readers")]
    NotVouched(String),
    #[error("{0} channels are too many")]
    TooMany(usize),
    #[error("channel {0} is none that a token opens")]
    NotByToken(usize),
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl From<SubscribeError> for Reject {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::NotVouched(_) => Self(ApiError::new(
                Code::Forbidden,
                "Tokens for channels are given to the gateway only.",
            )),
            SubscribeError::TooMany(_) => Self(ApiError::bad_input(
                "channels",
                format!("At most {MAX_SUBSCRIPTIONS} channels can be asked for at once."),
            )),
            SubscribeError::NotByToken(index) => Self(ApiError::bad_input(
                "channels",
                format!("channels[{index}] is not a channel that a token opens."),
            )),
            SubscribeError::Sign(error) => error.into(),
        }
    }
}

/// No other prefix is ever signed: a token decides before Centrifugo asks its
/// proxy, so that one for a private room would go past the check of members.
fn channels(names: &[String]) -> Result<Vec<Channel>, SubscribeError> {
    if names.len() > MAX_SUBSCRIPTIONS {
        return Err(SubscribeError::TooMany(names.len()));
    }
    let parse = |(index, name): (usize, &String)| {
        let channel = name.parse().ok();
        let channel = channel.filter(|channel: &Channel| channel.opens_by_token());
        channel.ok_or(SubscribeError::NotByToken(index))
    };
    names.iter().enumerate().map(parse).collect()
}

async fn issue(
    app: &App,
    caller: &Caller,
    names: &[String],
) -> Result<Vec<SubscriptionToken>, SubscribeError> {
    let channels = channels(names)?;
    let now = Utc::now();
    // One end for all: a client renews them in one request.
    let spread = fastrand::f64();
    let mut tokens = Vec::with_capacity(channels.len());
    for turn in channels.chunks(TURN) {
        for channel in turn {
            let claims = claims::subscription(caller.user, *channel, now, &app.policy, spread);
            tokens.push(SubscriptionToken {
                channel: channel.to_string(),
                token: app.keys.sign(&claims)?,
                expires_at: DateTime::from_timestamp(claims.exp, 0).unwrap_or(now),
            });
        }
        tokio::task::yield_now().await;
    }
    Ok(tokens)
}

pub(super) async fn handle(
    State(app): State<App>,
    caller: Caller,
    through: Through,
    Json(input): Json<Subscribe>,
) -> Result<Json<Vec<SubscriptionToken>>, Reject> {
    if through.service != GATEWAY {
        return Err(SubscribeError::NotVouched(through.service).into());
    }
    Ok(Json(issue(&app, &caller, &input.channels).await?))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_clients::auth::{ConnectionToken, Grant};
    use plaza_kit::token::SERVICE_HEADER;
    use plaza_testkit::{
        Answer, Reply, Request, Socket, TestCentrifugo, TestCentrifugoOptions, centrifugo,
        service_tokens,
    };
    use plaza_types::{Generation, RoomId, UserId};
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::Installation;

    fn request(user: &str, service: &str) -> Request {
        Request::post("/v1/subscription-tokens")
            .bearer(user)
            .header(SERVICE_HEADER, service)
    }

    fn by_gateway(user: &str) -> Request {
        request(user, &service_tokens(GATEWAY).sign().unwrap())
    }

    async fn ask(installation: &Installation, grant: &Grant, channels: &Value) -> Answer {
        let request = by_gateway(&grant.access_token).json(&json!({ "channels": channels }));
        request.send(&installation.router).await
    }

    fn room() -> Channel {
        Channel::Room(RoomId::new(), Generation::ZERO.next())
    }

    /// A token for one channel.
    async fn token(installation: &Installation, grant: &Grant, channel: Channel) -> String {
        let answer = ask(installation, grant, &json!([channel])).await;
        let tokens: Vec<SubscriptionToken> = answer.expect(StatusCode::OK).parse();
        tokens.into_iter().next().unwrap().token
    }

    #[tokio::test]
    async fn every_channel_gets_a_token_of_its_own_without_the_database() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        installation.pool.close().await;
        let id = RoomId::new();
        let generation = Generation::ZERO.next();
        let channels = [Channel::Room(id, generation), Channel::Head(id, generation)];
        let asked = Utc::now().timestamp();
        let answer = ask(&installation, &ada, &json!(channels)).await;
        let tokens: Vec<SubscriptionToken> = answer.expect(StatusCode::OK).parse();
        assert_eq!(tokens.len(), 2);
        for (token, channel) in tokens.iter().zip(channels) {
            assert_eq!(token.channel, channel.to_string());
            let lives = token.expires_at.timestamp() - asked;
            assert!((6..=8).contains(&lives), "{lives}");
        }
        assert_ne!(tokens[0].token, tokens[1].token);
        assert_eq!(ask(&installation, &ada, &json!([])).await.json(), json!([]));
    }

    /// A connection of a user to the real server.
    async fn connect(
        installation: &Installation,
        centrifugo: &TestCentrifugo,
        grant: &Grant,
    ) -> Socket {
        let answer = Request::post("/v1/connection-token")
            .bearer(&grant.access_token)
            .json(&Value::Null)
            .send(&installation.router)
            .await;
        let token = answer.parse::<ConnectionToken>().token;
        let mut socket = Socket::open(&centrifugo.ws_url).await.unwrap();
        let command = json!({ "id": 1, "connect": { "token": token } });
        socket.send(&command).await.unwrap();
        let Reply::Json(connected) = socket.receive().await else {
            panic!("the connection was closed");
        };
        assert!(connected["connect"].is_object(), "{connected}");
        socket
    }

    /// What the server says to a subscription.
    async fn subscribe(socket: &mut Socket, channel: &str, token: &str) -> Reply {
        let command = json!({ "id": 2, "subscribe": { "channel": channel, "token": token } });
        socket.send(&command).await.unwrap();
        socket.receive().await
    }

    fn refused(reply: &Reply) -> Option<i64> {
        match reply {
            Reply::Json(reply) => reply["error"]["code"].as_i64(),
            Reply::Closed(code) => Some(i64::from(*code)),
        }
    }

    #[tokio::test]
    async fn centrifugo_opens_the_one_channel_to_the_one_user_until_the_token_expires() {
        let installation = Installation::new().await;
        let auth = installation.serve().await;
        let centrifugo = centrifugo(TestCentrifugoOptions {
            jwks_url: Some(format!("http://{auth}/jwks")),
            ..TestCentrifugoOptions::default()
        })
        .await;
        let ada = installation.register("ada").await;
        let ben = installation.register("ben").await;
        let channel = room();
        let name = channel.to_string();
        let good = token(&installation, &ada, channel).await;
        let connected = async || connect(&installation, &centrifugo, &ada).await;

        let Reply::Json(opened) = subscribe(&mut connected().await, &name, &good).await else {
            panic!("the connection was closed");
        };
        let lives = opened["subscribe"]["ttl"].as_i64().unwrap_or_default();
        assert!((2_870..=4_320).contains(&lives), "{opened}");

        let claims = |change: &dyn Fn(&mut Value)| {
            let claims = claims::subscription(
                ada.user.id,
                channel,
                Utc::now(),
                &installation.app.policy,
                0.5,
            );
            let mut claims = json!(claims);
            change(&mut claims);
            installation.app.keys.sign(&claims).unwrap()
        };
        let past = Utc::now().timestamp() - 1;
        let head = Channel::head_of(
            plaza_types::Visibility::Public,
            channel.room().unwrap().0,
            channel.room().unwrap().1,
        );
        for (what, token, code) in [
            ("none", String::new(), 103),
            ("expired", claims(&|c| c["exp"] = json!(past)), 109),
            (
                "a connection's audience",
                claims(&|c| c["aud"] = json!("centrifugo")),
                103,
            ),
            (
                "the API's audience",
                claims(&|c| c["aud"] = json!("plaza-api")),
                103,
            ),
            (
                "another issuer",
                claims(&|c| c["iss"] = json!("somebody")),
                103,
            ),
            ("an access token", ada.access_token.clone(), 103),
            (
                "for another user",
                token(&installation, &ben, channel).await,
                3500,
            ),
            (
                "for another channel",
                token(&installation, &ada, head).await,
                3500,
            ),
            (
                "for another generation",
                claims(&|c| c["channel"] = json!(name.replace(".1", ".2"))),
                3500,
            ),
        ] {
            let reply = subscribe(&mut connected().await, &name, &token).await;
            assert_eq!(refused(&reply), Some(code), "{what}: {reply:?}");
        }
    }

    #[tokio::test]
    async fn a_subscription_token_opens_no_connection_and_no_api() {
        let installation = Installation::new().await;
        let auth = installation.serve().await;
        let centrifugo = centrifugo(TestCentrifugoOptions {
            jwks_url: Some(format!("http://{auth}/jwks")),
            ..TestCentrifugoOptions::default()
        })
        .await;
        let ada = installation.register("ada").await;
        let token = token(&installation, &ada, room()).await;
        let mut socket = Socket::open(&centrifugo.ws_url).await.unwrap();
        let command = json!({ "id": 1, "connect": { "token": token } });
        socket.send(&command).await.unwrap();
        assert_eq!(socket.receive().await, Reply::Closed(3500));
        let answer = Request::get("/v1/me").bearer(token);
        let answer = answer.send(&installation.router).await;
        assert_eq!(answer.code(), "UNAUTHENTICATED");
    }

    #[tokio::test]
    async fn no_other_prefix_is_signed() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        let (id, generation) = (RoomId::new(), Generation::ZERO.next());
        let good = room().to_string();
        for name in [
            Channel::Private(id, generation).to_string(),
            Channel::PrivateHead(id, generation).to_string(),
            Channel::Live(id, generation).to_string(),
            Channel::Personal(ada.user.id).to_string(),
            Channel::Personal(UserId::new()).to_string(),
            Channel::Pulse.to_string(),
            String::new(),
            "room:".into(),
            format!("room:{id}"),
            format!("room:{id}.01"),
            format!("room:{id}.-1"),
            format!("room:{id}.9007199254740992"),
            format!("ROOM:{id}.1"),
            format!(" room:{id}.1"),
            format!("room:{id}.1\0"),
            format!("room:{id}.1#{}", ada.user.id),
            format!("$room:{id}.1"),
            format!("room:{id}.1,private:{id}.1"),
            format!("rооm:{id}.1"),
            "🦀:🦀.1".into(),
            "room:".repeat(1_000),
        ] {
            let answer = ask(&installation, &ada, &json!([good, name])).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{name:?}");
            assert_eq!(answer.json()["error"]["field"], "channels");
            assert!(answer.text().contains("channels[1]"), "{}", answer.text());
            assert!(!answer.text().contains("eyJ"), "a token for {name:?}");
        }
    }

    #[tokio::test]
    async fn it_takes_the_users_token_and_the_gateways_together() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        let body = json!({ "channels": [room()] });
        let gateway = service_tokens(GATEWAY).sign().unwrap();
        let router = &installation.router;

        for (what, service) in [
            ("a user's", ada.access_token.clone()),
            ("a bearer", format!("Bearer {gateway}")),
            ("a cut one", gateway[..gateway.len() - 4].to_owned()),
            ("nothing", String::new()),
        ] {
            let answer = request(&ada.access_token, &service).json(&body);
            let answer = answer.send(router).await;
            assert_eq!(answer.code(), "UNAUTHENTICATED", "{what}");
        }
        let alone = Request::post("/v1/subscription-tokens").bearer(&ada.access_token);
        let alone = alone.json(&body).send(router).await;
        assert_eq!(alone.code(), "UNAUTHENTICATED", "the user alone");
        let alone = Request::post("/v1/subscription-tokens").header(SERVICE_HEADER, &gateway);
        let alone = alone.json(&body).send(router).await;
        assert_eq!(alone.code(), "UNAUTHENTICATED", "the gateway alone");
        let twice = request(&gateway, &gateway).json(&body).send(router).await;
        assert_eq!(twice.code(), "UNAUTHENTICATED", "the gateway twice");
        let rooms = service_tokens("rooms").sign().unwrap();
        let rooms = request(&ada.access_token, &rooms).json(&body);
        assert_eq!(rooms.send(router).await.code(), "FORBIDDEN");
        for (what, token) in installation.bad_tokens(&ada) {
            let answer = by_gateway(&token).json(&body).send(router).await;
            assert_eq!(answer.code(), "UNAUTHENTICATED", "{what}");
        }
        let logout = Request::post("/v1/logout").bearer(&ada.access_token);
        let logout = logout.json(&json!({})).send(router).await;
        logout.expect(StatusCode::NO_CONTENT);
        let ended = by_gateway(&ada.access_token).json(&body).send(router).await;
        assert_eq!(ended.code(), "UNAUTHENTICATED", "a revoked session");
    }

    #[tokio::test]
    async fn too_many_channels_and_malformed_bodies_are_refused() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        let many = vec![room(); MAX_SUBSCRIPTIONS + 1];
        let answer = ask(&installation, &ada, &json!(many)).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        let most = ask(&installation, &ada, &json!(many[1..])).await;
        most.expect(StatusCode::OK);
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for body in [
            String::new(),
            "null".into(),
            "{".into(),
            "[]".into(),
            "{}".into(),
            "{\"channels\":null}".into(),
            "{\"channels\":{}}".into(),
            "{\"channels\":\"room\"}".into(),
            "{\"channels\":[1]}".into(),
            "{\"channels\":[[]]}".into(),
            "{\"channels\":[\"\\ud800\"]}".into(),
            deep.clone(),
            format!("{{\"channels\":{deep}}}"),
            format!("{{\"channels\":[\"{}\"]}}", "x".repeat(300_000)),
        ] {
            let request = by_gateway(&ada.access_token).body("application/json", body.clone());
            let answer = request.send(&installation.router).await;
            let shown: String = body.chars().take(60).collect();
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{shown}");
        }
        let other = by_gateway(&ada.access_token).body("text/plain", "{\"channels\":[]}");
        let other = other.send(&installation.router).await;
        assert_eq!(other.code(), "BAD_USER_INPUT");
        for method in ["GET", "PUT", "DELETE"] {
            let method = method.parse().unwrap();
            let wrong = Request::new(method, "/v1/subscription-tokens").bearer(&ada.access_token);
            let wrong = wrong.send(&installation.router).await;
            assert_eq!(wrong.code(), "BAD_USER_INPUT");
        }
    }

    #[tokio::test]
    async fn without_keys_it_is_unavailable() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        let request = by_gateway(&ada.access_token).json(&json!({ "channels": [room()] }));
        let answer = request.send(&installation.router_without_keys()).await;
        assert_eq!(answer.code(), "UNAVAILABLE");
    }
}
