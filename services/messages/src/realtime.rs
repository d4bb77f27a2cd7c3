//! Whether changes are made known in real time.

use plaza_events::{Partition, relay::RelayHandle};

/// What becomes of events. A change of messages never waits for them.
#[derive(Debug, Clone)]
pub enum Realtime {
    /// They go into the outbox, and the relay is told after the commit.
    On(RelayHandle),
    /// Nothing is written: clients poll.
    Off,
}

impl Realtime {
    /// Whether events are written at all.
    pub const fn is_on(&self) -> bool {
        matches!(self, Self::On(_))
    }

    /// Tells the relay that a transaction with events of this partition is committed.
    pub(crate) fn committed(&self, partition: Partition) {
        if let Self::On(relay) = self {
            relay.wake(partition);
        }
    }
}
