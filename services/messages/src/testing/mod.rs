//! What the tests of messages share: the whole API over an own database, in
//! front of rooms that the test governs.

mod auth;
mod rooms;

pub(crate) use auth::serve_auth;
pub(crate) use rooms::{Mood, StubRooms};

use std::{sync::Arc, time::Duration};

use axum::Router;
use http::StatusCode;
use plaza_clients::{
    messages::{Changes, Head, HistoryPage},
    rooms::RoomsClient,
};
use plaza_events::{
    Event, Source,
    relay::{Relay, RelayArgs},
};
use plaza_kit::{health::Readiness, http::edge, shutdown::Shutdown};
use plaza_testkit::{Answer, Issuer, Request, database, eventually, service_tokens};
use plaza_types::{Epoch, Message, MessageId, Person, RoomId};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::{Gate, MemoryArgs, Parts, Realtime, Store, routes};

/// Longest wait for something that happens by itself.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Texts, as JSON has them, that no field takes: NUL, bidi overrides and
/// isolates, and surrogates without their other half.
pub(crate) const HOSTILE_TEXTS: [&str; 7] = [
    r"a\u0000b",
    r"a\u0007b",
    r"a\u202eb",
    r"a\u2066b",
    r"a\ud800",
    r"\udc00b",
    r"\ud83d\ud83d",
];

/// A running API and what is behind it. Nothing relays: events stay in the outbox.
pub(crate) struct Bench {
    pub(crate) router: Router,
    pub(crate) store: Store,
    pub(crate) pool: PgPool,
    pub(crate) rooms: StubRooms,
    pub(crate) issuer: Issuer,
    pub(crate) epoch: Epoch,
    pub(crate) shutdown: Shutdown,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let database = database(&crate::MIGRATOR).await;
        Self::over(database.pool, &database.url).await
    }

    /// Over a migrated database without an epoch.
    pub(crate) async fn over(pool: PgPool, url: &str) -> Self {
        let epoch = Epoch::new();
        sqlx::query("INSERT INTO installation (epoch) VALUES ($1)")
            .bind(epoch.uuid())
            .execute(&pool)
            .await
            .unwrap();
        let options = url.parse().unwrap();
        let (_, relay) = Relay::new(Source::Messages, options, None, RelayArgs::default());
        let issuer = Issuer::new();
        let rooms = StubRooms::serve(&issuer).await;
        Self::with(pool, epoch, Realtime::On(relay), rooms, issuer).await
    }

    /// With real time off.
    pub(crate) async fn without_realtime() -> Self {
        let bench = Self::new().await;
        let Self {
            pool,
            epoch,
            rooms,
            issuer,
            ..
        } = bench;
        Self::with(pool, epoch, Realtime::Off, rooms, issuer).await
    }

    async fn with(
        pool: PgPool,
        epoch: Epoch,
        realtime: Realtime,
        rooms: StubRooms,
        issuer: Issuer,
    ) -> Self {
        let shutdown = Shutdown::new();
        let readiness = Readiness::new(&shutdown, &["removals"]);
        let gate = Gate::start(
            RoomsClient::new(&rooms.url).unwrap(),
            service_tokens("messages"),
            MemoryArgs {
                member_cache_size: 1_000,
                room_cache_size: 1_000,
            },
            &readiness,
            &shutdown,
        );
        eventually(SOON, async || readiness.is_ready()).await;
        let store = Store::new(pool.clone(), epoch, realtime, 1_000);
        let parts = Parts {
            store: store.clone(),
            gate: Arc::new(gate),
            verifier: issuer.verifier(),
        };
        Self {
            router: edge(routes(parts), Duration::from_secs(30), 256 * 1024),
            store,
            pool,
            rooms,
            issuer,
            epoch,
            shutdown,
        }
    }

    /// A request of a signed-in person.
    pub(crate) async fn ask(&self, who: &Person, request: Request) -> Answer {
        request
            .bearer(self.issuer.token(who))
            .send(&self.router)
            .await
    }

    /// A public room with these members.
    pub(crate) fn room(&self, members: &[&Person]) -> RoomId {
        self.rooms.public(members)
    }

    pub(crate) async fn send(
        &self,
        who: &Person,
        room: RoomId,
        client_message_id: &str,
        content: &str,
    ) -> Answer {
        let body = json!({ "content": content, "clientMessageId": client_message_id });
        self.ask(who, Self::sending(room, &body)).await
    }

    pub(crate) fn sending(room: RoomId, body: &Value) -> Request {
        Request::post(format!("/v1/rooms/{room}/messages")).json(body)
    }

    /// Sends and expects success.
    pub(crate) async fn sent(
        &self,
        who: &Person,
        room: RoomId,
        client_message_id: &str,
        content: &str,
    ) -> Message {
        self.send(who, room, client_message_id, content)
            .await
            .expect(StatusCode::OK)
            .parse()
    }

    /// Sends `count` messages.
    pub(crate) async fn filled(&self, who: &Person, room: RoomId, count: usize) -> Vec<Message> {
        let mut messages = Vec::with_capacity(count);
        for n in 0..count {
            let id = format!("fill-{n}");
            messages.push(self.sent(who, room, &id, &format!("message {n}")).await);
        }
        messages
    }

    pub(crate) async fn edit(&self, who: &Person, id: MessageId, content: &str) -> Answer {
        let body = json!({ "content": content });
        self.ask(
            who,
            Request::patch(format!("/v1/messages/{id}")).json(&body),
        )
        .await
    }

    pub(crate) async fn delete(&self, who: &Person, id: MessageId) -> Answer {
        self.ask(who, Request::delete(format!("/v1/messages/{id}")))
            .await
    }

    pub(crate) async fn history(&self, who: &Person, room: RoomId, query: &str) -> HistoryPage {
        self.ask(
            who,
            Request::get(format!("/v1/rooms/{room}/messages?{query}")),
        )
        .await
        .expect(StatusCode::OK)
        .parse()
    }

    pub(crate) async fn changes(&self, who: &Person, room: RoomId, query: &str) -> Changes {
        self.ask(
            who,
            Request::get(format!("/v1/rooms/{room}/changes?{query}")),
        )
        .await
        .expect(StatusCode::OK)
        .parse()
    }

    pub(crate) async fn heads(&self, who: &Person, rooms: &[RoomId], joined: bool) -> Vec<Head> {
        let body = json!({ "roomIds": rooms, "joined": joined });
        self.ask(who, Request::post("/v1/heads").json(&body))
            .await
            .expect(StatusCode::OK)
            .parse()
    }

    pub(crate) async fn mark_read(
        &self,
        who: &Person,
        room: RoomId,
        number: impl Into<Value>,
    ) -> Answer {
        let body = json!({ "number": number.into() });
        self.ask(
            who,
            Request::post(format!("/v1/rooms/{room}/read")).json(&body),
        )
        .await
    }

    /// The outbox in the order of ids.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let rows: Vec<Value> = sqlx::query_scalar("SELECT event FROM outbox ORDER BY id")
            .fetch_all(&self.pool)
            .await
            .unwrap();
        rows.into_iter()
            .map(|row| serde_json::from_value(row).unwrap())
            .collect()
    }

    /// Rows that requests write: messages, changes of rooms, marks, events.
    pub(crate) async fn stored(&self) -> (i64, i64, i64, i64) {
        sqlx::query_as(
            "SELECT (SELECT count(*) FROM messages),
                    (SELECT coalesce(sum(last_seq), 0)::bigint FROM room_heads),
                    (SELECT count(*) FROM read_state),
                    (SELECT count(*) FROM outbox)",
        )
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }
}

/// A person with this name.
pub(crate) fn person(name: &str) -> Person {
    Issuer::person(name)
}
