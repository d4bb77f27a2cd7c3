//! A real Centrifugo that asks rooms, and a client of it: as much of its
//! protocol as the tests need.

use std::{collections::VecDeque, time::Duration};

use plaza_centrifugo::Client;
use plaza_kit::shutdown::Shutdown;
use plaza_testkit::{
    Issuer, OwnRedis, Reply, TestCentrifugo, TestCentrifugoOptions, centrifugo, own_redis,
};
use plaza_types::{SessionId, UserId};
use serde_json::{Value, json};

use crate::{
    api::{
        Limits,
        testing::{Bench, Setup},
    },
    domain::Threshold,
};

/// Longest wait for what should come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A Centrifugo that asks rooms whom it may let in.
pub(crate) struct Realtime {
    pub(crate) server: TestCentrifugo,
    pub(crate) redis: OwnRedis,
    /// Of the tokens that open connections and channels.
    pub(crate) issuer: Issuer,
    pub(crate) client: Client,
    pub(crate) bench: Bench,
    /// Of what runs beside.
    pub(crate) shutdown: Shutdown,
}

impl Realtime {
    /// Centrifugo asks a replica of its own, which learns of what the bench
    /// does by the feed of removals alone. Every room is large.
    pub(crate) async fn new() -> Self {
        Self::with(Limits {
            fanout_threshold: Threshold(1),
            ..Limits::default()
        })
        .await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let (issuer, redis) = (Issuer::new(), own_redis().await);
        let server = centrifugo(TestCentrifugoOptions {
            jwks_url: Some(format!("http://{}/jwks", issuer.serve_jwks().await)),
            rooms_url: Some(format!("http://{}", listener.local_addr().unwrap())),
            redis_urls: vec![redis.url.clone()],
            ..TestCentrifugoOptions::default()
        })
        .await;
        let key = server.api_key.clone().into();
        let client = Client::new(&server.api_url, &key, Duration::from_secs(2)).unwrap();
        let bench = Bench::set_up(Setup {
            limits,
            proxy_secret: server.proxy_secret.clone(),
            centrifugo: Some(client.clone()),
            ..Setup::default()
        })
        .await;
        let shutdown = Shutdown::new();
        let router = bench.replica(&shutdown).await;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            server,
            redis,
            issuer,
            client,
            bench,
            shutdown,
        }
    }

    pub(crate) async fn connect(&self, user: UserId) -> Socket {
        Socket::connect(&self.server, &self.issuer, user).await
    }
}

/// A connection of one user.
pub(crate) struct Socket {
    connection: plaza_testkit::Socket,
    /// Pushes that came while a reply was waited for.
    pushes: VecDeque<Value>,
    id: u64,
}

impl Socket {
    /// Connects as auth would let them.
    pub(crate) async fn connect(server: &TestCentrifugo, issuer: &Issuer, user: UserId) -> Self {
        let now = chrono::Utc::now().timestamp();
        let token = issuer.sign(&json!({
            "iss": plaza_kit::token::ISSUER, "aud": plaza_kit::token::CONNECTION_AUDIENCE,
            "sub": user, "exp": now + 60, "expire_at": now + 3_600,
            "meta": { "sid": SessionId::new() },
        }));
        let mut socket = Self {
            connection: plaza_testkit::Socket::open(&server.ws_url).await.unwrap(),
            pushes: VecDeque::new(),
            id: 0,
        };
        let reply = socket.ask("connect", json!({ "token": token })).await;
        assert!(reply["connect"].is_object(), "{reply}");
        socket
    }

    /// Asks for a channel; none: it is open, else the code of the error.
    pub(crate) async fn subscribe(&mut self, channel: &str, token: Option<&str>) -> Option<u64> {
        let mut body = json!({ "channel": channel });
        if let Some(token) = token {
            body["token"] = json!(token);
        }
        let reply = self.ask("subscribe", body).await;
        if reply["subscribe"].is_object() {
            return None;
        }
        Some(reply["error"]["code"].as_u64().unwrap())
    }

    /// The next push.
    pub(crate) async fn push(&mut self) -> Value {
        if let Some(push) = self.pushes.pop_front() {
            return push;
        }
        loop {
            let line = self.line().await;
            if line["push"].is_object() {
                return line["push"].clone();
            }
        }
    }

    /// The next publication's first event.
    pub(crate) async fn event(&mut self) -> Value {
        loop {
            let push = self.push().await;
            if push["pub"].is_object() {
                return push["pub"]["data"]["events"][0].clone();
            }
        }
    }

    async fn ask(&mut self, method: &str, body: Value) -> Value {
        self.id += 1;
        let command = json!({ "id": self.id, method: body });
        self.connection.send(&command).await.unwrap();
        loop {
            let line = self.line().await;
            if line["id"] == self.id {
                return line;
            }
            if line["push"].is_object() {
                self.pushes.push_back(line["push"].clone());
            }
        }
    }

    async fn line(&mut self) -> Value {
        let reply = tokio::time::timeout(PATIENCE, self.connection.receive()).await;
        match reply.expect("Centrifugo says something in time") {
            Reply::Json(line) => line,
            Reply::Closed(code) => panic!("closed with {code}"),
        }
    }
}
