//! What was accepted: what every screen has to show.

use std::ops::{AddAssign, Sub};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A fingerprint of a message at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Mark(u64);

impl Mark {
    /// Of this message at this place.
    pub(crate) fn new(seq: i64, id: Uuid) -> Self {
        let (high, low) = id.as_u64_pair();
        Self(mix(mix(mix(seq.cast_unsigned()) ^ high) ^ low))
    }
}

/// The finalizer of MurmurHash3: every bit of the input moves half of the
/// output's.
const fn mix(mut x: u64) -> u64 {
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^= x >> 33;
    x = x.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

/// How many messages, and which: two sets with the same tally are the same
/// set, but for a chance of one in 2^64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    sum: u64,
}

impl Tally {
    /// Of nothing.
    pub(crate) const NONE: Self = Self { count: 0, sum: 0 };
}

impl AddAssign<Mark> for Tally {
    fn add_assign(&mut self, mark: Mark) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(mark.0);
    }
}

impl Sub for Tally {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_sub(other.count),
            sum: self.sum.wrapping_sub(other.sum),
        }
    }
}

/// Sends that were answered as accepted, as the answers came.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Accepted(Vec<(i64, Mark)>);

impl Accepted {
    /// A send was answered.
    pub(crate) fn add(&mut self, seq: i64, id: Uuid) {
        self.0.push((seq, Mark::new(seq, id)));
    }

    /// Takes what another process was answered.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The furthest place; none before the first.
    pub(crate) fn last_seq(&self) -> Option<i64> {
        self.0.iter().map(|(seq, _)| *seq).max()
    }

    /// All that was accepted, in order.
    pub(crate) fn settle(mut self) -> Truth {
        self.0.sort_unstable();
        let same_place = self.0.windows(2).filter(|two| two[0].0 == two[1].0).count();
        let mut tally = Tally::NONE;
        let up_to = self.0.into_iter().map(|(seq, mark)| {
            tally += mark;
            (seq, tally)
        });
        Truth {
            up_to: up_to.collect(),
            same_place: same_place as u64,
        }
    }
}

/// All that was accepted.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// Each place, with the tally of everything up to it.
    up_to: Vec<(i64, Tally)>,
    /// Answers that gave a place that another answer gave too.
    pub(crate) same_place: u64,
}

impl Truth {
    /// Another send was answered as accepted. Answers come about in order.
    pub(crate) fn add(&mut self, seq: i64, mark: Mark) {
        let place = self.up_to.partition_point(|(known, _)| *known <= seq);
        let before = place.checked_sub(1).map(|last| self.up_to[last]);
        if before.is_some_and(|(known, _)| known == seq) {
            self.same_place += 1;
        }
        let before = before.map_or(Tally::NONE, |(_, tally)| tally);
        self.up_to.insert(place, (seq, before));
        for (_, tally) in &mut self.up_to[place..] {
            *tally += mark;
        }
    }

    /// The furthest place; none before the first.
    pub(crate) fn last_seq(&self) -> Option<i64> {
        self.up_to.last().map(|(seq, _)| *seq)
    }

    /// What is behind one place and not behind another.
    pub(crate) fn between(&self, after: i64, up_to: i64) -> Tally {
        let before = |place: i64| {
            let end = self.up_to.partition_point(|(seq, _)| *seq <= place);
            end.checked_sub(1)
                .map_or(Tally::NONE, |last| self.up_to[last].1)
        };
        before(up_to.max(after)) - before(after)
    }

    /// How many messages there are.
    pub(crate) fn count(&self) -> u64 {
        self.up_to.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn a_range_has_what_was_accepted_in_it_however_the_answers_came() {
        let mut accepted = Accepted::default();
        for seq in [9, 3, 5, 4] {
            accepted.add(seq, id(1));
        }
        assert_eq!(accepted.last_seq(), Some(9));
        let truth = accepted.settle();
        assert_eq!((truth.count(), truth.between(0, 100).count), (4, 4));
        assert_eq!(truth.between(3, 5).count, 2);
        assert_eq!(truth.between(5, 3).count, 0);
        let mut expected = Tally::NONE;
        expected += Mark::new(4, id(1));
        expected += Mark::new(5, id(1));
        assert_eq!(truth.between(3, 8), expected);
    }

    #[test]
    fn another_message_or_another_place_is_another_mark() {
        let mark = Mark::new(3, id(1));
        assert_ne!(mark, Mark::new(4, id(1)));
        assert_ne!(mark, Mark::new(3, id(2)));
        assert_ne!(mark, Mark::new(3, id(1 << 64)));
    }

    #[test]
    fn what_is_added_one_by_one_is_what_settles_at_once() {
        let (mut accepted, mut truth) = (Accepted::default(), Truth::default());
        assert_eq!(truth.last_seq(), None);
        for seq in [9, 3, 5, 4, 5, 12] {
            accepted.add(seq, id(1));
            truth.add(seq, Mark::new(seq, id(1)));
        }
        let settled = accepted.settle();
        assert_eq!((truth.last_seq(), truth.count()), (Some(12), 6));
        assert_eq!((truth.same_place, settled.same_place), (1, 1));
        for (after, up_to) in [(0, 100), (3, 5), (5, 9), (4, 4)] {
            let expected = settled.between(after, up_to);
            assert_eq!(truth.between(after, up_to), expected, "{after} {up_to}");
        }
    }

    #[test]
    fn two_answers_with_one_place_are_told() {
        let mut accepted = Accepted::default();
        accepted.add(3, id(1));
        accepted.add(3, id(2));
        assert_eq!(accepted.settle().same_place, 1);
    }
}
