//! Publications as they come over one connection, before the client's rule.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::window::{Arrival, Window};

/// What came over connections. None of it is a fault by itself: delivery is
/// at least once, and clients drop what they have seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireCounts {
    /// Changes that came.
    pub(crate) changes: u64,
    /// Came before on the same subscription.
    pub(crate) repeated: u64,
    /// Came after one that is behind it.
    pub(crate) late: u64,
}

impl AddAssign for WireCounts {
    fn add_assign(&mut self, other: Self) {
        self.changes += other.changes;
        self.repeated += other.repeated;
        self.late += other.late;
    }
}

/// What one subscriber's connections brought, in the order in which it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wire(Window);

impl Wire {
    /// Before the first publication.
    pub(crate) const fn new() -> Self {
        Self(Window::EMPTY)
    }

    /// A change came.
    pub(crate) fn take(&mut self, seq: i64, counts: &mut WireCounts) {
        counts.changes += 1;
        match self.0.take(seq) {
            Arrival::Newest => {}
            Arrival::Late => counts.late += 1,
            Arrival::Repeated => counts.repeated += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_and_late_publications_are_counted() {
        let (mut wire, mut counts) = (Wire::new(), WireCounts::default());
        for seq in [3, 4, 4, 7, 5, 3, 6, 8] {
            wire.take(seq, &mut counts);
        }
        let expected = WireCounts {
            changes: 8,
            repeated: 2,
            late: 2,
        };
        assert_eq!(counts, expected);
    }
}
