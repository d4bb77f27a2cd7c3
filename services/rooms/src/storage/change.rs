//! The frame of every change: the lock of the room's row, the counters, the
//! events in the outbox.

use plaza_events::{
    Partition,
    outbox::{self, NewEvent},
};
use plaza_types::RoomId;
use sqlx::PgConnection;

use super::{
    StorageError, Store,
    error::{position, read},
};
use crate::domain::{Change, Channels, Counters};

/// Events written by one statement: of a deletion there is one a member.
const EVENTS: usize = 1_000;

/// A room under the lock of its row.
pub(super) struct Locked {
    pub(super) counters: Counters,
    pub(super) name: String,
    pub(super) topic: String,
    pub(super) channels: Channels,
}

impl Store {
    /// Begins a change of a locked room.
    pub(super) const fn change(&self, room: RoomId, locked: &Locked) -> Change {
        Change::new(
            room,
            self.epoch,
            self.threshold,
            locked.counters,
            locked.channels,
        )
    }
}

/// Locks a room's row to the end of the transaction.
pub(super) async fn lock(
    connection: &mut PgConnection,
    room: RoomId,
) -> Result<Option<Locked>, StorageError> {
    let row = sqlx::query!(
        "SELECT version, state_version, member_count, name, topic, fanout, visibility, generation
         FROM rooms WHERE id = $1 FOR NO KEY UPDATE",
        room.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Locked {
            counters: Counters {
                version: position("version", row.version)?,
                state_version: position("state_version", row.state_version)?,
                member_count: row.member_count,
            },
            name: row.name,
            topic: row.topic,
            channels: Channels {
                mode: read("fanout", &row.fanout)?,
                visibility: read("visibility", &row.visibility)?,
                generation: position("generation", row.generation)?,
            },
        })
    })
    .transpose()
}

/// Writes the counters and channels of a room that is locked, and the events.
pub(super) async fn apply(
    connection: &mut PgConnection,
    change: Change,
) -> Result<Partition, StorageError> {
    let (room, counters, channels, events) = change.finish();
    sqlx::query!(
        "UPDATE rooms
         SET version = $2, state_version = $3, member_count = $4,
             fanout = $5, visibility = $6, generation = $7,
             updated_at = CASE WHEN state_version = $3 THEN updated_at ELSE clock_timestamp() END
         WHERE id = $1",
        room.uuid(),
        counters.version.get(),
        counters.state_version.get(),
        counters.member_count,
        channels.mode.as_str(),
        channels.visibility.as_str(),
        channels.generation.get(),
    )
    .execute(&mut *connection)
    .await?;
    let events: Vec<NewEvent> = events
        .into_iter()
        .map(|event| NewEvent::room(room, event))
        .collect();
    for some in events.chunks(EVENTS) {
        outbox::append(&mut *connection, some).await?;
    }
    Ok(Partition::of(&room.to_string()))
}
