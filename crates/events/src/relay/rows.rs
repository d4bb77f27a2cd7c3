//! The relay's statements on the outbox.

use std::time::Duration;

use sqlx::{
    PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

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
    PgPoolOptions::new()
        .max_connections(args.relay_connections)
        .acquire_timeout(Duration::from_secs(3))
        .idle_timeout(Duration::from_mins(1))
        .connect_lazy_with(options)
}

/// A row of the outbox.
#[derive(Debug, sqlx::FromRow)]
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

/// The first rows at or above `from`, in id order. A statement after the one
/// that took the lock: its snapshot has what the last owner did.
pub(super) async fn read(
    connection: &mut PgConnection,
    partition: Partition,
    from: i64,
    limit: u32,
) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT id, key, event::text AS event, traceparent,
                (extract(epoch FROM created_at) * 1000)::bigint AS at_ms
         FROM outbox WHERE partition = $1 AND id >= $2 ORDER BY id LIMIT $3",
    )
    .bind(partition.number())
    .bind(from)
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await
}

/// Deletes what Redis has.
pub(super) async fn delete(
    connection: &mut PgConnection,
    partition: Partition,
    ids: &[i64],
) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM outbox WHERE partition = $1 AND id = ANY($2)")
        .bind(partition.number())
        .bind(ids)
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
