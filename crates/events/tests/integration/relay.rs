//! The relay.

use std::time::Duration;

use crate::common::{
    self, append, connect, database, event, numbers, relay, rooms_of_one_partition, stream,
};
use plaza_events::{
    Partition, Source, outbox,
    relay::{RelayArgs, RelayHandle},
};
use plaza_kit::shutdown::Shutdown;
use plaza_testkit::{TestDatabase, eventually, own_redis, redis};
use plaza_types::RoomId;
use redis::AsyncCommands;

const SOON: Duration = Duration::from_secs(20);

/// A relay that looks by itself so rarely that only a wake can explain haste.
fn only_woken() -> RelayArgs {
    RelayArgs {
        relay_poll_ms: 10_000,
        ..RelayArgs::default()
    }
}

async fn is_empty(database: &TestDatabase) -> bool {
    common::rows(&mut database.pool.acquire().await.unwrap()).await == 0
}

/// Writes one event as a service does: the room's lock first, then the number.
async fn write(database: &TestDatabase, room: RoomId) -> Partition {
    let mut transaction = database.pool.begin().await.unwrap();
    let number: i64 = sqlx::query_scalar(
        "INSERT INTO heads VALUES ($1, 1) ON CONFLICT (room) DO UPDATE SET seq = heads.seq + 1
         RETURNING seq",
    )
    .bind(room.uuid())
    .fetch_one(&mut *transaction)
    .await
    .unwrap();
    let events = [event(room, number)];
    outbox::append(&mut transaction, &events).await.unwrap();
    tokio::time::sleep(Duration::from_micros(fastrand::u64(0..3_000))).await;
    transaction.commit().await.unwrap();
    events[0].partition()
}

async fn write_many(database: &TestDatabase, rooms: &[RoomId], each: i64, relays: &[RelayHandle]) {
    let writers = (0..8).map(|writer| async move {
        for turn in 0..each {
            let room = rooms[usize::try_from(turn).unwrap() % rooms.len()];
            let partition = write(database, room).await;
            relays[writer % relays.len()].wake(partition);
        }
    });
    futures::future::join_all(writers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_relays_side_by_side_keep_the_order_of_each_room() {
    let (database, redis) = (database().await, redis().await);
    let shutdown = Shutdown::new();
    let relays =
        [(); 2].map(|()| relay(&database, Some(&redis.url), RelayArgs::default(), &shutdown));
    let rooms = rooms_of_one_partition(4);
    write_many(&database, &rooms, 48, &relays).await;
    eventually(SOON, async || is_empty(&database).await).await;

    let mut connection = connect(&redis.url).await;
    let partition = Partition::of(&rooms[0].to_string());
    let stream = stream(&mut connection, partition).await;
    assert_eq!(stream.len(), 8 * 48, "each event is there once");
    for room in rooms {
        assert!(numbers(&stream, room).into_iter().eq(1..=96));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_relayed_at_once() {
    let (database, redis) = (database().await, redis().await);
    let relay = relay(&database, Some(&redis.url), only_woken(), &Shutdown::new());
    let room = RoomId::new();
    let partition = append(&database, room, 1..=3).await;
    relay.wake(partition);
    let mut connection = connect(&redis.url).await;
    eventually(Duration::from_secs(5), async || {
        numbers(&stream(&mut connection, partition).await, room) == [1, 2, 3]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_is_found_without_a_wake() {
    let (database, redis) = (database().await, redis().await);
    let room = RoomId::new();
    let partition = append(&database, room, 1..=600).await;
    relay(
        &database,
        Some(&redis.url),
        RelayArgs::default(),
        &Shutdown::new(),
    );
    eventually(SOON, async || is_empty(&database).await).await;
    let mut connection = connect(&redis.url).await;
    let stream = stream(&mut connection, partition).await;
    assert!(numbers(&stream, room).into_iter().eq(1..=600));
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_relay_that_dies_between_the_stream_and_its_commit_repeats_and_loses_nothing()
{
    let (database, redis) = (database().await, redis().await);
    let room = RoomId::new();
    let partition = append(&database, room, 1..=3).await;

    // The deletion waits for this lock: the relay stands between XADD and commit.
    let mut holder = database.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM outbox FOR UPDATE")
        .execute(&mut *holder)
        .await
        .unwrap();
    relay(
        &database,
        Some(&redis.url),
        RelayArgs::default(),
        &Shutdown::new(),
    );
    let mut connection = connect(&redis.url).await;
    eventually(SOON, async || {
        stream(&mut connection, partition).await.len() == 3
    })
    .await;

    eventually(SOON, async || {
        let killed: Vec<bool> = sqlx::query_scalar(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'plaza relay' AND datname = current_database()
               AND wait_event_type = 'Lock'",
        )
        .fetch_all(&database.pool)
        .await
        .unwrap();
        killed.contains(&true)
    })
    .await;
    holder.rollback().await.unwrap();

    eventually(SOON, async || is_empty(&database).await).await;
    let repeated = numbers(&stream(&mut connection, partition).await, room);
    assert!(repeated.len() > 3, "the events were not sent again");
    assert!(repeated.ends_with(&[1, 2, 3]), "{repeated:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_the_outbox_is_the_queue_and_its_order_holds() {
    let (database, mut redis) = (database().await, own_redis().await);
    let shutdown = Shutdown::new();
    let relays = [relay(
        &database,
        Some(&redis.url),
        RelayArgs::default(),
        &shutdown,
    )];
    let rooms = rooms_of_one_partition(2);
    write_many(&database, &rooms, 10, &relays).await;
    redis.stop().await;
    write_many(&database, &rooms, 10, &relays).await;
    assert!(!is_empty(&database).await);
    redis.start().await;
    write_many(&database, &rooms, 10, &relays).await;
    eventually(SOON, async || is_empty(&database).await).await;

    let mut connection = connect(&redis.url).await;
    let partition = Partition::of(&rooms[0].to_string());
    let stream = stream(&mut connection, partition).await;
    for room in rooms {
        let mut numbers = numbers(&stream, room);
        // A step whose answer was lost is repeated as a whole.
        let mut newest = 0;
        numbers.retain(|number| {
            let is_new = *number > newest;
            newest = newest.max(*number);
            is_new
        });
        assert!(numbers.into_iter().eq(1..=120));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_stream_is_not_added_to() {
    let (database, redis) = (database().await, redis().await);
    let room = RoomId::new();
    let partition = append(&database, room, 1..=50).await;
    let args = RelayArgs {
        relay_max_stream: 20,
        relay_batch: 8,
        relay_poll_ms: 10,
        ..RelayArgs::default()
    };
    relay(&database, Some(&redis.url), args, &Shutdown::new());
    let mut connection = connect(&redis.url).await;
    let key = Source::Messages.stream_key(partition);
    let mut read = Vec::new();
    while read.len() < 50 {
        let expected = 24.min(50 - read.len());
        let entries = eventually(SOON, async || {
            let entries = stream(&mut connection, partition).await;
            (entries.len() >= expected).then_some(entries)
        })
        .await;
        assert!(entries.len() <= 24, "{} entries", entries.len());
        read.extend(numbers(&entries, room));
        let _: u64 = connection
            .xtrim(&key, redis::streams::StreamMaxlen::Equals(0))
            .await
            .unwrap();
    }
    assert!(read.into_iter().eq(1..=50));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_leaves_nothing_in_the_outbox() {
    let (database, redis) = (database().await, redis().await);
    let shutdown = Shutdown::new();
    relay(&database, Some(&redis.url), only_woken(), &shutdown);
    for _ in 0..32 {
        append(&database, RoomId::new(), 1..=20).await;
    }
    shutdown.begin();
    shutdown.drain(SOON).await.unwrap();
    assert!(is_empty(&database).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_real_time_off_the_outbox_does_not_grow() {
    let database = database().await;
    append(&database, RoomId::new(), 1..=20).await;
    relay(&database, None, RelayArgs::default(), &Shutdown::new());
    eventually(SOON, async || is_empty(&database).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_restore_brings_back_is_not_sent() {
    let database = database().await;
    append(&database, RoomId::new(), 1..=20).await;
    let mut connection = database.pool.acquire().await.unwrap();
    sqlx::query("UPDATE relay SET run_id = 'of another Redis', answered_at = now()")
        .execute(&mut *connection)
        .await
        .unwrap();
    outbox::forget(&mut connection).await.unwrap();
    assert!(is_empty(&database).await);
    let remembered: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM relay WHERE run_id IS NOT NULL OR answered_at IS NOT NULL",
    )
    .fetch_one(&mut *connection)
    .await
    .unwrap();
    assert_eq!(remembered, 0, "it would say everything again");
}
