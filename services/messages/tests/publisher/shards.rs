//! Centrifugo's engine in several Redis: shards, a cluster, and one that
//! sentinels look after. Each channel has an epoch of its own there.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use plaza_centrifugo::Channel;
use plaza_events::Partition;
use plaza_testkit::{
    Issuer, OwnRedis, Reply, Socket, TestCentrifugo, TestCentrifugoOptions, centrifugo, eventually,
    own_redis, redis, redis_cluster, redis_sentinels,
};
use plaza_types::{RoomId, UserId};
use serde_json::{Value, json};

use crate::fixture::{Fixture, SOON};

/// Sooner than Centrifugo's own look at positions, each 40 s.
const IN_TIME: Duration = Duration::from_secs(35);

/// A member who follows the channel of its own, and asks the services after
/// what Centrifugo does not vouch for.
struct Member {
    room: RoomId,
    user: UserId,
    /// The last message that the services have.
    accepted: Arc<AtomicI64>,
    seen: Arc<Mutex<Seen>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default, Clone)]
struct Seen {
    connected: usize,
    /// Every message up to this one is shown.
    position: i64,
    /// How often Centrifugo said that something may be missing.
    warned: usize,
    /// Messages that came though one before had not, without a warning.
    gaps: Vec<i64>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Member {
    async fn connect(server: &TestCentrifugo, issuer: &Issuer, room: RoomId, user: UserId) -> Self {
        let (accepted, seen) = (Arc::default(), Arc::new(Mutex::default()));
        let channel = Channel::Personal(user).to_string();
        let token = issuer.connection_token(user, std::slice::from_ref(&channel), 600);
        let follower = Follower {
            url: server.ws_url.clone(),
            token,
            channel,
            accepted: Arc::clone(&accepted),
            seen: Arc::clone(&seen),
            at: None,
        };
        let member = Self {
            room,
            user,
            accepted,
            seen,
            task: tokio::spawn(follower.run()),
        };
        eventually(SOON, async || member.seen().connected > 0).await;
        member
    }

    fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    async fn has_seen(&self, last: i64) {
        eventually(IN_TIME, async || {
            let seen = self.seen();
            if seen.position == last {
                Ok(())
            } else {
                Err(seen)
            }
        })
        .await;
    }
}

struct Follower {
    url: String,
    token: String,
    channel: String,
    accepted: Arc<AtomicI64>,
    seen: Arc<Mutex<Seen>>,
    /// Epoch and offset of what came last.
    at: Option<(Value, Value)>,
}

impl Follower {
    async fn run(mut self) {
        loop {
            self.connection().await;
            // As long as clients wait at least.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn connection(&mut self) {
        let Ok(mut socket) = Socket::open(&self.url).await else {
            return;
        };
        let mut connect = json!({ "token": self.token });
        if let Some((epoch, offset)) = &self.at {
            let position = json!({ "recover": true, "epoch": epoch, "offset": offset });
            connect["subs"] = json!({ &self.channel: position });
        }
        let connect = json!({ "id": 1, "connect": connect });
        if socket.send(&connect).await.is_err() {
            return;
        }
        loop {
            let reply = socket.receive().await;
            let Reply::Json(reply) = reply else { return };
            if let Some(answer) = reply.get("connect") {
                self.connected(&answer["subs"][&self.channel]);
            }
            let publication = &reply["push"]["pub"];
            if publication.is_object() {
                self.publication(publication);
            }
        }
    }

    fn connected(&mut self, position: &Value) {
        let had = self.at.take();
        self.at = Some((position["epoch"].clone(), position["offset"].clone()));
        self.seen.lock().unwrap().connected += 1;
        if position["recovered"] == true {
            for publication in position["publications"].as_array().into_iter().flatten() {
                self.show(publication);
            }
            return;
        }
        let mut seen = self.seen.lock().unwrap();
        seen.warned += usize::from(had.is_some());
        seen.position = seen.position.max(self.accepted.load(Ordering::SeqCst));
    }

    fn publication(&mut self, publication: &Value) {
        if let Some((_, offset)) = &mut self.at {
            *offset = publication["offset"].clone();
        }
        self.show(publication);
    }

    fn show(&self, publication: &Value) {
        let mut seen = self.seen.lock().unwrap();
        let events = publication["data"]["events"].as_array();
        for seq in events
            .into_iter()
            .flatten()
            .filter_map(|event| event["seq"].as_i64())
        {
            if seq > seen.position + 1 {
                seen.gaps.push(seq);
            }
            seen.position = seen.position.max(seq);
        }
    }
}

/// What a publisher needs, and rooms with a member each who
/// is connected: two a partition, the second beside the first.
struct Stage {
    fixture: Fixture,
    loud: Vec<Member>,
    quiet: Vec<Member>,
    _server: TestCentrifugo,
}

impl Stage {
    /// With the streams in one Redis and the engine in these.
    async fn new(streams: &str, engine: Vec<String>) -> Self {
        let issuer = Issuer::new();
        let jwks = issuer.serve_jwks().await;
        let options = TestCentrifugoOptions {
            jwks_url: Some(format!("http://{jwks}/jwks")),
            redis_urls: engine,
            ..TestCentrifugoOptions::default()
        };
        let server = centrifugo(options).await;
        let fixture = Fixture::new(streams, &server.api_url, &server.api_key).await;
        let mut found = HashMap::new();
        while found.len() < Partition::COUNT {
            let (room, members) = fixture.room(1);
            found.insert(Partition::of(&room.to_string()), (room, members[0]));
        }
        let (mut loud, mut quiet) = (Vec::new(), Vec::new());
        for (room, user) in found.into_values() {
            let (beside, members) = fixture.room_beside(room, 1);
            loud.push(Member::connect(&server, &issuer, room, user).await);
            quiet.push(Member::connect(&server, &issuer, beside, members[0]).await);
        }
        Self {
            fixture,
            loud,
            quiet,
            _server: server,
        }
    }

    /// Accepts messages of these rooms.
    async fn say(&self, members: &[Member], seqs: std::ops::RangeInclusive<i64>) {
        let mut streams = self.fixture.streams();
        for member in members {
            member.accepted.store(*seqs.end(), Ordering::SeqCst);
            streams.messages(member.room, seqs.clone()).await;
        }
    }

    async fn all_have_seen(&self, members: &[Member], last: i64) {
        for member in members {
            member.has_seen(last).await;
            let seen = member.seen();
            assert!(seen.gaps.is_empty(), "{seen:?}");
        }
    }
}

/// Whether the person's channel has its history in this Redis.
async fn has_channel(shard: &OwnRedis, user: UserId) -> bool {
    let mut connection = shard.connection().await;
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg(format!("*stream*{user}*"))
        .query_async(&mut connection)
        .await
        .unwrap();
    !keys.is_empty()
}

async fn empty_and_kill(shard: &mut OwnRedis) {
    let mut connection = shard.connection().await;
    let () = redis::cmd("FLUSHALL")
        .query_async(&mut connection)
        .await
        .unwrap();
    shard.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_one_of_two_shards_forgets_and_its_members_alone_are_told() {
    let (streams, one, mut other) = tokio::join!(redis(), own_redis(), own_redis());
    let engine = vec![one.url.clone(), other.url.clone()];
    let stage = Stage::new(&streams.url, engine).await;
    let _publisher = stage.fixture.start();
    stage.say(&stage.loud, 1..=3).await;
    stage.say(&stage.quiet, 1..=1).await;
    stage.all_have_seen(&stage.loud, 3).await;
    stage.all_have_seen(&stage.quiet, 1).await;
    let mut of_other = HashMap::new();
    for member in stage.loud.iter().chain(&stage.quiet) {
        let is_there = has_channel(&other, member.user).await;
        assert_ne!(is_there, has_channel(&one, member.user).await);
        of_other.insert(member.user, is_there);
    }
    let is_of_other = |member: &&Member| of_other[&member.user];
    let (gone, stays): (Vec<_>, Vec<_>) = stage.loud.iter().partition(is_of_other);
    assert!(!gone.is_empty() && !stays.is_empty());

    empty_and_kill(&mut other).await;
    stage.say(&stage.loud, 4..=6).await;
    for member in &stays {
        member.has_seen(6).await;
        assert_eq!(member.seen().warned, 0);
    }
    other.start().await;
    stage.all_have_seen(&stage.loud, 6).await;
    stage.say(&stage.loud, 7..=9).await;
    stage.all_have_seen(&stage.loud, 9).await;
    for member in stays {
        assert_eq!(member.seen().warned, 0, "nothing of it was lost");
    }
    for member in &gone {
        assert!(member.seen().warned > 0, "its history was lost");
    }
    // Those who are quiet since then are made to notice, where others of their
    // partition went through the trouble.
    let partition = |member: &Member| Partition::of(&member.room.to_string());
    let troubled: Vec<_> = gone.iter().map(|member| partition(member)).collect();
    let mut noticed = stage.quiet.iter().filter(is_of_other).collect::<Vec<_>>();
    noticed.retain(|member| troubled.contains(&partition(member)));
    assert!(!noticed.is_empty());
    for member in noticed {
        eventually(IN_TIME, async || member.seen().warned > 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_streams_and_the_engine_have_a_redis_each_and_either_may_die() {
    let (mut streams, mut engine) = tokio::join!(own_redis(), own_redis());
    let stage = Stage::new(&streams.url, vec![engine.url.clone()]).await;
    let _publisher = stage.fixture.start();
    stage.say(&stage.loud, 1..=3).await;
    stage.all_have_seen(&stage.loud, 3).await;

    engine.kill().await;
    stage.say(&stage.loud, 4..=6).await;
    engine.start().await;
    stage.all_have_seen(&stage.loud, 6).await;

    streams.kill().await;
    streams.start().await;
    stage.say(&stage.loud, 7..=9).await;
    stage.all_have_seen(&stage.loud, 9).await;
    for (redis, others) in [(&streams, "*stream*"), (&engine, "plaza:*")] {
        let mut connection = redis.connection().await;
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(others)
            .query_async(&mut connection)
            .await
            .unwrap();
        assert!(keys.is_empty(), "{keys:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn centrifugo_over_a_cluster_goes_on_when_a_node_dies() {
    let mut cluster = redis_cluster(true).await;
    let streams = redis().await;
    let stage = Stage::new(&streams.url, vec![cluster.centrifugo_url()]).await;
    let _publisher = stage.fixture.start();
    stage.say(&stage.loud, 1..=3).await;
    stage.all_have_seen(&stage.loud, 3).await;
    cluster.nodes[1].kill().await;
    stage.say(&stage.loud, 4..=6).await;
    stage.all_have_seen(&stage.loud, 6).await;
    stage.say(&stage.loud, 7..=9).await;
    stage.all_have_seen(&stage.loud, 9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn centrifugo_follows_its_sentinels_to_another_primary() {
    let mut servers = redis_sentinels().await;
    let streams = redis().await;
    let stage = Stage::new(&streams.url, vec![servers.centrifugo_url.clone()]).await;
    let _publisher = stage.fixture.start();
    stage.say(&stage.loud, 1..=3).await;
    stage.all_have_seen(&stage.loud, 3).await;
    servers.nodes[0].kill().await;
    stage.say(&stage.loud, 4..=6).await;
    stage.all_have_seen(&stage.loud, 6).await;
    stage.say(&stage.loud, 7..=9).await;
    stage.all_have_seen(&stage.loud, 9).await;
}
