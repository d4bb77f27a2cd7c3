//! What the tests of rooms share: the whole API over an own database, with an
//! auth that knows everybody.

use std::time::Duration;

use axum::{
    Json, Router,
    routing::{get, post},
};
use http::StatusCode;
use plaza_centrifugo::Client;
use plaza_clients::{
    Lookup, MAX_LOOKUP,
    auth::{AuthClient, Named, User, UserKind},
    rooms::Room,
};
use plaza_events::{
    Event, Source,
    relay::{Relay, RelayArgs},
};
use plaza_kit::{feed::FeedAnswer, health::Readiness, shutdown::Shutdown, token::Revocation};
use plaza_testkit::{Answer, Issuer, Request, TestDatabase, database, eventually, service_tokens};
use plaza_types::{ApiError, Epoch, Person, RoomId, UserId};
use serde_json::{Value, json};

use super::{Api, Limits, Parts, ProxySecret, routes};
use crate::{channels::ChannelArgs, storage::Store};

/// What Centrifugo shows.
pub(crate) const PROXY: &str = "a secret of Centrifugo's";

/// A running API and what is behind it.
pub(crate) struct Bench {
    pub(crate) router: Router,
    pub(crate) store: Store,
    pub(crate) database: TestDatabase,
    pub(crate) issuer: Issuer,
    pub(crate) epoch: Epoch,
    parts: Parts,
}

/// What a test wants otherwise than usual.
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    /// Base URL of auth; none: one that knows everybody.
    pub(crate) auth: Option<String>,
    pub(crate) proxy_secret: String,
    pub(crate) centrifugo: Option<Client>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            auth: None,
            proxy_secret: PROXY.to_owned(),
            centrifugo: None,
        }
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::set_up(Setup {
            limits,
            ..Setup::default()
        })
        .await
    }

    pub(crate) async fn with_auth(limits: Limits, auth: &str) -> Self {
        Self::set_up(Setup {
            limits,
            auth: Some(auth.to_owned()),
            ..Setup::default()
        })
        .await
    }

    /// One with real time on, whose Centrifugo is nowhere.
    pub(crate) async fn with_real_time() -> Self {
        let key = "a key of Centrifugo's".into();
        plaza_kit::install_crypto();
        let centrifugo = Client::new("http://127.0.0.1:9", &key, Duration::from_secs(1));
        Self::set_up(Setup {
            centrifugo: Some(centrifugo.unwrap()),
            ..Setup::default()
        })
        .await
    }

    pub(crate) async fn set_up(setup: Setup) -> Self {
        let auth = match setup.auth {
            Some(auth) => auth,
            None => serve_auth(&Issuer::new()).await,
        };
        let database = database(&crate::MIGRATOR).await;
        let epoch = install(&database).await;
        let issuer = Issuer::new();
        let options = database.url.parse().unwrap();
        let (_, relay) = Relay::new(Source::Rooms, options, None, RelayArgs::default());
        let parts = Parts {
            pool: database.pool.clone(),
            epoch,
            relay,
            verifier: issuer.verifier(),
            tokens: service_tokens("rooms"),
            auth: AuthClient::new(&auth).unwrap(),
            centrifugo: setup.centrifugo.clone(),
            proxy_secret: Some(ProxySecret::new(setup.proxy_secret.into()).unwrap()),
            channels: ChannelArgs::default(),
            limits: setup.limits,
        };
        let api = Api::new(parts.clone());
        Self {
            parts,
            store: api.store.clone(),
            router: routes(api),
            database,
            issuer,
            epoch,
        }
    }

    /// Another replica, which follows the feed of removals.
    pub(crate) async fn replica(&self, shutdown: &Shutdown) -> Router {
        let mut api = Api::new(self.parts.clone());
        let readiness = Readiness::new(shutdown, &["removals"]);
        api.gate.follow(&readiness, shutdown);
        eventually(Duration::from_secs(20), async || readiness.is_ready()).await;
        routes(api)
    }

    /// A request of a signed-in person.
    pub(crate) async fn send(&self, who: &Person, request: Request) -> Answer {
        request
            .bearer(self.issuer.token(who))
            .send(&self.router)
            .await
    }

    /// A request of another service.
    pub(crate) async fn send_internal(&self, request: Request) -> Answer {
        let token = service_tokens("messages").sign().unwrap();
        request.bearer(token).send(&self.router).await
    }

    pub(crate) async fn create(&self, owner: &Person, name: &str) -> Room {
        self.create_about(owner, name, "").await
    }

    pub(crate) async fn create_about(&self, owner: &Person, name: &str, topic: &str) -> Room {
        let body = json!({ "name": name, "topic": topic, "visibility": "public" });
        self.send(owner, Request::post("/v1/rooms").json(&body))
            .await
            .expect(http::StatusCode::OK)
            .parse()
    }

    pub(crate) async fn join(&self, who: &Person, room: RoomId) -> Answer {
        self.send(who, Request::post(format!("/v1/rooms/{room}/join")))
            .await
    }

    pub(crate) async fn leave(&self, who: &Person, room: RoomId) -> Answer {
        self.send(who, Request::post(format!("/v1/rooms/{room}/leave")))
            .await
    }

    /// Has a member's time in a room end by leaving, or by a kick or ban of `actor`.
    pub(crate) async fn act(
        &self,
        act: &str,
        actor: &Person,
        member: &Person,
        room: RoomId,
    ) -> Answer {
        if act == "leave" {
            return self.leave(member, room).await;
        }
        let path = format!("/v1/rooms/{room}/members/{}/{act}", member.id);
        self.send(actor, Request::post(path).json(&json!({}))).await
    }

    /// Puts members into a room without events.
    pub(crate) async fn seat(&self, room: RoomId, user: UserId, role: &str) {
        sqlx::query(
            "WITH seated AS (INSERT INTO members (room_id, user_id, role)
                             VALUES ($1, $2, $3::member_role) RETURNING room_id)
             UPDATE rooms SET member_count = member_count + 1 FROM seated WHERE id = room_id",
        )
        .bind(room.uuid())
        .bind(user.uuid())
        .bind(role)
        .execute(&self.database.pool)
        .await
        .unwrap();
    }

    pub(crate) async fn create_private(&self, owner: &Person, name: &str) -> Room {
        let body = json!({ "name": name, "visibility": "private" });
        self.send(owner, Request::post("/v1/rooms").json(&body))
            .await
            .expect(http::StatusCode::OK)
            .parse()
    }

    pub(crate) async fn invite(&self, who: &Person, room: RoomId, body: &Value) -> Answer {
        let path = format!("/v1/rooms/{room}/invitations");
        self.send(who, Request::post(path).json(body)).await
    }

    pub(crate) async fn accept(&self, who: &Person, body: &Value) -> Answer {
        let request = Request::post("/v1/invitations/accept").json(body);
        self.send(who, request).await
    }

    /// Puts many members into a room without events.
    pub(crate) async fn seat_all(&self, room: RoomId, users: impl Iterator<Item = &UserId>) {
        let users: Vec<_> = users.map(|user| user.uuid()).collect();
        sqlx::query(
            "WITH seated AS (INSERT INTO members (room_id, user_id, role)
                             SELECT $1, id, 'member' FROM UNNEST($2::uuid[]) AS new (id)
                             RETURNING room_id)
             UPDATE rooms SET member_count = member_count + (SELECT count(*) FROM seated)
             WHERE id = $1",
        )
        .bind(room.uuid())
        .bind(users)
        .execute(&self.database.pool)
        .await
        .unwrap();
    }

    /// The feed of removals in its order.
    pub(crate) async fn removed(&self) -> Vec<(RoomId, Option<UserId>)> {
        let rows: Vec<(uuid::Uuid, Option<uuid::Uuid>)> =
            sqlx::query_as("SELECT room_id, user_id FROM removals ORDER BY number")
                .fetch_all(&self.database.pool)
                .await
                .unwrap();
        rows.into_iter()
            .map(|(room, user)| (room.into(), user.map(Into::into)))
            .collect()
    }

    /// Makes a room private without an event.
    pub(crate) async fn make_private(&self, room: RoomId) {
        sqlx::query("UPDATE rooms SET visibility = 'private' WHERE id = $1")
            .bind(room.uuid())
            .execute(&self.database.pool)
            .await
            .unwrap();
    }

    /// The outbox in the order of ids.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let rows: Vec<Value> = sqlx::query_scalar("SELECT event FROM outbox ORDER BY id")
            .fetch_all(&self.database.pool)
            .await
            .unwrap();
        rows.into_iter()
            .map(|row| serde_json::from_value(row).unwrap())
            .collect()
    }

    /// Rows of each table that a request may write; bans and invitations count
    /// with the removals.
    pub(crate) async fn stored(&self) -> (i64, i64, i64, i64) {
        sqlx::query_as(
            "SELECT (SELECT count(*) FROM rooms), (SELECT count(*) FROM members),
                    (SELECT count(*) FROM outbox),
                    (SELECT count(*) FROM removals) + (SELECT count(*) FROM bans)
                        + (SELECT count(*) FROM invitations)",
        )
        .fetch_one(&self.database.pool)
        .await
        .unwrap()
    }

    /// Asserts that a request is refused without a token, with each bad one
    /// and with that of an ended session, and that nothing is stored.
    pub(crate) async fn refuses_bad_tokens(&self, request: impl Fn() -> Request) {
        let ada = Issuer::person("ada");
        let before = self.stored().await;
        let mut answers = vec![("missing", request().send(&self.router).await)];
        let claims = Issuer::claims(&ada);
        let revoked = plaza_kit::token::Revocation::Session(claims.sid);
        self.issuer.verifier().revocations().add(revoked);
        let revoked = ("of an ended session", self.issuer.sign(&claims));
        for (what, token) in self.issuer.bad_tokens(&ada).into_iter().chain([revoked]) {
            answers.push((what, request().bearer(token).send(&self.router).await));
        }
        for (what, answer) in answers {
            assert_eq!(answer.code(), "UNAUTHENTICATED", "a token that is {what}");
            assert_eq!(answer.status, http::StatusCode::UNAUTHORIZED);
        }
        assert_eq!(self.stored().await, before);
    }

    /// Asserts that a request is refused to everybody but services.
    pub(crate) async fn refuses_users(&self, request: impl Fn() -> Request) {
        let ada = Issuer::person("ada");
        for answer in [
            request().send(&self.router).await,
            self.send(&ada, request()).await,
        ] {
            assert_eq!(answer.code(), "UNAUTHENTICATED");
        }
    }
}

/// Writes an epoch, as `plaza migrate` does.
pub(crate) async fn install(database: &TestDatabase) -> Epoch {
    let epoch = Epoch::new();
    sqlx::query("INSERT INTO installation (epoch) VALUES ($1)")
        .bind(epoch.uuid())
        .execute(&database.pool)
        .await
        .unwrap();
    epoch
}

/// The name that [`serve_auth`] has for a user.
pub(crate) fn named(id: UserId) -> Person {
    Person {
        id,
        username: format!("user-{id}"),
        display_name: format!("User {id}"),
    }
}

/// An auth that knows everybody and has revoked nothing, with the keys of
/// `issuer`; gives its base URL.
pub(crate) async fn serve_auth(issuer: &Issuer) -> String {
    async fn users(Json(Lookup { ids }): Json<Lookup<UserId>>) -> Json<Vec<User>> {
        assert!(ids.len() <= MAX_LOOKUP);
        let user = |id| {
            let person = named(id);
            User {
                id,
                username: person.username,
                display_name: person.display_name,
                kind: UserKind::Person,
                created_at: chrono::Utc::now(),
            }
        };
        Json(ids.into_iter().map(user).collect())
    }
    async fn by_name(Json(Named { username }): Json<Named>) -> (StatusCode, Json<Value>) {
        // The id without hyphens is as long as a name may be.
        let Ok(id) = username.parse::<uuid::Uuid>() else {
            let error = ApiError::not_found("user");
            return (StatusCode::NOT_FOUND, Json(json!({ "error": error })));
        };
        let Json(users) = users(Json(Lookup {
            ids: vec![id.into()],
        }))
        .await;
        (StatusCode::OK, Json(json!(users[0])))
    }
    let jwks = issuer.jwks();
    let revocations: FeedAnswer<Revocation> = FeedAnswer {
        epoch: Epoch::new(),
        last: 0,
        replace: true,
        entries: Vec::new(),
    };
    let routes = Router::new()
        .route("/v1/users/lookup", post(users))
        .route("/v1/users/named", post(by_name))
        .route("/jwks", get(async || Json(jwks)))
        .route("/internal/revocations", get(async || Json(revocations)));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}")
}
