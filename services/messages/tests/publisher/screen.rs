//! What one person sees: a client of a real Centrifugo that follows the rules.
//!
//! It drops what it has by (room, seq), and goes where `joined` and `fanout`
//! say: it subscribes first, then asks the services for what it lacks. It asks
//! for nothing else, so that a lost publication stays lost.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use chrono::Utc;
use plaza_centrifugo::Channel;
use plaza_kit::token::{ISSUER, SUBSCRIPTION_AUDIENCE};
use plaza_testkit::{Issuer, Reply, Socket, TestCentrifugo, TestCentrifugoOptions, centrifugo};
use plaza_types::{FanoutMode, RoomId, UserId};
use serde_json::{Value, json};

use crate::fixture::Rooms;

/// A Centrifugo that trusts an issuer and asks these rooms.
pub(crate) struct Stage {
    pub(crate) server: TestCentrifugo,
    pub(crate) rooms: Rooms,
    issuer: Issuer,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let (issuer, rooms) = (Issuer::new(), Rooms::default());
        let jwks = issuer.serve_jwks().await;
        let server = centrifugo(TestCentrifugoOptions {
            jwks_url: Some(format!("http://{jwks}/jwks")),
            rooms_url: Some(rooms.serve().await),
            ..TestCentrifugoOptions::default()
        })
        .await;
        Self {
            server,
            rooms,
            issuer,
        }
    }

    /// Lets this person look at a room from now on. `accepted` is the last
    /// change of its messages that the services have.
    pub(crate) async fn look(
        &self,
        user: UserId,
        room: RoomId,
        accepted: &Arc<AtomicI64>,
    ) -> Screen {
        let own = Channel::Personal(user).to_string();
        let token = self.issuer.connection_token(user, &[own], 60);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut client = Client {
            socket: Socket::open(&self.server.ws_url).await.unwrap(),
            seen: seen.clone(),
            accepted: accepted.clone(),
            rooms: self.rooms.clone(),
            issuer: self.issuer.clone(),
            user,
            room,
            waiting: HashMap::new(),
            last_id: 1,
        };
        client
            .send(&json!({ "id": 1, "connect": { "token": token } }))
            .await;
        let task = tokio::spawn(async move { client.run().await });
        let screen = Screen { seen, task };
        plaza_testkit::eventually(crate::fixture::SOON, async || screen.seen().is_connected).await;
        screen
    }
}

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) is_connected: bool,
    /// Every change up to this one is shown.
    pub(crate) position: i64,
    /// Changes that came before some between.
    pub(crate) ahead: BTreeSet<i64>,
    /// How many changes each channel brought in time.
    pub(crate) brought: HashMap<Channel, usize>,
    /// The version of the latest word on where the room's events go.
    pub(crate) told: i64,
    /// Where it is subscribed beside its own channel.
    pub(crate) subscribed: BTreeSet<Channel>,
    /// Where the server ended its subscription.
    pub(crate) ended: Vec<Channel>,
    /// All that came, by type.
    pub(crate) types: Vec<String>,
}

/// A person's screen.
pub(crate) struct Screen {
    seen: Arc<Mutex<Seen>>,
    task: tokio::task::JoinHandle<()>,
}

impl Screen {
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Client {
    socket: Socket,
    seen: Arc<Mutex<Seen>>,
    accepted: Arc<AtomicI64>,
    rooms: Rooms,
    issuer: Issuer,
    user: UserId,
    room: RoomId,
    /// Subscriptions that were asked for, by the command's id.
    waiting: HashMap<i64, Channel>,
    last_id: i64,
}

impl Client {
    async fn run(&mut self) {
        if self.rooms.get(self.room).mode == FanoutMode::Room {
            self.subscribe().await;
        }
        while let Reply::Json(reply) = self.socket.receive().await {
            self.take(reply).await;
        }
    }

    async fn send(&mut self, command: &Value) {
        self.socket.send(command).await.unwrap();
    }

    /// Where the room is now, as the gateway would say.
    async fn subscribe(&mut self) {
        let fanout = self.rooms.get(self.room);
        if fanout.mode == FanoutMode::Personal {
            return;
        }
        let channel = Channel::of_room(fanout.visibility, self.room, fanout.generation);
        self.last_id += 1;
        self.waiting.insert(self.last_id, channel);
        let token = channel.opens_by_token().then(|| self.token(channel));
        let subscribe = json!({ "channel": channel.to_string(), "token": token });
        self.send(&json!({ "id": self.last_id, "subscribe": subscribe }))
            .await;
    }

    fn token(&self, channel: Channel) -> String {
        self.issuer.sign(&json!({
            "iss": ISSUER, "aud": SUBSCRIPTION_AUDIENCE, "sub": self.user,
            "channel": channel.to_string(), "exp": Utc::now().timestamp() + 60,
        }))
    }

    async fn take(&mut self, reply: Value) {
        if reply.get("connect").is_some() {
            self.ask();
            self.seen.lock().unwrap().is_connected = true;
            return;
        }
        if let Some(id) = reply["id"].as_i64() {
            if let Some(channel) = self.waiting.remove(&id) {
                assert_eq!(reply.get("error"), None, "{channel}");
                self.seen.lock().unwrap().subscribed.insert(channel);
                self.ask();
            }
            return;
        }
        let push = &reply["push"];
        let Some(name) = push["channel"].as_str() else {
            return;
        };
        let channel: Channel = name.parse().unwrap();
        if push.get("unsubscribe").is_some() {
            let mut seen = self.seen.lock().unwrap();
            seen.subscribed.remove(&channel);
            seen.ended.push(channel);
            return;
        }
        let events = push["pub"]["data"]["events"].as_array();
        for event in events.cloned().unwrap_or_default() {
            self.event(channel, &event).await;
        }
    }

    async fn event(&mut self, channel: Channel, event: &Value) {
        let kind = event["type"].as_str().unwrap().to_owned();
        if let Some(seq) = event["seq"].as_i64() {
            self.seen.lock().unwrap().show(channel, seq);
        }
        let is_way = kind == "fanout" || kind == "joined";
        self.seen.lock().unwrap().types.push(kind);
        let version = event["version"].as_i64().unwrap_or(0);
        if !is_way || version <= self.seen.lock().unwrap().told {
            return;
        }
        self.seen.lock().unwrap().told = version;
        if event["mode"] == "room" {
            self.subscribe().await;
            return;
        }
        self.ask();
        let left = std::mem::take(&mut self.seen.lock().unwrap().subscribed);
        for channel in left {
            self.last_id += 1;
            let unsubscribe = json!({ "channel": channel.to_string() });
            self.send(&json!({ "id": self.last_id, "unsubscribe": unsubscribe }))
                .await;
        }
    }

    /// Asks the services for what it lacks.
    fn ask(&self) {
        let mut seen = self.seen.lock().unwrap();
        seen.position = seen.position.max(self.accepted.load(Ordering::SeqCst));
        seen.apply_ahead();
    }
}

impl Seen {
    fn show(&mut self, channel: Channel, seq: i64) {
        if seq <= self.position || !self.ahead.insert(seq) {
            return;
        }
        *self.brought.entry(channel).or_default() += 1;
        self.apply_ahead();
    }

    fn apply_ahead(&mut self) {
        while self.ahead.remove(&(self.position + 1)) {
            self.position += 1;
        }
        let position = self.position;
        self.ahead.retain(|seq| *seq > position);
    }
}
