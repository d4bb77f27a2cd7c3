//! A Redis that forgets what it acknowledged, from the outbox to the channel.

use std::time::Duration;

use plaza_events::{
    Partition, Source,
    relay::{Relay, RelayArgs},
};
use plaza_kit::{redis::Redis, shutdown::Shutdown};
use plaza_messages::{Realtime, Store};
use plaza_testkit::{
    OwnRedis, TestCentrifugoOptions, TestDatabase, centrifugo, database, eventually, own_redis,
    proxy,
};
use plaza_types::{Epoch, RoomId};
use redis::aio::MultiplexedConnection;
use serde_json::json;

use crate::fixture::{Fixture, SOON, history};

/// How soon a client has to know.
const IN_TIME: Duration = Duration::from_secs(10);

async fn command(connection: &mut MultiplexedConnection, words: &[&str]) -> redis::Value {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async(connection).await.unwrap()
}

async fn connect(redis: &OwnRedis) -> MultiplexedConnection {
    let client = redis::Client::open(redis.url.as_str()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// The database of messages, with a relay to this Redis.
pub(crate) async fn relayed(redis_url: &str, shutdown: &Shutdown) -> TestDatabase {
    let database = database(&plaza_messages::MIGRATOR).await;
    let redis = Redis::parse(redis_url).unwrap();
    let options = database.url.parse().unwrap();
    let args = RelayArgs::default();
    let (relay, handle) = Relay::new(Source::Messages, options, Some(redis), args);
    let pool = database.pool.clone();
    let store = Store::new(pool, Epoch::new(), Realtime::On(handle), 1_000);
    relay.spawn(store, shutdown);
    database
}

/// A message as far as these tests need one: the head, and its event.
pub(crate) async fn accept(database: &TestDatabase, room: RoomId, seq: i64) {
    let mut transaction = database.pool.begin().await.unwrap();
    sqlx::query(
        "INSERT INTO room_heads (room_id, last_seq, last_number) VALUES ($1, $2, $2)
         ON CONFLICT (room_id) DO UPDATE
         SET last_seq = $2, last_number = $2, changed_at = clock_timestamp()",
    )
    .bind(room.uuid())
    .bind(seq)
    .execute(&mut *transaction)
    .await
    .unwrap();
    sqlx::query("INSERT INTO outbox (partition, key, event) VALUES ($1, $2, $3)")
        .bind(Partition::of(&room.to_string()).number())
        .bind(room.to_string())
        .bind(json!({ "type": "message.created", "room": room, "seq": seq }))
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    eventually(SOON, async || {
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox")
            .fetch_one(&database.pool)
            .await
            .unwrap();
        left == 0
    })
    .await;
}

/// What `lose` does to Redis after the last message of a room, which nobody
/// has read yet, must bring the room's head to its members.
async fn is_told_again<Lost: Send>(
    lose: impl AsyncFnOnce(&mut OwnRedis, &plaza_testkit::TestProxy, OwnRedis) -> Lost,
) {
    let (mut master, replica, server) = tokio::join!(
        own_redis(),
        own_redis(),
        centrifugo(TestCentrifugoOptions::default())
    );
    let network = proxy(master.address()).await;
    let url = master.url_over(network.address);
    let shutdown = Shutdown::new();
    let fixture = Fixture::new(&url, &server.api_url, &server.api_key).await;
    let database = relayed(&url, &shutdown).await;
    let (room, members) = fixture.room(2);

    let publisher = fixture.start();
    accept(&database, room, 1).await;
    eventually(SOON, async || history(&server, members[0]).await.len() == 1).await;
    publisher.stop().await;

    // The replica has all of this, and nothing later.
    let mut of_replica = connect(&replica).await;
    let port = master.address().port().to_string();
    command(
        &mut of_replica,
        &["CONFIG", "SET", "masterauth", master.password()],
    )
    .await;
    command(&mut of_replica, &["REPLICAOF", "127.0.0.1", &port]).await;
    eventually(SOON, async || {
        let cursor = command(&mut of_replica, &["EXISTS", &cursor(room)]).await;
        cursor == redis::Value::Int(1)
    })
    .await;
    command(&mut of_replica, &["REPLICAOF", "NO", "ONE"]).await;
    command(
        &mut of_replica,
        &["CONFIG", "SET", "requirepass", master.password()],
    )
    .await;

    accept(&database, room, 2).await;
    let _lost = lose(&mut master, &network, replica).await;
    let _publisher = fixture.start();
    for member in members {
        eventually(IN_TIME, async || {
            let events = history(&server, member).await.concat();
            let heads: Vec<_> = events
                .iter()
                .filter(|event| event["type"] == "head")
                .collect();
            let knows = heads
                .iter()
                .any(|head| head["headSeq"] == 2 && head["number"] == 2);
            assert!(
                !events.iter().any(|event| event["seq"] == 2),
                "the last message was not lost"
            );
            knows
        })
        .await;
    }
}

fn cursor(room: RoomId) -> String {
    format!("plaza:{{p{}}}:cursor", Partition::of(&room.to_string()))
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_replica_that_was_cut_off_before_the_last_message_takes_over() {
    is_told_again(async |master, network, replica| {
        master.kill().await;
        network.turn_to(replica.address());
        replica
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_replica_takes_over_while_the_old_master_lives_on() {
    is_told_again(async |master, network, replica| {
        let mut connection = connect(master).await;
        let port = replica.address().port().to_string();
        command(
            &mut connection,
            &["CONFIG", "SET", "masterauth", master.password()],
        )
        .await;
        network.turn_to(replica.address());
        command(&mut connection, &["REPLICAOF", "127.0.0.1", &port]).await;
        replica
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_an_emptied_redis_starts_again() {
    is_told_again(async |master, _, _| {
        command(&mut connect(master).await, &["FLUSHALL"]).await;
        master.kill().await;
        master.start().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_redis_is_emptied_while_it_runs() {
    is_told_again(async |master, _, _| {
        command(&mut connect(master).await, &["FLUSHALL"]).await;
    })
    .await;
}
