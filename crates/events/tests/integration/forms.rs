//! The other forms of Redis: a cluster, and a primary that sentinels name.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use plaza_events::{
    Partition, Source,
    relay::{RelayArgs, RelayHandle},
    stream::{
        DEAD_LETTERS, DeadLetter, Lag, Lease, LeaseTimes, Member, PUBLISHERS, Reader,
        count_dead_letters, dead_letters, is_attended, lag, replay,
    },
};
use plaza_kit::{redis::Redis, shutdown::Shutdown};
use plaza_testkit::{
    RedisCluster, TestDatabase, eventually, redis_cluster, redis_sentinels, tls_redis,
};
use plaza_types::RoomId;
use redis::AsyncCommands;

use crate::common::{append, database, relay, rows};

const SOON: Duration = Duration::from_mins(1);
const WITHIN: Duration = Duration::from_secs(1);
/// How long a read waits for entries.
const BLOCK: Duration = Duration::from_millis(200);

/// A room of each partition.
fn rooms() -> Vec<RoomId> {
    let mut rooms = BTreeMap::new();
    while rooms.len() < Partition::COUNT {
        let room = RoomId::new();
        rooms.insert(Partition::of(&room.to_string()), room);
    }
    rooms.into_values().collect()
}

/// Takes what the relays say, as a publisher does: with a lease, a reader and
/// the cursor of each partition.
struct Taker {
    redis: Redis,
    partition: Partition,
    room: RoomId,
    /// What it got of its room, in its order, repetitions and all.
    got: Vec<i64>,
}

impl Taker {
    fn all(redis: &Redis, rooms: &[RoomId]) -> Vec<Self> {
        let taker = |room: &RoomId| Self {
            redis: redis.clone(),
            partition: Partition::of(&room.to_string()),
            room: *room,
            got: Vec::new(),
        };
        rooms.iter().map(taker).collect()
    }

    /// Reads until `last` of its room has come, whatever fails on the way.
    async fn until(&mut self, last: i64) {
        let key = Source::Rooms.stream_key(self.partition);
        let mut shared = self.redis.shared(&key, WITHIN);
        let mut reader = Reader::new(self.redis.clone(), self.partition, BLOCK, 10);
        let times = LeaseTimes::default();
        while !self.got.contains(&last) {
            let lease = eventually(SOON, async || {
                let lease = Lease::take(&mut shared, self.partition, times).await;
                lease.ok().flatten()
            })
            .await;
            let mut keeper = shared.clone();
            tokio::select! {
                () = lease.keep(&mut keeper) => {}
                () = self.read(&mut reader, &lease, last) => {}
            }
            reader.reset();
            let _ = lease.release(&mut shared).await;
        }
    }

    async fn read(&mut self, reader: &mut Reader, lease: &Lease, last: i64) {
        while !self.got.contains(&last) {
            let read = eventually(SOON, async || reader.read(BLOCK).await).await;
            for entry in read.entries {
                let event: serde_json::Value = serde_json::from_str(entry.event.get()).unwrap();
                if entry.key == self.room.to_string() {
                    self.got.push(event["number"].as_i64().unwrap());
                }
            }
            lease.moved();
            if !read.ends.is_empty() {
                let _ = reader.advance(lease, &read.ends).await;
            }
        }
    }

    /// What comes for the first time comes in order, and the last has come: of
    /// what Redis lost, a later word tells where the room stands.
    fn check(&self, last: i64) {
        let mut seen = BTreeSet::new();
        for number in &self.got {
            let newest = seen.last().copied().unwrap_or(0);
            if seen.insert(*number) {
                assert!(*number > newest, "{number} is late: {:?}", self.got);
            }
        }
        assert_eq!(seen.last(), Some(&last));
    }

    /// Whether something came twice, as where the room stands does when another
    /// process answers.
    fn was_told_again(&self) -> bool {
        let different: BTreeSet<_> = self.got.iter().collect();
        different.len() < self.got.len()
    }

    /// As [`check`](Self::check), and every number has come.
    fn check_whole(&self, last: i64) {
        self.check(last);
        let missing: Vec<_> = (1..=last).filter(|one| !self.got.contains(one)).collect();
        assert!(missing.is_empty(), "{missing:?} of {:?}", self.got);
    }
}

/// How far each run of the numbers goes.
const FIRST: i64 = 20;
const SECOND: i64 = 40;
const LAST: i64 = 60;

/// An outbox in a database of the test's own, and its relay to a Redis.
struct Relayed {
    database: TestDatabase,
    redis: Redis,
    relay: RelayHandle,
    shutdown: Shutdown,
}

impl Relayed {
    /// To the Redis of this URL.
    async fn to(url: &str) -> Self {
        let (database, shutdown) = (database().await, Shutdown::new());
        Self {
            redis: Redis::parse(url).unwrap(),
            relay: relay(&database, Some(url), RelayArgs::default(), &shutdown),
            database,
            shutdown,
        }
    }

    /// Commits the numbers to each room, one after another.
    async fn write(&self, rooms: &[RoomId], numbers: std::ops::RangeInclusive<i64>) {
        for number in numbers {
            for room in rooms {
                let partition = append(&self.database, *room, number..=number).await;
                // Where the test's repetition says that the room stands.
                sqlx::query(
                    "INSERT INTO heads VALUES ($1, $2)
                     ON CONFLICT (room) DO UPDATE SET seq = excluded.seq",
                )
                .bind(room.uuid())
                .bind(number)
                .execute(&self.database.pool)
                .await
                .unwrap();
                self.relay.wake(partition);
            }
        }
    }

    /// Waits until the outbox is empty.
    async fn emptied(&self) {
        eventually(SOON, async || {
            rows(&mut self.database.pool.acquire().await.unwrap()).await == 0
        })
        .await;
    }

    /// Numbers are written while `trouble` is made in the middle, and taken all
    /// the while.
    async fn through(&self, trouble: impl AsyncFnOnce()) -> Vec<Taker> {
        let rooms = rooms();
        let mut takers = Taker::all(&self.redis, &rooms);
        let taking = futures::future::join_all(takers.iter_mut().map(|taker| taker.until(LAST)));
        let writing = async {
            self.write(&rooms, 1..=FIRST).await;
            self.emptied().await;
            let ((), ()) = tokio::join!(self.write(&rooms, FIRST + 1..=SECOND), trouble());
            self.emptied().await;
            self.write(&rooms, SECOND + 1..=LAST).await;
        };
        let both = futures::future::join(taking, writing);
        tokio::time::timeout(SOON, both).await.unwrap();
        takers
    }

    /// Of each partition the `run_id` that it was last written to.
    async fn run_ids(&self) -> Vec<Option<String>> {
        let of_all = sqlx::query_scalar("SELECT run_id FROM relay ORDER BY partition");
        of_all.fetch_all(&self.database.pool).await.unwrap()
    }
}

/// Places of the nodes that own partitions.
async fn owners(cluster: &RedisCluster) -> Vec<usize> {
    let mut owners = Vec::new();
    for partition in Partition::all() {
        owners.push(cluster.owner(&Source::Rooms.stream_key(partition)).await);
    }
    owners
}

#[tokio::test(flavor = "multi_thread")]
async fn the_streams_spread_over_a_cluster_of_three_and_keep_their_order() {
    let cluster = redis_cluster(false).await;
    let owners = owners(&cluster).await;
    for node in 0..3 {
        assert!(owners.contains(&node), "{owners:?}");
    }
    let relayed = Relayed::to(&cluster.url).await;
    let (args, url) = (RelayArgs::default(), Some(cluster.url.as_str()));
    let _beside = relay(&relayed.database, url, args, &relayed.shutdown);
    for taker in relayed.through(async || {}).await {
        taker.check_whole(LAST);
        assert!(taker.got.into_iter().eq(1..=LAST), "something came twice");
    }
    // Partitions of one node were written to one process.
    let run_ids = relayed.run_ids().await;
    for (one, other) in (0..16).flat_map(|one| (0..16).map(move |other| (one, other))) {
        let of = |at: usize| run_ids[at].as_deref().unwrap().split(':').next().unwrap();
        assert_eq!(of(one) == of(other), owners[one] == owners[other]);
    }
    relayed.shutdown.begin();
    relayed.shutdown.drain(SOON).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_node_of_the_cluster_dies_and_nothing_is_lost_or_out_of_order() {
    let mut cluster = redis_cluster(true).await;
    let relayed = Relayed::to(&cluster.url).await;
    // The one that the URL names: the others are known by then.
    let owners = owners(&cluster).await;
    let mut before = Vec::new();
    let takers = relayed
        .through(async || {
            before = relayed.run_ids().await;
            cluster.nodes[0].kill().await;
        })
        .await;
    for taker in takers {
        let own = owners[taker.partition.index()];
        if own == 0 {
            taker.check(LAST);
            assert!(taker.was_told_again(), "{:?}", taker.got);
        } else {
            taker.check_whole(LAST);
        }
    }
    relayed.emptied().await;
    let after = relayed.run_ids().await;
    for (place, owner) in owners.into_iter().enumerate() {
        assert_eq!(
            before[place] != after[place],
            owner == 0,
            "partition {place}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_moves_to_another_node_of_the_cluster_and_loses_nothing() {
    let cluster = redis_cluster(false).await;
    let mut relayed = Relayed::to(&cluster.url).await;
    relayed.redis = Redis::parse(&cluster.url_of_all()).unwrap();
    let key = Source::Rooms.stream_key(Partition::PULSE);
    let takers = relayed
        .through(async || {
            let from = cluster.owner(&key).await;
            cluster.move_slot(&key, (from + 1) % 3).await;
        })
        .await;
    for taker in takers {
        taker.check_whole(LAST);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_shares_lag_and_dead_letters_work_over_a_cluster() {
    let cluster = redis_cluster(false).await;
    let redis = Redis::parse(&cluster.url).unwrap();
    let mut publishers = redis.shared(PUBLISHERS, WITHIN);
    let [one, other] = [(); 2].map(|()| Member::new(LeaseTimes::default()));
    assert_eq!(one.announce(&mut publishers).await.unwrap(), 16);
    assert_eq!(other.announce(&mut publishers).await.unwrap(), 8);

    for partition in Partition::all() {
        let stream = Source::Messages.stream_key(partition);
        let mut connection = publishers.to(&stream);
        let mut reader = Reader::new(redis.clone(), partition, WITHIN, 10);
        let lease = Lease::take(&mut connection, partition, LeaseTimes::default());
        let lease = lease.await.unwrap().unwrap();
        lease.moved();
        let mut keeper = connection.clone();
        tokio::select! {
            () = lease.keep(&mut keeper) => panic!("the lease is lost"),
            () = eventually(SOON, async || {
                is_attended(&mut connection, partition).await.unwrap()
            }) => {}
        }
        let fields = [("key", "m1"), ("event", "{}"), ("at", "1")];
        let _: String = connection.xadd(&stream, "*", &fields).await.unwrap();
        assert_eq!(lag(&mut connection, partition).await.unwrap().entries, 1);
        let read = reader.read(Duration::from_millis(1)).await.unwrap();
        let letter = DeadLetter {
            source: Source::Messages,
            partition,
            entry: read.entries[0].id.to_string(),
            reason: "refused".to_owned(),
            fields: fields
                .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
                .to_vec(),
        };
        reader.bury(&[letter]).await.unwrap();
        reader.advance(&lease, &read.ends).await.unwrap();
        assert_eq!(
            lag(&mut connection, partition).await.unwrap(),
            Lag::default()
        );
        lease.release(&mut connection).await.unwrap();
    }

    let mut letters = publishers.to(DEAD_LETTERS);
    let all = dead_letters(&mut letters, None, 100).await.unwrap();
    assert_eq!(all.len(), 16);
    for buried in &all {
        replay(&mut letters, buried).await.unwrap();
        let partition = buried.letter.partition;
        let mut connection = letters.to(&Source::Messages.stream_key(partition));
        assert_eq!(lag(&mut connection, partition).await.unwrap().entries, 1);
    }
    assert_eq!(count_dead_letters(&mut letters).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_sentinels_name_the_replica_and_it_is_told_again() {
    let mut servers = redis_sentinels().await;
    let relayed = Relayed::to(&servers.url).await;
    let mut before = Vec::new();
    let takers = relayed
        .through(async || {
            before = relayed.run_ids().await;
            // One sentinel less is no reason to stop.
            servers.kill_sentinel(0).await;
            servers.nodes[0].kill().await;
            servers.until_primary(1).await;
        })
        .await;
    for taker in takers {
        taker.check(LAST);
        assert!(taker.was_told_again(), "{:?}", taker.got);
    }
    relayed.emptied().await;
    let after = relayed.run_ids().await;
    assert!(
        before
            .iter()
            .zip(&after)
            .all(|(before, after)| before != after)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_failover_between_two_that_run_is_followed() {
    let servers = redis_sentinels().await;
    let relayed = Relayed::to(&servers.url).await;
    let takers = relayed
        .through(async || {
            servers.fail_over().await;
            servers.until_primary(1).await;
        })
        .await;
    for taker in takers {
        taker.check(LAST);
    }
    relayed.emptied().await;
    // Quiet partitions too have met the new one.
    let mut connection = servers.nodes[1].connection().await;
    let info: String = redis::cmd("INFO")
        .arg("server")
        .query_async(&mut connection)
        .await
        .unwrap();
    let run_id = info.lines().find_map(|line| line.strip_prefix("run_id:"));
    let run_id = run_id.unwrap().trim();
    eventually(SOON, async || {
        let all = relayed.run_ids().await;
        all.iter().flatten().all(|own| own.starts_with(run_id))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken_and_a_certificate_of_strangers_is_refused() {
    plaza_kit::install_crypto();
    let (server, stranger) = tokio::join!(tls_redis(), tls_redis());
    let authority = server.authority.as_bytes();
    let redis = Redis::trusting(&server.url, Some(authority)).unwrap();
    let mut shared = redis.shared(PUBLISHERS, WITHIN);
    let member = Member::new(LeaseTimes::default());
    assert_eq!(member.announce(&mut shared).await.unwrap(), 16);
    let mut reader = Reader::new(redis, Partition::PULSE, WITHIN, 10);
    assert!(reader.read(Duration::from_millis(1)).await.unwrap().begins);

    // That of another authority, and one that the system does not know.
    let refused = [
        Redis::trusting(&stranger.url, Some(authority)).unwrap(),
        Redis::parse(&server.url).unwrap(),
    ];
    for redis in refused {
        let error = redis.connection(PUBLISHERS, WITHIN).await.unwrap_err();
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}
