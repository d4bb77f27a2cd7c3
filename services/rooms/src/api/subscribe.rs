//! `POST /internal/centrifugo/subscribe`: Centrifugo's subscribe proxy.
//!
//! Centrifugo takes whatever it does not understand for a yes, so each answer
//! but the one yes is an error, whatever goes wrong.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    body::Bytes,
    extract::{FromRef, FromRequestParts, State, rejection::BytesRejection},
};
use http::request::Parts;
use plaza_centrifugo::{Channel, config::PROXY_SECRET_HEADER};
use plaza_kit::{
    config::ConfigError,
    http::{Json, Reject, chain},
};
use plaza_types::{ApiError, Code, SessionId, UserId};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::Api;

/// The setting of the secret.
pub(crate) const PROXY_SECRET: &str = "PLAZA_CENTRIFUGO_PROXY_SECRET";
/// Shortest secret.
const MIN_SECRET_BYTES: usize = 16;

/// What Centrifugo shows when it asks.
#[derive(Debug, Clone)]
pub struct ProxySecret(Arc<SecretString>);

impl ProxySecret {
    /// One of at least 16 bytes.
    pub fn new(secret: SecretString) -> Result<Self, ConfigError> {
        if secret.expose_secret().len() < MIN_SECRET_BYTES {
            return Err(ConfigError::Invalid {
                name: PROXY_SECRET,
                why: format!(
                    "needs at least {MIN_SECRET_BYTES} bytes; make one with `openssl rand -hex 32`"
                ),
            });
        }
        Ok(Self(Arc::new(secret)))
    }

    fn is(&self, shown: &[u8]) -> bool {
        verify_slices_are_equal(self.0.expose_secret().as_bytes(), shown).is_ok()
    }
}

/// Centrifugo: extracting it is the check. Without a secret of its own the
/// service believes nobody.
#[derive(Debug)]
pub(super) struct Proxy;

impl<S: Send + Sync> FromRequestParts<S> for Proxy
where
    Option<ProxySecret>: FromRef<S>,
{
    type Rejection = Reject;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Reject> {
        let shown = parts.headers.get(PROXY_SECRET_HEADER);
        let secret = Option::<ProxySecret>::from_ref(state);
        match (secret, shown) {
            (Some(secret), Some(shown)) if secret.is(shown.as_bytes()) => Ok(Self),
            _ => Err(Reject(ApiError::new(
                Code::Unauthenticated,
                "This address is for Centrifugo only.",
            ))),
        }
    }
}

/// What Centrifugo says of who wants to open what; it says more.
#[derive(Debug, Deserialize)]
struct Question {
    user: UserId,
    channel: String,
    meta: Meta,
}

/// What the connection token said beside the user.
#[derive(Debug, Deserialize)]
struct Meta {
    sid: SessionId,
}

/// The answer, as Centrifugo reads it.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// Yes.
    Result {},
    /// No, or not now.
    Error(Refusal),
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Refusal {
    code: u32,
    message: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    temporary: bool,
}

impl Verdict {
    const YES: Self = Self::Result {};
    const NO: Self = Self::Error(Refusal {
        code: 403,
        message: "permission denied",
        temporary: false,
    });
    const LATER: Self = Self::Error(Refusal {
        code: 503,
        message: "try again",
        temporary: true,
    });

    const fn label(self) -> &'static str {
        match self {
            Self::Result {} => "yes",
            Self::Error(Refusal {
                temporary: false, ..
            }) => "no",
            Self::Error(_) => "later",
        }
    }
}

/// Shows the answers that operators watch before the first of them.
pub(super) fn count_from_start() {
    for verdict in [Verdict::YES, Verdict::NO, Verdict::LATER] {
        metrics::counter!("plaza_channel_verdicts_total", "verdict" => verdict.label())
            .increment(0);
    }
}

/// Whether somebody may open a channel that no token opens.
pub(super) async fn subscribe(
    State(api): State<Api>,
    _centrifugo: Proxy,
    body: Result<Bytes, BytesRejection>,
) -> Json<Verdict> {
    let verdict = match body {
        Ok(body) => judged(&api, &body).await,
        Err(_) => Verdict::NO,
    };
    metrics::counter!("plaza_channel_verdicts_total", "verdict" => verdict.label()).increment(1);
    Json(verdict)
}

async fn judged(api: &Api, body: &[u8]) -> Verdict {
    let Ok(question) = serde_json::from_slice::<Question>(body) else {
        return Verdict::NO;
    };
    let Ok(channel) = question.channel.parse::<Channel>() else {
        return Verdict::NO;
    };
    let (user, session) = (question.user, question.meta.sid);
    if api.verifier.revocations().covers(session, user) {
        return Verdict::NO;
    }
    match api.gate.may_open(user, channel).await {
        Ok(true) => Verdict::YES,
        Ok(false) => Verdict::NO,
        Err(error) => {
            tracing::warn!(error = chain(&error), "a channel cannot be opened now");
            Verdict::LATER
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_centrifugo::config::SUBSCRIBE_PATH;
    use plaza_kit::token::{ISSUER, Revocation, SUBSCRIPTION_AUDIENCE};
    use plaza_testkit::{Answer, Issuer, Request};
    use plaza_types::{FanoutMode, Generation, Person, RoomId, Visibility};
    use serde_json::{Value, json};

    use super::super::testing::{Bench, PROXY};
    use super::*;
    use crate::socket::Realtime;

    fn first() -> Generation {
        Generation::ZERO.next()
    }

    fn asks(channel: &str, user: &str, sid: &str) -> Value {
        json!({
            "client": "c", "transport": "websocket", "protocol": "json", "encoding": "json",
            "user": user, "channel": channel, "meta": { "sid": sid },
        })
    }

    fn request(body: &Value) -> Request {
        Request::post(SUBSCRIBE_PATH)
            .header(PROXY_SECRET_HEADER, PROXY)
            .json(body)
    }

    async fn ask(bench: &Bench, who: &Person, channel: &str) -> Value {
        let body = asks(channel, &who.id.to_string(), &SessionId::new().to_string());
        let answer = request(&body).send(&bench.router).await;
        answer.expect(StatusCode::OK).json()
    }

    fn yes() -> Value {
        json!({ "result": {} })
    }

    fn no() -> Value {
        json!({ "error": { "code": 403, "message": "permission denied" } })
    }

    /// What Centrifugo would take for a yes: anything that it answers with 200
    /// and that has no error.
    fn is_taken_for_yes(answer: &Answer) -> bool {
        answer.status == StatusCode::OK
            && serde_json::from_slice::<Value>(&answer.bytes)
                .is_ok_and(|json| json["error"]["code"].as_u64().is_none())
    }

    async fn set_mode(bench: &Bench, room: RoomId, mode: FanoutMode) {
        sqlx::query("UPDATE rooms SET fanout = $2 WHERE id = $1")
            .bind(room.uuid())
            .bind(mode.as_str())
            .execute(&bench.database.pool)
            .await
            .unwrap();
    }

    /// All channels of a private room.
    fn of(room: RoomId) -> [String; 3] {
        [
            Channel::of_room(Visibility::Private, room, first()).to_string(),
            Channel::head_of(Visibility::Private, room, first()).to_string(),
            Channel::Live(room, first()).to_string(),
        ]
    }

    #[tokio::test]
    async fn members_open_a_large_private_room_and_readers_the_live_channel_of_a_public_one() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create_private(&ada, "Secret").await.id;
        set_mode(&bench, room, FanoutMode::Room).await;
        for channel in of(room) {
            assert_eq!(ask(&bench, &ada, &channel).await, yes(), "{channel}");
        }
        let room = bench.create(&ada, "Open").await.id;
        let live = Channel::Live(room, first()).to_string();
        assert_eq!(ask(&bench, &bob, &live).await, yes());
    }

    /// A large private room of ada's.
    async fn large_private(bench: &Bench, ada: &Person) -> RoomId {
        let room = bench.create_private(ada, "Secret").await.id;
        set_mode(bench, room, FanoutMode::Room).await;
        room
    }

    #[tokio::test]
    async fn guarantee_5_who_has_no_access_can_open_no_channel() {
        let bench = Bench::new().await;
        let [ada, bob, mallory, eve] = ["ada", "bob", "mallory", "eve"].map(Issuer::person);
        let private = large_private(&bench, &ada).await;
        let public = bench.create(&ada, "Open").await.id;
        let small = bench.create_private(&ada, "Small").await.id;
        set_mode(&bench, public, FanoutMode::Room).await;
        bench.seat_all(private, [bob.id, mallory.id].iter()).await;
        bench.seat(public, mallory.id, "member").await;
        for channel in of(private) {
            for member in [&ada, &bob, &mallory] {
                assert_eq!(ask(&bench, member, &channel).await, yes(), "{channel}");
            }
        }
        bench.leave(&bob, private).await.expect(StatusCode::OK);
        for room in [private, public] {
            let path = format!("/v1/rooms/{room}/members/{}/ban", mallory.id);
            let ban = Request::post(path).json(&json!({}));
            bench.send(&ada, ban).await.expect(StatusCode::OK);
        }

        let live = Channel::Live(public, first()).to_string();
        let mut questions = vec![("banned from a public room", &mallory, live)];
        for channel in of(private) {
            questions.push(("stranger", &eve, channel.clone()));
            questions.push(("former member", &bob, channel.clone()));
            questions.push(("banned", &mallory, channel));
        }
        for channel in of(small).into_iter().take(2) {
            questions.push(("member in personal mode", &ada, channel));
        }
        for generation in [Generation::ZERO, first().next()] {
            for channel in [
                Channel::Private(private, generation),
                Channel::PrivateHead(private, generation),
                Channel::Live(private, generation),
                Channel::Live(public, generation),
            ] {
                questions.push(("other generation", &ada, channel.to_string()));
            }
        }
        for channel in [
            Channel::Private(public, first()),
            Channel::PrivateHead(public, first()),
            Channel::Room(public, first()),
            Channel::Head(public, first()),
            Channel::Room(private, first()),
            Channel::Head(private, first()),
            Channel::Personal(ada.id),
            Channel::Pulse,
            Channel::Live(RoomId::new(), first()),
        ] {
            questions.push(("another namespace or room", &ada, channel.to_string()));
        }
        for (what, who, channel) in questions {
            assert_eq!(ask(&bench, who, &channel).await, no(), "{what}: {channel}");
        }
    }

    #[tokio::test]
    async fn guarantee_5_nothing_but_a_good_question_can_be_taken_for_a_yes() {
        let bench = Bench::new().await;
        let [ada, bob] = ["ada", "bob"].map(Issuer::person);
        let room = large_private(&bench, &ada).await;
        bench.seat(room, bob.id, "member").await;
        let (good, id, sid) = (of(room)[0].clone(), ada.id.to_string(), SessionId::new());
        let whole = asks(&good, &id, &sid.to_string());
        let answer = request(&whole).send(&bench.router).await;
        assert!(is_taken_for_yes(&answer), "{}", answer.text());

        let ended = SessionId::new();
        let revocations = bench.issuer.verifier().revocations().clone();
        revocations.add(Revocation::Session(ended));
        revocations.add(Revocation::User(bob.id));
        let with = |key: &str, value: Value| {
            let mut body = whole.clone();
            body[key] = value;
            body.to_string().into_bytes()
        };
        let without = |key: &str| {
            let mut body = whole.clone();
            body.as_object_mut().unwrap().remove(key);
            body.to_string().into_bytes()
        };
        let channel = |name: String| with("channel", json!(name));
        let text = whole.to_string();
        for (what, body) in [
            ("an ended session", with("meta", json!({ "sid": ended }))),
            ("a disabled user", with("user", json!(bob.id))),
            ("nobody", with("user", json!(""))),
            ("no session", with("meta", json!({ "sid": "" }))),
            ("another meta", with("meta", json!({}))),
            ("no channel", channel(String::new())),
            ("no generation", channel(format!("private:{room}"))),
            ("a shouted namespace", channel(format!("Private:{room}.1"))),
            ("another spelling", channel(format!("private:{room}.01"))),
            ("users named", channel(format!("private:{room}.1#{id}"))),
            ("an unknown namespace", channel(format!("rooms:{room}.1"))),
            ("a long channel", channel("x".repeat(10_000))),
            ("channel is no text", with("channel", json!(5))),
            ("without user", without("user")),
            ("without channel", without("channel")),
            ("without meta", without("meta")),
            ("an array", json!([whole]).to_string().into_bytes()),
            ("null", b"null".to_vec()),
            ("empty", Vec::new()),
            ("garbage", b"\0\xff{".to_vec()),
            ("cut off", text.as_bytes()[..text.len() - 3].to_vec()),
            ("oversized", with("data", json!("x".repeat(1 << 20)))),
        ] {
            let answer = Request::post(SUBSCRIBE_PATH)
                .header(PROXY_SECRET_HEADER, PROXY)
                .body("application/json", body)
                .send(&bench.router)
                .await;
            assert_eq!(answer.json(), no(), "{what}");
            assert!(!is_taken_for_yes(&answer), "{what}");
        }

        let bare = || Request::post(SUBSCRIBE_PATH).json(&whole);
        for (what, request) in [
            ("no secret", bare()),
            ("empty secret", bare().header(PROXY_SECRET_HEADER, "")),
            (
                "wrong secret",
                bare().header(PROXY_SECRET_HEADER, "guessed"),
            ),
            (
                "cut secret",
                bare().header(PROXY_SECRET_HEADER, &PROXY[1..]),
            ),
            ("a user's token", bare().bearer(bench.issuer.token(&ada))),
        ] {
            let answer = request.send(&bench.router).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
            assert!(!is_taken_for_yes(&answer), "{what}");
        }

        // Once more where it cannot be said: with the database gone.
        bench.database.pool.close().await;
        let answer = request(&whole).send(&bench.router).await;
        assert_eq!(answer.json()["error"]["temporary"], true);
        assert!(!is_taken_for_yes(&answer));
    }

    #[tokio::test]
    async fn guarantee_5_centrifugo_lets_members_alone_into_a_private_room() {
        let live = Realtime::new().await;
        let bench = &live.bench;
        let (ada, eve) = (Issuer::person("ada"), Issuer::person("eve"));
        let room = large_private(bench, &ada).await;

        let mut member = live.connect(ada.id).await;
        let mut stranger = live.connect(eve.id).await;
        let now = chrono::Utc::now().timestamp();
        for channel in of(room) {
            assert_eq!(member.subscribe(&channel, None).await, None, "{channel}");
            assert_eq!(stranger.subscribe(&channel, None).await, Some(403));
            // What auth never signs, as if somebody had its key's neighbour.
            let forged = Issuer::new().sign(&json!({
                "iss": ISSUER, "aud": SUBSCRIPTION_AUDIENCE, "sub": eve.id,
                "channel": channel, "iat": now, "exp": now + 60,
            }));
            let tried = stranger.subscribe(&channel, Some(&forged)).await;
            assert!(tried.is_some(), "{channel}");
        }
        // A public room's channel opens by a token alone.
        let open = Channel::Room(bench.create(&ada, "Open").await.id, first());
        assert!(member.subscribe(&open.to_string(), None).await.is_some());
    }
}
