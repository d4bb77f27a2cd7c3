//! The database of rooms; all SQL is below here.
//!
//! Whoever changes a room locks its row first, and everything else after it:
//! rows of `members`, the outbox, the feed of removals. A join or a creation
//! locks the user before all of that, for the bound on rooms a user.

mod change;
mod create;
mod discover;
mod error;
mod fanout;
mod join;
mod leave;
mod members;
mod quota;
mod read;
mod removals;
mod repeat;

use plaza_events::relay::RelayHandle;
use plaza_types::Epoch;
use sqlx::PgPool;

pub(crate) use create::{Created, NewRoom};
pub(crate) use discover::Place;
pub(crate) use error::StorageError;
pub(crate) use join::Joined;
pub(crate) use leave::Left;
pub(crate) use members::MemberPlace;

/// The database, and the relay that is told of each commit.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pool: PgPool,
    epoch: Epoch,
    relay: RelayHandle,
}

impl Store {
    /// Of this installation.
    pub(crate) const fn new(pool: PgPool, epoch: Epoch, relay: RelayHandle) -> Self {
        Self { pool, epoch, relay }
    }
}
