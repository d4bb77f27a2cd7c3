//! The outbox: a table in each service's database that takes the events of a
//! change in the transaction that makes it.

use plaza_kit::trace;
use plaza_types::{RoomId, UserId};
use sqlx::{PgConnection, types::Json};

use crate::{Event, Partition};

/// The tables, which the first migration of every service with an outbox
/// repeats. A row of `outbox` is a whole event; the relay deletes it once Redis
/// has it. A row of `relay` says which Redis a partition was last written to,
/// and when that one last answered.
///
/// `id` is drawn after the room's lock is held, so that inside a room it
/// follows the order of the changes. Rows live for milliseconds, so the table
/// is vacuumed by their number, not by a share of its size.
pub const DDL: &str = "\
CREATE TABLE outbox (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    partition   smallint NOT NULL CHECK (partition BETWEEN 0 AND 15),
    key         text NOT NULL,
    event       jsonb NOT NULL,
    traceparent text,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (partition, id)
) WITH (
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = -1,
    autovacuum_analyze_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);

CREATE TABLE relay (
    partition   smallint PRIMARY KEY CHECK (partition BETWEEN 0 AND 15),
    run_id      text,
    answered_at timestamptz
) WITH (fillfactor = 50);

INSERT INTO relay (partition) SELECT generate_series(0, 15);
";

/// An event on its way into the outbox, with the trace that it was made in.
#[derive(Debug, Clone)]
pub struct NewEvent {
    partition: Partition,
    key: String,
    event: Event,
    traceparent: Option<String>,
}

impl NewEvent {
    /// An event of a room; it keeps its order among the events of this room.
    pub fn room(room: RoomId, event: Event) -> Self {
        Self::keyed(room.to_string(), event)
    }

    /// An event for one person alone.
    pub fn user(user: UserId, event: Event) -> Self {
        Self::keyed(user.to_string(), event)
    }

    /// The sign of life.
    pub fn pulse(event: Event) -> Self {
        Self {
            partition: Partition::PULSE,
            ..Self::keyed("pulse".to_owned(), event)
        }
    }

    fn keyed(key: String, event: Event) -> Self {
        Self {
            partition: Partition::of(&key),
            key,
            event,
            traceparent: trace::current(),
        }
    }

    /// What to wake the relay for once the transaction is committed.
    pub const fn partition(&self) -> Partition {
        self.partition
    }
}

/// Writes the events, in their order, in one statement of the transaction
/// that `connection` is in.
pub async fn append(connection: &mut PgConnection, events: &[NewEvent]) -> sqlx::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let partitions: Vec<i16> = events.iter().map(|new| new.partition.number()).collect();
    let keys: Vec<&str> = events.iter().map(|new| new.key.as_str()).collect();
    let bodies: Vec<Json<&Event>> = events.iter().map(|new| Json(&new.event)).collect();
    let traceparents: Vec<Option<&str>> = events
        .iter()
        .map(|new| new.traceparent.as_deref())
        .collect();
    sqlx::query(
        "INSERT INTO outbox (partition, key, event, traceparent)
         SELECT partition, key, event, traceparent
         FROM UNNEST($1::smallint[], $2::text[], $3::jsonb[], $4::text[])
              WITH ORDINALITY AS new (partition, key, event, traceparent, place)
         ORDER BY place",
    )
    .bind(partitions)
    .bind(keys)
    .bind(bodies)
    .bind(traceparents)
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets what was not relayed yet, and how far the relay was: after a restore
/// both are of an epoch that is over, and every client loads everything anyhow.
pub async fn forget(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "WITH events AS (DELETE FROM outbox)
         UPDATE relay SET run_id = NULL, answered_at = NULL",
    )
    .execute(connection)
    .await?;
    Ok(())
}
