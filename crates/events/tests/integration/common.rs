//! An outbox in a database of the test's own, and a look into the streams.

use chrono::{DateTime, Utc};
use plaza_events::{
    Body, Event, Partition, Source,
    outbox::{self, NewEvent},
    relay::{Relay, RelayArgs, RelayHandle, Repeat, Repeated},
    stream::{Lease, LeaseTimes},
};
use plaza_kit::{
    redis::{Redis, Shared},
    shutdown::Shutdown,
};
use plaza_testkit::TestDatabase;
use plaza_types::{Epoch, Number, RoomId};
use redis::{AsyncCommands, aio::MultiplexedConnection, streams::StreamRangeReply};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor, PgConnection, postgres::PgConnectOptions};

/// A database with an outbox, and a counter a room as services have it.
pub(crate) async fn database() -> TestDatabase {
    let database = plaza_testkit::empty_database().await;
    for statement in [
        outbox::DDL,
        "CREATE TABLE heads (room uuid PRIMARY KEY, seq bigint NOT NULL)",
    ] {
        database
            .pool
            .execute(AssertSqlSafe(statement))
            .await
            .unwrap();
    }
    database
}

/// Starts a relay of messages' outbox.
pub(crate) fn relay(
    database: &TestDatabase,
    redis: Option<&str>,
    args: RelayArgs,
    shutdown: &Shutdown,
) -> RelayHandle {
    let options: PgConnectOptions = database.url.parse().unwrap();
    let redis = redis.map(|url| Redis::parse(url).unwrap());
    let (relay, handle) = Relay::new(Source::Messages, options, redis, args);
    relay.spawn(Heads, shutdown);
    handle
}

/// Says again where each room of the test stands.
struct Heads;

impl Repeat for Heads {
    fn repeat<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        partition: Partition,
        _since: DateTime<Utc>,
    ) -> Repeated<'a> {
        Box::pin(async move {
            let rooms: Vec<(uuid::Uuid, i64)> = sqlx::query_as("SELECT room, seq FROM heads")
                .fetch_all(connection)
                .await?;
            let events = rooms
                .into_iter()
                .map(|(room, seq)| event(RoomId::from(room), seq));
            Ok(events
                .filter(|event| event.partition() == partition)
                .collect())
        })
    }
}

/// The `number`-th event of a room.
pub(crate) fn event(room: RoomId, number: i64) -> NewEvent {
    NewEvent::room(
        room,
        Event {
            room: Some(room),
            epoch: Epoch::new(),
            time: Utc::now(),
            body: Body::Read {
                number: Number::try_from(number).unwrap(),
            },
        },
    )
}

/// Appends the events `numbers` of a room and commits.
pub(crate) async fn append(
    database: &TestDatabase,
    room: RoomId,
    numbers: std::ops::RangeInclusive<i64>,
) -> Partition {
    let events: Vec<_> = numbers.map(|number| event(room, number)).collect();
    let mut connection = database.pool.acquire().await.unwrap();
    outbox::append(&mut connection, &events).await.unwrap();
    events[0].partition()
}

/// Rooms whose events share a partition.
pub(crate) fn rooms_of_one_partition(count: usize) -> Vec<RoomId> {
    let first = RoomId::new();
    let partition = Partition::of(&first.to_string());
    std::iter::once(first)
        .chain(
            std::iter::repeat_with(RoomId::new)
                .filter(|room| Partition::of(&room.to_string()) == partition),
        )
        .take(count)
        .collect()
}

pub(crate) async fn connect(url: &str) -> MultiplexedConnection {
    redis::Client::open(url)
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap()
}

/// An entry of a stream.
pub(crate) struct Entry {
    /// The outbox row that it was.
    pub(crate) row: i64,
    pub(crate) key: String,
    /// What its event carries.
    pub(crate) number: i64,
}

/// The entries of the partition's stream.
pub(crate) async fn entries(redis: &mut MultiplexedConnection, partition: Partition) -> Vec<Entry> {
    let entries: StreamRangeReply = redis
        .xrange_all(Source::Messages.stream_key(partition))
        .await
        .unwrap();
    let entries = entries.ids.iter().map(|entry| {
        let event: Value = serde_json::from_str(&entry.get::<String>("event").unwrap()).unwrap();
        Entry {
            row: entry.get("id").unwrap(),
            key: entry.get("key").unwrap(),
            number: event["number"].as_i64().unwrap(),
        }
    });
    entries.collect()
}

/// Room and number of each entry in the partition's stream.
pub(crate) async fn stream(
    redis: &mut MultiplexedConnection,
    partition: Partition,
) -> Vec<(String, i64)> {
    let entries = entries(redis, partition).await.into_iter();
    entries.map(|entry| (entry.key, entry.number)).collect()
}

/// The numbers of one room, in stream order.
pub(crate) fn numbers(stream: &[(String, i64)], room: RoomId) -> Vec<i64> {
    let room = room.to_string();
    stream
        .iter()
        .filter(|(key, _)| *key == room)
        .map(|(_, number)| *number)
        .collect()
}

/// Rows in the outbox.
pub(crate) async fn rows(connection: &mut PgConnection) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM outbox")
        .fetch_one(connection)
        .await
        .unwrap()
}

/// The lease of partition 0.
pub(crate) async fn lease(url: &str) -> Lease {
    Lease::take(&mut shared(url), Partition::PULSE, LeaseTimes::default())
        .await
        .unwrap()
        .unwrap()
}

/// A connection that comes back by itself.
pub(crate) fn shared(url: &str) -> Shared {
    let redis = Redis::parse(url).unwrap();
    redis.shared("plaza:{p0}:lease", std::time::Duration::from_secs(1))
}
