//! The streams in Redis and the reader of them.
//!
//! A partition has one stream per service and beside them a cursor, a hash
//! with one field a stream: the last entry that was dealt with, and a lease,
//! which says who the one reader is. There is no consumer group: with one
//! reader a partition nothing is pending, nothing has to be claimed from a
//! reader that died, and the blocked read of one that is paused takes nothing.
//!
//! What belongs to a partition lies together in a Redis Cluster. The dead
//! letters and the list of publishers are a key each, wherever that is.

mod cursor;
mod dead;
mod entry;
mod lag;
mod lease;
mod reader;
mod share;

pub use dead::{
    Buried, DEAD_LETTERS, DeadLetter, MAX_DEAD_LETTERS, count_dead_letters, dead_letters, replay,
};
pub use entry::{Entry, EntryId, EntryIdError, Undecodable};
pub use lag::{Lag, lag};
pub use lease::{Lease, LeaseTimes, MOVING, is_attended};
pub use reader::{Read, Reader, StreamError};
pub use share::{Member, PUBLISHERS};

/// An id that nobody draws twice.
#[expect(
    clippy::disallowed_methods,
    reason = "it has no moment: all of it is random"
)]
pub(crate) fn random_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Names of an entry's fields.
pub(crate) mod field {
    /// The id in the outbox.
    pub(crate) const ID: &str = "id";
    /// The room or user.
    pub(crate) const KEY: &str = "key";
    /// The event, JSON.
    pub(crate) const EVENT: &str = "event";
    /// The trace that the change was made in; may be missing.
    pub(crate) const TP: &str = "tp";
    /// When the change was made, in ms since the Unix epoch.
    pub(crate) const AT: &str = "at";
}
