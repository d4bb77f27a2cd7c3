//! Streams, rooms and a publisher that can be killed.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::Utc;
use http::Method;
use plaza_centrifugo::{Channel, ClientArgs, config::SUBSCRIBE_PATH};
use plaza_clients::{PeersArgs, rooms::Fanout};
use plaza_events::{Partition, Source, stream::DEAD_LETTERS};
use plaza_kit::{
    config::{InternalSecretArgs, OpsArgs},
    http_client::Peer,
    redis::{Redis, RedisArgs, Shared},
    shutdown::Shutdown,
};
use plaza_messages::publisher::{self, Limits, PublisherArgs};
use plaza_testkit::{INTERNAL_SECRET, TestCentrifugo};
use plaza_types::{
    ApiError, Epoch, FanoutMode, Generation, MessageId, RoomId, UserId, Version, Visibility,
};
use redis::AsyncCommands;
use serde_json::{Value, json};

/// Long enough for a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Threads of a publisher's runtime.
const WORKERS: usize = 2;

/// rooms as the publisher knows it.
#[derive(Clone, Default)]
pub(crate) struct Rooms {
    /// The fan-out, with the members in both modes.
    fanouts: Arc<Mutex<HashMap<RoomId, Fanout>>>,
    away: Arc<Mutex<bool>>,
    asked: Arc<Mutex<usize>>,
}

impl Rooms {
    /// Puts a room there, as of a version.
    pub(crate) fn set(&self, room: RoomId, version: i64, members: &[UserId]) {
        let fanout = Fanout {
            version: Version::try_from(version).unwrap(),
            mode: FanoutMode::Personal,
            visibility: Visibility::Public,
            generation: Generation::ZERO.next(),
            members: members.to_vec(),
            member_count: 0,
        };
        self.fanouts.lock().unwrap().insert(room, fanout);
    }

    /// Changes what it says of a room, and answers that.
    pub(crate) fn change(&self, room: RoomId, change: impl FnOnce(&mut Fanout)) -> Fanout {
        let mut fanouts = self.fanouts.lock().unwrap();
        let fanout = fanouts.get_mut(&room).unwrap();
        change(fanout);
        fanout.clone()
    }

    /// What it says of a room, with the members in both modes.
    pub(crate) fn get(&self, room: RoomId) -> Fanout {
        self.change(room, |_| {})
    }

    pub(crate) fn set_away(&self, away: bool) {
        *self.away.lock().unwrap() = away;
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }

    /// Serves it; gives its base URL.
    pub(crate) async fn serve(&self) -> String {
        async fn fanout(
            State(rooms): State<Rooms>,
            Path(room): Path<RoomId>,
            Query(query): Query<HashMap<String, String>>,
        ) -> Response {
            *rooms.asked.lock().unwrap() += 1;
            if *rooms.away.lock().unwrap() {
                return StatusCode::BAD_GATEWAY.into_response();
            }
            if let Some(fanout) = rooms.fanouts.lock().unwrap().get(&room) {
                let mut fanout = fanout.clone();
                if fanout.mode == FanoutMode::Room && !query.contains_key("joinedBy") {
                    fanout.members.clear();
                }
                return Json(fanout).into_response();
            }
            let body = json!({ "error": ApiError::not_found("room") });
            (StatusCode::NOT_FOUND, Json(body)).into_response()
        }
        /// Asked by Centrifugo: members may open the channels of private rooms.
        async fn subscribe(State(rooms): State<Rooms>, Json(asked): Json<Value>) -> Json<Value> {
            let channel: Channel = asked["channel"].as_str().unwrap().parse().unwrap();
            let user: UserId = asked["user"].as_str().unwrap().parse().unwrap();
            let (room, generation) = channel.room().unwrap();
            let fanout = rooms.get(room);
            if fanout.generation == generation && fanout.members.contains(&user) {
                return Json(json!({ "result": {} }));
            }
            Json(json!({ "error": { "code": 403, "message": "permission denied" } }))
        }
        let routes = Router::new()
            .route("/internal/rooms/{id}/fanout", get(fanout))
            .route(SUBSCRIBE_PATH, post(subscribe))
            .with_state(self.clone());
        format!("http://{}", serve(routes).await)
    }
}

/// Serves on a free port until the test's runtime ends.
pub(crate) async fn serve(routes: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

/// Everything around a publisher.
pub(crate) struct Fixture {
    pub(crate) rooms: Rooms,
    args: PublisherArgs,
    redis_url: String,
}

impl Fixture {
    /// With the streams in this Redis and Centrifugo's API at this address.
    pub(crate) async fn new(redis_url: &str, api_url: &str, api_key: &str) -> Self {
        Self::with_rooms(Rooms::default(), redis_url, api_url, api_key).await
    }

    /// With these rooms, which Centrifugo was told of.
    pub(crate) async fn with_rooms(
        rooms: Rooms,
        redis_url: &str,
        api_url: &str,
        api_key: &str,
    ) -> Self {
        plaza_kit::install_crypto();
        let rooms_url = rooms.serve().await;
        let args = PublisherArgs {
            ops: OpsArgs {
                ops_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
                drain_delay_ms: 0,
                drain_timeout_ms: 15_000,
            },
            redis: RedisArgs {
                redis_url: Some(redis_url.into()),
                redis_url_file: None,
                redis_ca_file: None,
            },
            centrifugo: ClientArgs {
                centrifugo_api_url: api_url.to_owned(),
                centrifugo_api_key: Some(api_key.into()),
                centrifugo_api_key_file: None,
                centrifugo_timeout_ms: 2_500,
            },
            peers: PeersArgs {
                auth_url: String::new(),
                rooms_url,
                messages_url: String::new(),
            },
            internal: InternalSecretArgs {
                internal_secret: Some(INTERNAL_SECRET.into()),
                internal_secret_file: None,
                internal_secret_previous: None,
                internal_secret_previous_file: None,
            },
            limits: Limits::default(),
        };
        Self {
            rooms,
            args,
            redis_url: redis_url.to_owned(),
        }
    }

    /// With other bounds.
    pub(crate) fn limited(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.args.limits);
        self
    }

    /// A room with some members, known to rooms at version 1.
    pub(crate) fn room(&self, members: usize) -> (RoomId, Vec<UserId>) {
        self.add_room(RoomId::new(), members)
    }

    /// A room in the same partition as another one.
    pub(crate) fn room_beside(&self, other: RoomId, members: usize) -> (RoomId, Vec<UserId>) {
        let partition = |room: &RoomId| Partition::of(&room.to_string());
        let room = std::iter::repeat_with(RoomId::new)
            .find(|room| partition(room) == partition(&other))
            .unwrap();
        self.add_room(room, members)
    }

    fn add_room(&self, room: RoomId, members: usize) -> (RoomId, Vec<UserId>) {
        let members: Vec<_> = (0..members).map(|_| UserId::new()).collect();
        self.rooms.set(room, 1, &members);
        (room, members)
    }

    /// In room mode from now on; nobody is told.
    pub(crate) fn grown(&self, room: RoomId) -> Channels {
        self.rooms
            .change(room, |fanout| fanout.mode = FanoutMode::Room);
        self.channels(room)
    }

    /// The channels that a room has, or would have in room mode.
    pub(crate) fn channels(&self, room: RoomId) -> Channels {
        let Fanout {
            visibility,
            generation,
            ..
        } = self.rooms.get(room);
        Channels {
            room: Channel::of_room(visibility, room, generation),
            head: Channel::head_of(visibility, room, generation),
        }
    }

    /// Starts a publisher in a runtime of its own.
    pub(crate) fn start(&self) -> Running {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .enable_all()
            .build()
            .unwrap();
        let shutdown = Shutdown::new();
        let task = runtime.spawn(publisher::run(self.args.clone(), shutdown.clone()));
        Running {
            runtime: Some(runtime),
            shutdown,
            task,
        }
    }

    pub(crate) fn streams(&self) -> Streams {
        let redis = Redis::parse(&self.redis_url).unwrap();
        let connection = redis.shared(DEAD_LETTERS, Duration::from_secs(5));
        let of_partitions = Partition::all()
            .map(|partition| connection.to(&lease_key(partition)))
            .collect();
        Streams {
            connection,
            of_partitions,
        }
    }
}

/// The channels of a room in room mode.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channels {
    pub(crate) room: Channel,
    pub(crate) head: Channel,
}

/// A publisher that runs.
pub(crate) struct Running {
    runtime: Option<tokio::runtime::Runtime>,
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Stands still, as a process under SIGSTOP does: each thread of its
    /// runtime waits until what this answers is dropped.
    pub(crate) fn pause(&self) -> Paused {
        let runtime = self.runtime.as_ref().unwrap();
        let resumes = std::array::from_fn(|_| {
            let (resume, resumed) = std::sync::mpsc::channel::<()>();
            let (stand, stands) = std::sync::mpsc::channel();
            runtime.spawn(async move {
                stand.send(()).unwrap();
                // Ends when the sender is dropped.
                let _ = resumed.recv();
            });
            stands.recv().unwrap();
            resume
        });
        Paused { _resumes: resumes }
    }

    /// Ends it in good order.
    pub(crate) async fn stop(mut self) {
        self.shutdown.begin();
        (&mut self.task).await.unwrap().unwrap();
    }
}

/// A publisher that stands still while this lives.
pub(crate) struct Paused {
    _resumes: [std::sync::mpsc::Sender<()>; WORKERS],
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The streams, written to as the relays do.
pub(crate) struct Streams {
    /// To the dead letters; in one Redis, to everything.
    pub(crate) connection: Shared,
    of_partitions: Vec<Shared>,
}

impl Streams {
    pub(crate) async fn add(&mut self, source: Source, key: &str, event: &Value) {
        self.add_aged(source, key, event, Duration::ZERO).await;
    }

    /// An event of a change that was made some time ago.
    pub(crate) async fn add_aged(
        &mut self,
        source: Source,
        key: &str,
        event: &Value,
        age: Duration,
    ) {
        let at_ms = (Utc::now() - age).timestamp_millis();
        let partition = partition(key, event);
        let fields = [
            ("id", "1".to_owned()),
            ("key", key.to_owned()),
            ("event", event.to_string()),
            ("at", at_ms.to_string()),
        ];
        let _: String = self.of_partitions[partition.index()]
            .xadd(source.stream_key(partition), "*", &fields)
            .await
            .unwrap();
    }

    /// Messages of a room with these seqs.
    pub(crate) async fn messages(&mut self, room: RoomId, seqs: std::ops::RangeInclusive<i64>) {
        for seq in seqs {
            let event = json!({ "type": "message.created", "room": room, "seq": seq });
            self.add(Source::Messages, &room.to_string(), &event).await;
        }
    }

    /// A member's join, or departure without a role.
    pub(crate) async fn member(
        &mut self,
        room: RoomId,
        version: i64,
        user: UserId,
        role: Option<&str>,
    ) {
        let event = json!({
            "type": "member.updated", "room": room, "epoch": Epoch::new(), "time": Utc::now(),
            "version": version, "role": role, "memberCount": 1,
            "user": { "id": user, "username": "ada", "displayName": "Ada" },
        });
        self.add(Source::Rooms, &room.to_string(), &event).await;
    }

    /// A room goes from now on as rooms says, with the version of its last
    /// change and one more.
    pub(crate) async fn fanout(&mut self, fixture: &Fixture, room: RoomId, mode: FanoutMode) {
        let fanout = fixture.rooms.change(room, |fanout| {
            fanout.version = fanout.version.next();
            fanout.mode = mode;
        });
        self.say_fanout(room, &fanout).await;
    }

    /// Writes how a room goes.
    pub(crate) async fn say_fanout(&mut self, room: RoomId, fanout: &Fanout) {
        let event = json!({
            "type": "fanout", "room": room, "epoch": Epoch::new(), "time": Utc::now(),
            "version": fanout.version, "mode": fanout.mode, "visibility": fanout.visibility,
            "generation": fanout.generation,
        });
        self.add(Source::Rooms, &room.to_string(), &event).await;
    }

    /// Whole messages of a room, each the next change and the next message.
    pub(crate) async fn whole_messages(
        &mut self,
        room: RoomId,
        seqs: std::ops::RangeInclusive<i64>,
    ) {
        for seq in seqs {
            let event = json!({
                "type": "message.created", "room": room, "epoch": Epoch::new(),
                "time": Utc::now(), "seq": seq,
                "message": {
                    "id": MessageId::new(), "roomId": room, "seq": seq, "number": seq,
                    "changedSeq": seq, "authorId": UserId::new(), "content": seq.to_string(),
                    "createdAt": Utc::now(), "editedAt": null, "deletedAt": null,
                    "clientMessageId": "a", "replyTo": null,
                },
            });
            self.add(Source::Messages, &room.to_string(), &event).await;
        }
    }

    /// The leases of all partitions; none where there is no owner.
    pub(crate) async fn leases(&mut self) -> Vec<Option<String>> {
        let mut leases = Vec::new();
        for (partition, connection) in Partition::all().zip(&mut self.of_partitions) {
            leases.push(connection.get(lease_key(partition)).await.unwrap());
        }
        leases
    }

    /// Waits until every partition has an owner.
    pub(crate) async fn until_owned(&mut self) {
        plaza_testkit::eventually(SOON, async || {
            self.leases().await.iter().all(Option::is_some)
        })
        .await;
    }

    /// Entries that are not dealt with, in all streams.
    pub(crate) async fn waiting(&mut self) -> usize {
        let mut all = 0;
        for (partition, connection) in Partition::all().zip(&mut self.of_partitions) {
            for source in Source::ALL {
                let length: usize = connection.xlen(source.stream_key(partition)).await.unwrap();
                all += length;
            }
        }
        all
    }
}

/// The key of a partition's lease.
pub(crate) fn lease_key(partition: Partition) -> String {
    format!("plaza:{{p{partition}}}:lease")
}

fn partition(key: &str, event: &Value) -> Partition {
    if event["type"] == "tick" {
        Partition::PULSE
    } else {
        Partition::of(key)
    }
}

/// The history of a person's channel: each publication's events.
pub(crate) async fn history(server: &TestCentrifugo, user: UserId) -> Vec<Vec<Value>> {
    history_of(server, Channel::Personal(user)).await
}

/// The history of a channel: each publication's events.
pub(crate) async fn history_of(server: &TestCentrifugo, channel: Channel) -> Vec<Vec<Value>> {
    let peer = Peer::new(&server.api_url, SOON).unwrap();
    let answer = peer
        .request(Method::POST, "/api/history")
        .header("X-API-Key", &server.api_key)
        .body(json!({ "channel": channel, "limit": 300 }).to_string())
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    let publications = answer["result"]["publications"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    publications
        .iter()
        .map(|publication| {
            assert_eq!(publication["data"]["v"], 1);
            publication["data"]["events"].as_array().unwrap().clone()
        })
        .collect()
}

/// What a person got, each event by its seq, or else its type.
pub(crate) async fn got(server: &TestCentrifugo, user: UserId) -> Vec<String> {
    let publications = history(server, user).await;
    publications.iter().flatten().map(name).collect()
}

pub(crate) fn name(event: &Value) -> String {
    match event["seq"].as_i64() {
        Some(seq) => seq.to_string(),
        None => event["type"].as_str().unwrap().to_owned(),
    }
}

/// The names of messages with these seqs.
pub(crate) fn seqs(seqs: std::ops::RangeInclusive<i64>) -> Vec<String> {
    seqs.map(|seq| seq.to_string()).collect()
}

/// What is left when repeated messages are dropped as clients drop them.
pub(crate) fn as_shown(got: &[String]) -> Vec<String> {
    let mut newest = 0;
    let mut shown = got.to_vec();
    shown.retain(|name| {
        let seq: i64 = name.parse().unwrap();
        let is_new = seq > newest;
        newest = newest.max(seq);
        is_new
    });
    shown
}

/// Fails when a message comes for the first time behind a later one.
pub(crate) fn is_in_order(got: &[String]) {
    let mut newest = 0;
    for (at, name) in got.iter().enumerate() {
        let seq: i64 = name.parse().unwrap();
        assert!(
            seq > newest || got[..at].contains(name),
            "{seq} comes behind {newest}: {got:?}"
        );
        newest = newest.max(seq);
    }
}
