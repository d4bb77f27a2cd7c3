//! The streams in Redis and the reader of them.
//!
//! A partition has one stream per service and beside them a cursor, a hash
//! with one field a stream: the last entry that was dealt with. There is no
//! consumer group: with one reader a partition nothing is pending, and nothing
//! has to be claimed from a reader that died.

mod cursor;
mod entry;
mod lag;
mod reader;

pub use entry::{Entry, EntryId, EntryIdError, Undecodable};
pub use lag::{Lag, lag};
pub use reader::{Read, Reader, StreamError};

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
