//! Publications as they come over one connection, before the client's rule.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::window::{Arrival, Window};

/// What came over connections. Publications come again, or late, around a
/// fault: delivery is at least once, and clients drop what they have seen.
/// Without a fault they do not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireCounts {
    /// Changes that came.
    pub(crate) changes: u64,
    /// Came before on the same subscription.
    pub(crate) repeated: u64,
    /// Came after one that is behind it.
    pub(crate) late: u64,
    /// Of both, those with no fault in the 10 s before.
    pub(crate) unexplained: u64,
}

impl WireCounts {
    /// Before anything came.
    pub(crate) const NONE: Self = Self {
        changes: 0,
        repeated: 0,
        late: 0,
        unexplained: 0,
    };
}

impl AddAssign for WireCounts {
    fn add_assign(&mut self, other: Self) {
        self.changes += other.changes;
        self.repeated += other.repeated;
        self.late += other.late;
        self.unexplained += other.unexplained;
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

    /// A change came; whether there was a fault in the 10 s before is asked
    /// only where it matters.
    pub(crate) fn take(
        &mut self,
        seq: i64,
        is_explained: impl FnOnce() -> bool,
        counts: &mut WireCounts,
    ) {
        counts.changes += 1;
        match self.0.take(seq) {
            Arrival::Newest => return,
            Arrival::Late => counts.late += 1,
            Arrival::Repeated => counts.repeated += 1,
        }
        counts.unexplained += u64::from(!is_explained());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_and_late_publications_are_counted() {
        let (mut wire, mut counts) = (Wire::new(), WireCounts::default());
        for seq in [3, 4, 4, 7, 5, 3, 6, 8] {
            wire.take(seq, || seq == 3, &mut counts);
        }
        let expected = WireCounts {
            changes: 8,
            repeated: 2,
            late: 2,
            unexplained: 3,
        };
        assert_eq!(counts, expected);
    }
}
