//! A Redis that forgets what it acknowledged.

use std::time::Duration;

use plaza_events::{Partition, relay::RelayArgs};
use plaza_kit::shutdown::Shutdown;
use plaza_testkit::{TestDatabase, eventually, own_redis};
use plaza_types::RoomId;

use redis::aio::MultiplexedConnection;

use crate::common::{append, connect, database, entries, numbers, relay, rows, stream};

const SOON: Duration = Duration::from_secs(20);

async fn relayed(database: &TestDatabase) {
    eventually(SOON, async || {
        rows(&mut database.pool.acquire().await.unwrap()).await == 0
    })
    .await;
}

/// Where the test's repetition says that the room stands.
async fn stands_at(database: &TestDatabase, room: RoomId, seq: i64) {
    sqlx::query("INSERT INTO heads VALUES ($1, $2)")
        .bind(room.uuid())
        .bind(seq)
        .execute(&database.pool)
        .await
        .unwrap();
}

async fn run_ids(database: &TestDatabase) -> i64 {
    sqlx::query_scalar(
        "SELECT count(DISTINCT run_id) + count(*) FILTER (WHERE run_id IS NULL) FROM relay",
    )
    .fetch_one(&database.pool)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_redis_with_another_run_id_is_told_again_without_a_new_event() {
    let (database, mut redis) = (database().await, own_redis().await);
    let room = RoomId::new();
    let partition = append(&database, room, 1..=3).await;
    stands_at(&database, room, 3).await;
    relay(
        &database,
        Some(&redis.url),
        RelayArgs::default(),
        &Shutdown::new(),
    );
    relayed(&database).await;

    let mut connection = connect(&redis.url).await;
    let () = redis::cmd("FLUSHALL")
        .query_async(&mut connection)
        .await
        .unwrap();
    redis.kill().await;
    redis.start().await;
    let mut connection = connect(&redis.url).await;
    // Nothing is there if it is not said again. Twice, if it was noticed that
    // Redis was emptied before it was killed; what Redis took after the relay
    // had stopped waiting for it may stand before.
    eventually(Duration::from_secs(10), async || {
        let told = numbers(&stream(&mut connection, partition).await, room);
        if told.last() == Some(&3) && told.iter().all(|number| *number <= 3) {
            Ok(())
        } else {
            Err(told)
        }
    })
    .await;
    eventually(SOON, async || run_ids(&database).await == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_relay_alone_says_nothing_again() {
    let (database, redis) = (database().await, own_redis().await);
    let room = RoomId::new();
    let partition = append(&database, room, 1..=3).await;
    stands_at(&database, room, 3).await;
    let mut connection = connect(&redis.url).await;
    for number in 4..=6 {
        let shutdown = Shutdown::new();
        relay(&database, Some(&redis.url), RelayArgs::default(), &shutdown);
        append(&database, room, number..=number).await;
        relayed(&database).await;
        eventually(SOON, async || run_ids(&database).await == 1).await;
        shutdown.begin();
        shutdown.drain(SOON).await.unwrap();
    }
    let told = numbers(&stream(&mut connection, partition).await, room);
    assert_eq!(told, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_of_a_service_say_it_again_once() {
    let (database, mut redis) = (database().await, own_redis().await);
    let room = RoomId::new();
    append(&database, room, 1..=1).await;
    stands_at(&database, room, 1).await;
    for _ in 0..3 {
        relay(
            &database,
            Some(&redis.url),
            RelayArgs::default(),
            &Shutdown::new(),
        );
    }
    relayed(&database).await;
    eventually(SOON, async || run_ids(&database).await == 1).await;
    redis.kill().await;
    redis.start().await;
    let partition = Partition::of(&room.to_string());
    let mut connection = connect(&redis.url).await;
    eventually(SOON, async || {
        let told = told(&mut connection, partition).await;
        if told == [1, 1] { Ok(()) } else { Err(told) }
    })
    .await;
    // An event behind it: by then everybody has met the new Redis.
    append(&database, room, 2..=2).await;
    eventually(SOON, async || run_ids(&database).await == 1).await;
    relayed(&database).await;
    assert_eq!(told(&mut connection, partition).await, [1, 1, 2]);
}

/// The numbers in the stream, each row of the outbox once: a row is added
/// twice where Redis took longer to answer than a relay waits.
async fn told(redis: &mut MultiplexedConnection, partition: Partition) -> Vec<i64> {
    let mut entries = entries(redis, partition).await;
    entries.dedup_by_key(|entry| entry.row);
    entries.iter().map(|entry| entry.number).collect()
}
