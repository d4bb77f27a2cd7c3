//! The reader of the streams.

use std::time::Duration;

use plaza_events::{
    Partition, Source,
    stream::{Entry, EntryId, Lag, Reader, lag},
};
use plaza_kit::{redis::Redis, shutdown::Shutdown};
use plaza_testkit::{eventually, own_redis, redis};
use plaza_types::RoomId;
use redis::{AsyncCommands, aio::MultiplexedConnection};

use crate::common::{append, connect, database, lease, relay, shared};

const SOON: Duration = Duration::from_secs(20);
const BLOCK: Duration = Duration::from_secs(2);

fn reader(url: &str, count: usize) -> Reader {
    let redis = Redis::parse(url).unwrap();
    Reader::new(redis, Partition::PULSE, BLOCK, count)
}

/// Adds an entry to a stream of partition 0.
async fn add(connection: &mut MultiplexedConnection, source: Source, key: &str) {
    let fields = [("id", "1"), ("key", key), ("event", "{}"), ("at", "1")];
    let _: String = connection
        .xadd(source.stream_key(Partition::PULSE), "*", &fields)
        .await
        .unwrap();
}

async fn length(connection: &mut MultiplexedConnection, source: Source) -> usize {
    connection
        .xlen(source.stream_key(Partition::PULSE))
        .await
        .unwrap()
}

/// The keys of what one read brings.
async fn keys(reader: &mut Reader) -> (bool, Vec<String>, Vec<(Source, EntryId)>) {
    let read = reader.read(Duration::from_millis(1)).await.unwrap();
    let keys = read.entries.into_iter().map(|entry| entry.key).collect();
    (read.begins, keys, read.ends)
}

#[tokio::test]
async fn what_rooms_says_comes_first_and_the_cursor_trims_what_is_done() {
    let redis = redis().await;
    let mut connection = connect(&redis.url).await;
    for key in ["m1", "m2", "m3"] {
        add(&mut connection, Source::Messages, key).await;
    }
    add(&mut connection, Source::Rooms, "r1").await;

    let lease = lease(&redis.url).await;
    let mut first = reader(&redis.url, 2);
    let (begins, read, ends) = keys(&mut first).await;
    assert!(begins);
    assert_eq!(read, ["r1", "m1", "m2"]);
    first.advance(&lease, &ends).await.unwrap();
    assert_eq!(length(&mut connection, Source::Rooms).await, 0);
    assert_eq!(length(&mut connection, Source::Messages).await, 1);

    let (begins, read, _) = keys(&mut first).await;
    assert!(!begins);
    assert_eq!(read, ["m3"]);
    assert_eq!(keys(&mut first).await.1, [""; 0], "nothing is read twice");
    first.rewind();
    assert_eq!(keys(&mut first).await.1, ["m3"]);

    // Not acknowledged: another reader gets it again.
    let (begins, read, _) = keys(&mut reader(&redis.url, 2)).await;
    assert!(begins);
    assert_eq!(read, ["m3"]);
}

#[tokio::test]
async fn no_message_is_read_before_all_that_rooms_says() {
    let redis = redis().await;
    let mut connection = connect(&redis.url).await;
    add(&mut connection, Source::Messages, "m1").await;
    for key in ["r1", "r2", "r3"] {
        add(&mut connection, Source::Rooms, key).await;
    }
    let mut reader = reader(&redis.url, 2);
    let read = reader.read(Duration::from_millis(1)).await.unwrap();
    assert!(read.more);
    assert_eq!(read.ends.len(), 1);
    let keys = |entries: Vec<Entry>| entries.into_iter().map(|entry| entry.key);
    assert!(keys(read.entries).eq(["r1", "r2"]));
    let read = reader.read(Duration::from_millis(1)).await.unwrap();
    assert!(!read.more);
    assert!(keys(read.entries).eq(["r3", "m1"]));
}

#[tokio::test]
async fn an_entry_that_is_no_event_is_passed_over() {
    let redis = redis().await;
    let mut connection = connect(&redis.url).await;
    let stream = Source::Messages.stream_key(Partition::PULSE);
    add(&mut connection, Source::Messages, "m1").await;
    let _: String = connection
        .xadd(&stream, "*", &[("event", "{\"cut")])
        .await
        .unwrap();

    let lease = lease(&redis.url).await;
    let mut reader = reader(&redis.url, 10);
    let read = reader.read(Duration::from_millis(1)).await.unwrap();
    let ends = read.ends;
    assert_eq!(read.entries[0].key, "m1");
    assert_eq!(read.dead[0].reason, "the field key is missing or malformed");
    assert_eq!(read.dead[0].field("event"), Some("{\"cut"));
    reader.advance(&lease, &ends).await.unwrap();
    assert_eq!(length(&mut connection, Source::Messages).await, 0);
}

#[tokio::test]
async fn a_blocked_read_returns_with_the_first_event() {
    let redis = redis().await;
    let mut connection = connect(&redis.url).await;
    let mut reader = reader(&redis.url, 10);
    keys(&mut reader).await;
    let (read, ()) = tokio::join!(reader.read(BLOCK), async {
        add(&mut connection, Source::Messages, "m1").await;
    });
    assert_eq!(read.unwrap().entries.len(), 1);
}

#[tokio::test]
async fn after_a_restart_of_redis_reading_goes_on_at_the_cursor() {
    let mut redis = own_redis().await;
    let mut connection = connect(&redis.url).await;
    let lease = lease(&redis.url).await;
    let mut reader = reader(&redis.url, 1);
    for key in ["m1", "m2", "m3"] {
        add(&mut connection, Source::Messages, key).await;
    }
    let (_, read, ends) = keys(&mut reader).await;
    assert_eq!(read, ["m1"]);
    reader.advance(&lease, &ends).await.unwrap();
    assert_eq!(keys(&mut reader).await.1, ["m2"]);

    redis.stop().await;
    assert!(reader.read(Duration::from_millis(1)).await.is_err());
    redis.start().await;
    let read = eventually(SOON, async || reader.read(Duration::from_millis(1)).await).await;
    assert!(read.begins);
    assert_eq!(read.entries[0].key, "m2", "m2 was not acknowledged");
}

#[tokio::test]
async fn the_lag_is_what_waits() {
    let redis = redis().await;
    let mut connection = connect(&redis.url).await;
    let mut shared = shared(&redis.url);
    let [first, other] = [0, 1].map(|number| Partition::try_from(number).unwrap());
    assert_eq!(lag(&mut shared, first).await.unwrap(), Lag::default());
    add(&mut connection, Source::Messages, "m1").await;
    add(&mut connection, Source::Rooms, "r1").await;
    let waiting = eventually(SOON, async || {
        let lag = lag(&mut shared, first).await.unwrap();
        (lag.oldest > Duration::from_millis(20)).then_some(lag)
    })
    .await;
    assert_eq!(waiting.entries, 2);
    assert_eq!(lag(&mut shared, other).await.unwrap(), Lag::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_relay_writes_is_what_the_reader_reads() {
    let (database, redis) = (database().await, redis().await);
    let before = chrono::Utc::now().timestamp_millis();
    let room = RoomId::new();
    let partition = append(&database, room, 1..=2).await;
    sqlx::query("UPDATE outbox SET traceparent = 'trace of ' || (event ->> 'number')")
        .execute(&database.pool)
        .await
        .unwrap();
    relay(
        &database,
        Some(&redis.url),
        plaza_events::relay::RelayArgs::default(),
        &Shutdown::new(),
    );
    let redis = Redis::parse(&redis.url).unwrap();
    let mut reader = Reader::new(redis, partition, BLOCK, 10);
    let mut entries = Vec::new();
    while entries.len() < 2 {
        entries.extend(reader.read(BLOCK).await.unwrap().entries);
    }
    for (entry, number) in entries.iter().zip(1..) {
        let event: serde_json::Value = serde_json::from_str(entry.event.get()).unwrap();
        assert_eq!(entry.key, room.to_string());
        assert_eq!(event["type"], "read");
        assert_eq!(event["number"], number);
        assert_eq!(entry.traceparent, Some(format!("trace of {number}")));
        assert!((entry.at_ms - before).abs() < 60_000, "{}", entry.at_ms);
    }
}
