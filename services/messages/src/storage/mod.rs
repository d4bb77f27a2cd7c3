//! The only place with SQL: what is kept in PostgreSQL, and the locks that
//! keep a room's changes in one order.
//!
//! Every change of a room's messages first locks the room's row in
//! `room_heads`, then looks at what it changes in a new statement, whose
//! snapshot is younger than the lock. Outbox ids are drawn under that lock, so
//! that inside a room they follow `seq`.

mod changes;
mod heads;
mod history;
mod marks;
mod messages;
mod pulse;
mod repeat;
mod revise;
mod row;
pub(crate) mod seed;
mod send;

use std::sync::Arc;

use plaza_events::Partition;
use plaza_kit::groups::{GroupError, Groups};
use plaza_types::{Epoch, PositionError};
use sqlx::PgPool;

pub(crate) use pulse::Tick;
pub(crate) use revise::ReviseError;
pub(crate) use send::Sent;

use crate::{domain::Draft, realtime::Realtime};

/// Why the database gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    /// It refused or cannot be reached.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A stored position is none.
    #[error("the database holds a position out of range")]
    Position(#[from] PositionError),
    /// What the schema promises is not there.
    #[error("the database lacks {0}")]
    Missing(&'static str),
    /// What failed for many at once.
    #[error(transparent)]
    Shared(Arc<StorageError>),
    /// What would have been done for many at once was not.
    #[error("the work of a group was not done")]
    Group(#[from] GroupError),
}

/// Why nothing was done, for many at once.
type SharedError = Arc<StorageError>;

/// The database of messages.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    epoch: Epoch,
    realtime: Realtime,
    /// Sends that wait for those before them; a line a partition, so that one
    /// room's lock holds up few others.
    sends: Groups<Partition, Draft, Result<Sent, SharedError>>,
}

impl Store {
    /// Over this pool. `epoch` goes into events; `realtime` says whether there
    /// are any; at most `most_sends` wait in a partition.
    pub fn new(pool: PgPool, epoch: Epoch, realtime: Realtime, most_sends: usize) -> Self {
        Self {
            pool,
            epoch,
            realtime,
            sends: Groups::new(send::GROUP, most_sends),
        }
    }
}
