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

use plaza_types::{Epoch, PositionError};
use sqlx::{PgPool, postgres::PgConnectOptions};

pub(crate) use pulse::Tick;
pub(crate) use revise::ReviseError;
pub(crate) use send::Sent;

use crate::realtime::Realtime;

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
}

/// How the connections of messages plan. A connection keeps its plans, which
/// may be from when a table was nearly empty; every query here has an index, so
/// none may read a table that has grown since from end to end.
pub(crate) fn planning(options: PgConnectOptions) -> PgConnectOptions {
    options.options([("enable_seqscan", "off")])
}

/// The database of messages.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    epoch: Epoch,
    realtime: Realtime,
}

impl Store {
    /// Over this pool. `epoch` goes into events; `realtime` says whether there
    /// are any.
    pub const fn new(pool: PgPool, epoch: Epoch, realtime: Realtime) -> Self {
        Self {
            pool,
            epoch,
            realtime,
        }
    }
}
