//! A Redis Cluster for tests.

use std::time::Duration;

use futures::future::join_all;
use plaza_local::free_port;
use redis::{Cmd, RedisResult, Value, aio::MultiplexedConnection};

use crate::{OwnRedis, eventually, server::chain};

const SLOTS: u16 = 16_384;
const OWNERS: u16 = 3;

/// How soon a node counts as gone when it does not answer.
const NODE_TIMEOUT_MS: u32 = 1_000;

const PATIENCE: Duration = Duration::from_mins(1);

/// A Redis Cluster of a test's own: three nodes that share the slots, and a
/// replica of each if it is wanted.
#[derive(Debug)]
pub struct RedisCluster {
    /// URL with password, of the first node only: the others are learned of.
    pub url: String,
    /// The nodes, the owners first and then their replicas in the same order.
    pub nodes: Vec<OwnRedis>,
    /// The ports of their bus, in the same order.
    buses: Vec<u16>,
    password: String,
}

/// A cluster whose nodes all know who has which slots.
pub async fn redis_cluster(with_replicas: bool) -> RedisCluster {
    let password = plaza_local::random_hex(16).expect("randomness");
    let count = if with_replicas { OWNERS * 2 } else { OWNERS };
    let nodes = join_all((0..count).map(|_| node(&password))).await;
    let (nodes, buses): (Vec<_>, Vec<_>) = nodes.into_iter().unzip();
    let cluster = RedisCluster {
        url: url(&password, &nodes[..1]),
        nodes,
        buses,
        password,
    };
    cluster.join(with_replicas).await;
    cluster
}

/// A node that knows no other, and the port of its bus.
async fn node(password: &str) -> (OwnRedis, u16) {
    // The usual port of the bus, 10,000 above, may be none.
    let bus = free_port("Redis", None).unwrap_or_else(|error| panic!("{}", chain(&error)));
    let directives = vec![
        "cluster-enabled yes".to_owned(),
        "cluster-config-file nodes.conf".to_owned(),
        format!("cluster-node-timeout {NODE_TIMEOUT_MS}"),
        format!("cluster-port {bus}"),
        format!("masterauth {password}"),
        "repl-diskless-sync-delay 0".to_owned(),
    ];
    (OwnRedis::with(Some(password), directives).await, bus)
}

fn url(password: &str, nodes: &[OwnRedis]) -> String {
    let hosts: Vec<_> = nodes
        .iter()
        .map(|node| node.address().to_string())
        .collect();
    format!("redis+cluster://:{password}@{}", hosts.join(","))
}

impl RedisCluster {
    /// URL with password, of all nodes.
    pub fn url_of_all(&self) -> String {
        url(&self.password, &self.nodes)
    }

    /// The same as Centrifugo writes it.
    pub fn centrifugo_url(&self) -> String {
        let [first, others @ ..] = self.nodes.as_slice() else {
            return String::new();
        };
        let others = others.iter().map(|node| format!("addr={}", node.address()));
        let others = others.collect::<Vec<_>>().join("&");
        let (password, first) = (&self.password, first.address());
        format!("redis+cluster://:{password}@{first}?{others}")
    }

    async fn join(&self, with_replicas: bool) {
        let mut connections = Vec::new();
        for node in &self.nodes {
            connections.push(node.connection().await);
        }
        let per_owner = SLOTS.div_ceil(OWNERS);
        let mut ids = Vec::new();
        for (place, connection) in (0..OWNERS).zip(&mut connections) {
            let (from, to) = (place * per_owner, ((place + 1) * per_owner).min(SLOTS) - 1);
            let _: () = ask(
                connection,
                &["ADDSLOTSRANGE", &from.to_string(), &to.to_string()],
            )
            .await;
        }
        for connection in &mut connections {
            ids.push(ask::<String>(connection, &["MYID"]).await);
            // Nodes that meet with one number of the configuration have to
            // agree on another first.
            let epoch = ids.len().to_string();
            let _: () = ask(connection, &["SET-CONFIG-EPOCH", &epoch]).await;
        }
        for (node, bus) in self.nodes.iter().zip(&self.buses).skip(1) {
            let (port, bus) = (node.address().port().to_string(), bus.to_string());
            let _: () = ask(&mut connections[0], &["MEET", "127.0.0.1", &port, &bus]).await;
        }
        let all = self.nodes.len();
        for connection in &mut connections {
            eventually(PATIENCE, async || {
                let nodes: String = ask(connection, &["NODES"]).await;
                nodes
                    .lines()
                    .filter(|line| line.contains("connected"))
                    .count()
                    == all
            })
            .await;
        }
        if with_replicas {
            for (place, owner) in ids.iter().take(OWNERS.into()).enumerate() {
                let replica = &mut connections[place + usize::from(OWNERS)];
                eventually(PATIENCE, async || {
                    try_ask::<()>(replica, &["REPLICATE", owner]).await
                })
                .await;
            }
        }
        for connection in &mut connections {
            eventually(PATIENCE, async || {
                let info: String = ask(connection, &["INFO"]).await;
                let slots: Value = ask(connection, &["SLOTS"]).await;
                let ranges = slots.as_sequence().unwrap_or_default();
                let nodes = |range: &Value| range.as_sequence().map_or(0, <[Value]>::len) - 2;
                info.contains("cluster_state:ok") && ranges.iter().map(nodes).sum::<usize>() == all
            })
            .await;
        }
        if with_replicas {
            for connection in &mut connections[usize::from(OWNERS)..] {
                eventually(PATIENCE, async || {
                    let info: String = redis::cmd("INFO")
                        .arg("replication")
                        .query_async(connection)
                        .await
                        .unwrap_or_default();
                    info.contains("master_link_status:up")
                })
                .await;
            }
        }
    }

    /// The place of the node that owns the key's slot, by what the nodes that
    /// run say.
    pub async fn owner(&self, key: &str) -> usize {
        eventually(PATIENCE, async || {
            for (place, node) in self.nodes.iter().enumerate() {
                if !node.is_running() {
                    continue;
                }
                let mut connection = node.connection().await;
                let answer: RedisResult<Value> = redis::cmd("EXISTS")
                    .arg(key)
                    .query_async(&mut connection)
                    .await;
                if answer.is_ok() {
                    return Some(place);
                }
            }
            None
        })
        .await
    }

    /// Moves the key's slot with all that is in it to another node.
    pub async fn move_slot(&self, key: &str, to: usize) {
        let from = self.owner(key).await;
        let (mut source, mut target) = (
            self.nodes[from].connection().await,
            self.nodes[to].connection().await,
        );
        let slot: u16 = ask(&mut source, &["KEYSLOT", key]).await;
        let slot = slot.to_string();
        let ids: [String; 2] = [
            ask(&mut source, &["MYID"]).await,
            ask(&mut target, &["MYID"]).await,
        ];
        let _: () = ask(&mut target, &["SETSLOT", &slot, "IMPORTING", &ids[0]]).await;
        let _: () = ask(&mut source, &["SETSLOT", &slot, "MIGRATING", &ids[1]]).await;
        let port = self.nodes[to].address().port();
        loop {
            let keys: Vec<String> = ask(&mut source, &["GETKEYSINSLOT", &slot, "1"]).await;
            let Some(key) = keys.first() else { break };
            let _: () = redis::cmd("MIGRATE")
                .arg("127.0.0.1")
                .arg(port)
                .arg(key)
                .arg(0)
                .arg(5_000)
                .arg("AUTH")
                .arg(&self.password)
                .query_async(&mut source)
                .await
                .expect("a key that moves");
        }
        for connection in [&mut target, &mut source] {
            let _: () = ask(connection, &["SETSLOT", &slot, "NODE", &ids[1]]).await;
        }
    }
}

fn command(words: &[&str]) -> Cmd {
    let mut command = redis::cmd("CLUSTER");
    command.arg(words);
    command
}

async fn try_ask<T: redis::FromRedisValue>(
    connection: &mut MultiplexedConnection,
    words: &[&str],
) -> RedisResult<T> {
    command(words).query_async(connection).await
}

async fn ask<T: redis::FromRedisValue>(
    connection: &mut MultiplexedConnection,
    words: &[&str],
) -> T {
    let answer = try_ask(connection, words).await;
    answer.unwrap_or_else(|error| panic!("CLUSTER {}: {error}", words.join(" ")))
}
