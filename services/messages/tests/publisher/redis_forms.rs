//! The whole path, from the outbox to the channels, over a Redis Cluster and
//! over a Redis that sentinels look after.

use std::{collections::BTreeSet, time::Duration};

use plaza_events::{Partition, Source};
use plaza_kit::shutdown::Shutdown;
use plaza_testkit::{
    TestCentrifugo, TestCentrifugoOptions, TestDatabase, centrifugo, eventually, redis_cluster,
    redis_sentinels,
};
use plaza_types::{RoomId, UserId};
use tokio::time::Instant;

use crate::{
    fixture::{Fixture, Running, SOON, history},
    forgets::{accept, relayed},
};

/// How soon what came meanwhile is there after a node died: the servers need
/// some seconds to agree on another.
const FAILED_OVER: Duration = Duration::from_secs(20);

/// A room with one member of each partition.
fn rooms(fixture: &Fixture) -> Vec<(RoomId, UserId)> {
    let mut found = BTreeSet::new();
    let mut rooms = Vec::new();
    while rooms.len() < Partition::COUNT {
        let (room, members) = fixture.room(1);
        if found.insert(partition(room)) {
            rooms.push((room, members[0]));
        }
    }
    rooms
}

fn partition(room: RoomId) -> Partition {
    Partition::of(&room.to_string())
}

/// What a member knows of its room: the messages that came, and the newest
/// change that it was told of.
async fn known(server: &TestCentrifugo, member: UserId) -> (Vec<i64>, i64) {
    let events = history(server, member).await.concat();
    let messages = events.iter().filter_map(|event| event["seq"].as_i64());
    let messages: Vec<_> = messages.collect();
    let heads = events.iter().filter_map(|event| event["headSeq"].as_i64());
    let newest = heads.chain(messages.iter().copied()).max();
    (messages, newest.unwrap_or(0))
}

/// A relay and two publishers over one Redis, and rooms of which all know the
/// first five messages.
struct Way<'a> {
    server: &'a TestCentrifugo,
    fixture: Fixture,
    database: TestDatabase,
    rooms: Vec<(RoomId, UserId)>,
    _publishers: [Running; 2],
}

impl<'a> Way<'a> {
    async fn over(redis_url: &str, server: &'a TestCentrifugo) -> Self {
        let fixture = Fixture::new(redis_url, &server.api_url, &server.api_key).await;
        let way = Self {
            server,
            database: relayed(redis_url, &Shutdown::new()).await,
            rooms: rooms(&fixture),
            _publishers: [fixture.start(), fixture.start()],
            fixture,
        };
        way.fixture.streams().until_owned().await;
        way.accept_in_all(1..=5).await;
        way.all_know(5, |_| true).await;
        way
    }

    /// A node was killed: what is accepted from now on is known in time, of
    /// rooms that `lost_nothing` every message.
    async fn goes_on(&self, lost_nothing: impl Fn(RoomId) -> bool) {
        let killed = Instant::now();
        self.accept_in_all(6..=10).await;
        self.all_know(10, lost_nothing).await;
        let pause = killed.elapsed();
        assert!(pause < FAILED_OVER, "{pause:?}");
    }

    async fn accept_in_all(&self, seqs: std::ops::RangeInclusive<i64>) {
        for seq in seqs {
            let accepted = self
                .rooms
                .iter()
                .map(|(room, _)| accept(&self.database, *room, seq));
            futures::future::join_all(accepted).await;
        }
    }

    /// Everybody knows of everything up to `last`, in order. Of rooms that
    /// `lost_nothing` every message itself has come.
    async fn all_know(&self, last: i64, lost_nothing: impl Fn(RoomId) -> bool) {
        for (room, member) in &self.rooms {
            let messages = eventually(SOON, async || {
                let (messages, newest) = known(self.server, *member).await;
                (newest == last).then_some(messages)
            })
            .await;
            let mut seen = BTreeSet::new();
            for seq in &messages {
                let newest = seen.last().copied().unwrap_or(0);
                assert!(
                    !seen.insert(*seq) || *seq > newest,
                    "{seq} is late: {messages:?}"
                );
            }
            if lost_nothing(*room) {
                assert!(seen.into_iter().eq(1..=last), "{messages:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_cluster_loses_a_node_and_every_member_learns_of_all_in_order() {
    let (mut cluster, server) = tokio::join!(
        redis_cluster(true),
        centrifugo(TestCentrifugoOptions::default())
    );
    let way = Way::over(&cluster.url, &server).await;
    let mut owners = Vec::new();
    for (room, _) in &way.rooms {
        let key = Source::Rooms.stream_key(partition(*room));
        owners.push((*room, cluster.owner(&key).await));
    }
    let of_node = |room: RoomId| owners.contains(&(room, 1));
    assert!(way.rooms.iter().any(|(room, _)| of_node(*room)));

    cluster.nodes[1].kill().await;
    way.goes_on(|room| !of_node(room)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_sentinels_name_another_and_every_member_learns_of_all_in_order() {
    let (mut servers, server) = tokio::join!(
        redis_sentinels(),
        centrifugo(TestCentrifugoOptions::default())
    );
    let way = Way::over(&servers.url, &server).await;
    servers.nodes[0].kill().await;
    way.goes_on(|_| false).await;
}
