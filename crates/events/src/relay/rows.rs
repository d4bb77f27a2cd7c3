//! The relay's statements on the outbox.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, postgres::PgConnectOptions};

use super::RelayArgs;
use crate::Partition;

/// First key of the advisory locks that make one relay the owner of a
/// partition; the second is the partition. Locks are per database, so each
/// service's outbox has its own.
const LOCK_CLASS: i32 = 0x706c_7a61;

/// The relay's own connections. A dead relay's transaction, and with it its
/// lock, ends within seconds; a commit that is lost only repeats events.
pub(super) fn pool(options: PgConnectOptions, args: &RelayArgs) -> PgPool {
    let options = options.application_name("plaza relay").options([
        ("synchronous_commit", "off"),
        ("statement_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "5s"),
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "1"),
        ("tcp_keepalives_count", "3"),
        ("tcp_user_timeout", "3s"),
        ("client_connection_check_interval", "1s"),
    ]);
    plaza_kit::db::pool_options()
        .max_connections(args.relay_connections)
        .acquire_timeout(Duration::from_secs(3))
        .idle_timeout(Duration::from_mins(1))
        .connect_lazy_with(options)
}

/// A row of the outbox.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) key: String,
    /// JSON text.
    pub(super) event: String,
    pub(super) traceparent: Option<String>,
    /// When the change was made, in ms since the Unix epoch.
    pub(super) at_ms: i64,
}

/// Makes this transaction the partition's only relay, unless another one is.
pub(super) async fn try_lock(
    connection: &mut PgConnection,
    partition: Partition,
) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1, $2)")
        .bind(LOCK_CLASS)
        .bind(i32::from(partition.number()))
        .fetch_one(connection)
        .await
}

/// What the last relay of the partition left, and the rows that wait.
#[derive(Debug)]
pub(super) struct Found {
    /// The Redis that was written to last; none where none was yet.
    pub(super) run_id: Option<String>,
    /// When it last answered.
    pub(super) answered_at: Option<DateTime<Utc>>,
    /// The first rows, in id order.
    pub(super) rows: Vec<Row>,
}

/// The first rows at or above `from`, in id order. A statement after the one
/// that took the lock: its snapshot has what the last owner did.
pub(super) async fn read(
    connection: &mut PgConnection,
    partition: Partition,
    from: i64,
    limit: u32,
) -> sqlx::Result<Found> {
    #[derive(sqlx::FromRow)]
    struct Joined {
        run_id: Option<String>,
        answered_at: Option<DateTime<Utc>>,
        id: Option<i64>,
        key: Option<String>,
        event: Option<String>,
        traceparent: Option<String>,
        at_ms: Option<i64>,
    }
    let joined: Vec<Joined> = sqlx::query_as(
        "SELECT relay.run_id, relay.answered_at, waiting.*
         FROM relay LEFT JOIN LATERAL (
             SELECT id, key, event::text AS event, traceparent,
                    (extract(epoch FROM created_at) * 1000)::bigint AS at_ms
             FROM outbox WHERE outbox.partition = relay.partition AND id >= $2
             ORDER BY id LIMIT $3
         ) AS waiting ON true
         WHERE relay.partition = $1
         ORDER BY id",
    )
    .bind(partition.number())
    .bind(from)
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    let first = joined.first();
    Ok(Found {
        run_id: first.and_then(|first| first.run_id.clone()),
        answered_at: first.and_then(|first| first.answered_at),
        rows: joined
            .into_iter()
            .filter_map(|row| {
                Some(Row {
                    id: row.id?,
                    key: row.key?,
                    event: row.event?,
                    traceparent: row.traceparent,
                    at_ms: row.at_ms?,
                })
            })
            .collect(),
    })
}

/// Deletes what this Redis has, and writes down, once a second at most, that
/// it answered.
pub(super) async fn delete(
    connection: &mut PgConnection,
    partition: Partition,
    ids: &[i64],
    run_id: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "WITH answered AS (
             UPDATE relay SET run_id = $3, answered_at = clock_timestamp()
             WHERE partition = $1
               AND (run_id IS DISTINCT FROM $3
                    OR answered_at < clock_timestamp() - interval '1 second')
         )
         DELETE FROM outbox WHERE partition = $1 AND id = ANY($2)",
    )
    .bind(partition.number())
    .bind(ids)
    .bind(run_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// The partitions with rows at or above their `floors`, one a partition.
pub(super) async fn pending(pool: &PgPool, floors: &[i64]) -> sqlx::Result<Vec<i16>> {
    sqlx::query_scalar(
        "SELECT (place - 1)::smallint FROM UNNEST($1::bigint[]) WITH ORDINALITY AS floors (floor, place)
         WHERE EXISTS (SELECT 1 FROM outbox WHERE partition = place - 1 AND id >= floor)",
    )
    .bind(floors)
    .fetch_all(pool)
    .await
}

/// Rows in the outbox, counted up to this many: a count of a long queue would
/// be slow, and its age says more.
const MAX_DEPTH: i64 = 100_000;

/// How full the outbox is.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Backlog {
    /// Rows, at most 100,000.
    pub(super) depth: i64,
    /// Age of the oldest row in seconds; 0 when there is none.
    pub(super) oldest_s: f64,
}

/// How full the outbox is.
pub(super) async fn backlog(pool: &PgPool) -> sqlx::Result<Backlog> {
    sqlx::query_as(
        "SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT $1) AS rows) AS depth,
                coalesce(extract(epoch FROM clock_timestamp() - min(first.created_at)), 0)::float8 AS oldest_s
         FROM generate_series(0, 15) AS partitions (number)
         CROSS JOIN LATERAL (SELECT created_at FROM outbox
                             WHERE partition = number ORDER BY id LIMIT 1) AS first",
    )
    .bind(MAX_DEPTH)
    .fetch_one(pool)
    .await
}

/// Deletes some rows of any partition; answers how many.
pub(super) async fn discard(pool: &PgPool, limit: u32) -> sqlx::Result<u64> {
    let deleted = sqlx::query(
        "DELETE FROM outbox WHERE (partition, id) IN (SELECT partition, id FROM outbox LIMIT $1)",
    )
    .bind(i64::from(limit))
    .execute(pool)
    .await?;
    Ok(deleted.rows_affected())
}
