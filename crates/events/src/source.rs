//! The services that have an outbox, each with a stream of its own in every
//! partition.

use std::fmt;

use crate::Partition;

/// Whose outbox an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Rooms and members.
    Rooms,
    /// Messages, read marks and the sign of life.
    Messages,
}

impl Source {
    /// All of them, in the order in which what was read together is applied:
    /// who is a member first.
    pub const ALL: [Self; 2] = [Self::Rooms, Self::Messages];

    /// The service's name: in stream names, as field of the cursor and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rooms => "rooms",
            Self::Messages => "messages",
        }
    }

    /// The stream's key in Redis, `plaza:{p7}:rooms`.
    pub fn stream_key(self, partition: Partition) -> String {
        partition.key(self.name())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
