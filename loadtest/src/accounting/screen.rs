//! What one subscriber's screen has shown of the run's messages, and what is
//! wrong with it.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::{
    truth::{Mark, Tally, Truth},
    window::{Arrival, Window},
};

/// What is wrong with screens. All of it must be 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Faults {
    /// Accepted and not shown.
    pub(crate) missing: u64,
    /// Shown again.
    pub(crate) doubled: u64,
    /// Shown behind what comes after it.
    pub(crate) disordered: u64,
    /// Shown and never answered as accepted, or at another place.
    pub(crate) unexpected: u64,
}

impl Faults {
    /// Whether nothing is wrong.
    pub(crate) fn none(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign for Faults {
    fn add_assign(&mut self, other: Self) {
        self.missing += other.missing;
        self.doubled += other.doubled;
        self.disordered += other.disordered;
        self.unexpected += other.unexpected;
    }
}

/// One subscriber's screen.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    /// It begins behind this place.
    start: i64,
    shown: Window,
    tally: Tally,
    doubled: u64,
    disordered: u64,
    /// Ranges that a reset left out, as the rule has it: a client loads the
    /// newest page then, and no more.
    left_out: Vec<(i64, i64)>,
}

impl Screen {
    /// One that begins where a page stands.
    pub(crate) const fn at(start: i64) -> Self {
        Self {
            start,
            shown: Window::whole(start),
            tally: Tally::NONE,
            doubled: 0,
            disordered: 0,
            left_out: Vec::new(),
        }
    }

    /// Another message of the run appears.
    pub(crate) fn show(&mut self, seq: i64, mark: Mark) {
        match self.shown.take(seq) {
            Arrival::Repeated => {
                self.doubled += 1;
                return;
            }
            Arrival::Late => self.disordered += 1,
            Arrival::Newest => {}
        }
        self.tally += mark;
    }

    /// A page from before all that is on the screen appears: it begins behind a
    /// place, and its messages come in order.
    pub(crate) fn prepend(&mut self, after: i64, page: impl IntoIterator<Item = (i64, Mark)>) {
        let (end, mut last) = (self.start, after);
        for (seq, mark) in page {
            if seq > end || seq == last {
                self.doubled += 1;
                continue;
            }
            if seq < last {
                self.disordered += 1;
            }
            last = last.max(seq);
            self.tally += mark;
        }
        self.start = self.start.min(after);
    }

    /// A reset skips what is behind one place up to another.
    pub(crate) fn leave_out(&mut self, after: i64, up_to: i64) {
        if up_to > after {
            self.left_out.push((after, up_to));
        }
    }

    /// How many messages were shown, each counted once.
    pub(crate) const fn shown(&self) -> u64 {
        self.tally.count
    }

    /// What it has shown at the end.
    pub(crate) fn end(self) -> Shown {
        Shown {
            start: self.start,
            tally: self.tally,
            doubled: self.doubled,
            disordered: self.disordered,
            left_out: self.left_out,
        }
    }
}

/// What one subscriber's screen has shown at the end: what it is judged by, in
/// this process or in another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    start: i64,
    tally: Tally,
    doubled: u64,
    disordered: u64,
    left_out: Vec<(i64, i64)>,
}

impl Shown {
    /// It begins behind this place.
    pub(crate) const fn start(&self) -> i64 {
        self.start
    }

    /// How many messages were shown, each counted once.
    pub(crate) const fn count(&self) -> u64 {
        self.tally.count
    }

    /// How many resets left something out.
    pub(crate) fn resets(&self) -> u64 {
        self.left_out.len() as u64
    }

    /// Compares with what was accepted.
    pub(crate) fn judge(&self, truth: &Truth) -> Faults {
        self.judge_up_to(truth, i64::MAX)
    }

    /// The same for a screen that was closed when it stood at a place: it owes
    /// nothing behind that.
    pub(crate) fn judge_up_to(&self, truth: &Truth, end: i64) -> Faults {
        let mut expected = truth.between(self.start, end);
        for (after, up_to) in &self.left_out {
            expected = expected - truth.between(*after, *up_to);
        }
        let mut faults = Faults {
            doubled: self.doubled,
            disordered: self.disordered,
            missing: expected.count.saturating_sub(self.tally.count),
            unexpected: self.tally.count.saturating_sub(expected.count),
        };
        if self.tally.count == expected.count && self.tally != expected {
            // As many, and others: at least one each.
            faults.missing += 1;
            faults.unexpected += 1;
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::accounting::Accepted;

    fn mark(seq: i64) -> Mark {
        Mark::new(seq, id(seq))
    }

    fn id(seq: i64) -> Uuid {
        Uuid::from_u128(seq.cast_unsigned().into())
    }

    fn truth(seqs: impl IntoIterator<Item = i64>) -> Truth {
        let mut accepted = Accepted::default();
        for seq in seqs {
            accepted.add(seq, id(seq));
        }
        accepted.settle()
    }

    fn screen(start: i64, shown: &[i64]) -> Screen {
        let mut screen = Screen::at(start);
        for seq in shown {
            screen.show(*seq, mark(*seq));
        }
        screen
    }

    #[test]
    fn a_screen_with_everything_in_order_has_no_faults() {
        let truth = truth([3, 4, 6, 7]);
        assert!(screen(2, &[3, 4, 6, 7]).end().judge(&truth).none());
        assert!(
            screen(4, &[6, 7]).end().judge(&truth).none(),
            "of a later start"
        );
        assert!(screen(9, &[]).end().judge(&truth).none());
    }

    #[test]
    fn a_loss_is_reported() {
        let truth = truth(1..=5);
        let faults = screen(0, &[1, 2, 4, 5]).end().judge(&truth);
        assert_eq!(
            faults,
            Faults {
                missing: 1,
                ..Faults::default()
            }
        );
        let faults = screen(0, &[1, 2, 3]).end().judge(&truth);
        assert_eq!(faults.missing, 2, "at the end too");
        assert_eq!(screen(0, &[]).end().judge(&truth).missing, 5);
    }

    #[test]
    fn a_repeat_is_reported() {
        let truth = truth(1..=5);
        let faults = screen(0, &[1, 2, 2, 3, 4, 5, 1]).end().judge(&truth);
        assert_eq!(
            faults,
            Faults {
                doubled: 2,
                ..Faults::default()
            }
        );
        let faults = screen(2, &[2, 3, 4, 5]).end().judge(&truth);
        assert_eq!(faults.doubled, 1, "the page had it");
    }

    #[test]
    fn a_disorder_is_reported() {
        let truth = truth(1..=5);
        let faults = screen(0, &[1, 3, 2, 4, 5]).end().judge(&truth);
        assert_eq!(
            faults,
            Faults {
                disordered: 1,
                ..Faults::default()
            }
        );
    }

    #[test]
    fn a_repeat_hides_no_loss() {
        let truth = truth(1..=5);
        let faults = screen(0, &[1, 2, 2, 4, 5]).end().judge(&truth);
        assert_eq!((faults.missing, faults.doubled), (1, 1));
    }

    #[test]
    fn what_nobody_sent_is_reported_and_hides_no_loss() {
        let truth = truth(1..=5);
        let faults = screen(0, &[1, 2, 3, 4, 5, 6]).end().judge(&truth);
        assert_eq!(
            faults,
            Faults {
                unexpected: 1,
                ..Faults::default()
            }
        );
        let faults = screen(0, &[1, 2, 3, 4, 6]).end().judge(&truth);
        assert_eq!((faults.missing, faults.unexpected), (1, 1));
        let mut other = screen(0, &[1, 2, 3, 4]);
        other.show(5, Mark::new(5, Uuid::nil()));
        let faults = other.end().judge(&truth);
        assert_eq!(
            (faults.missing, faults.unexpected),
            (1, 1),
            "another message"
        );
    }

    #[test]
    fn what_a_reset_leaves_out_is_not_missing() {
        let truth = truth(1..=9);
        let mut screen = screen(0, &[1, 2]);
        screen.leave_out(2, 6);
        for seq in [7, 8, 9] {
            screen.show(seq, mark(seq));
        }
        let shown = screen.end();
        assert!(shown.judge(&truth).none());
        assert_eq!((shown.count(), shown.resets()), (5, 1));
    }

    #[test]
    fn a_closed_screen_owes_nothing_behind_its_place() {
        let truth = truth(1..=9);
        let closed = screen(2, &[3, 4, 5]).end();
        assert!(closed.judge_up_to(&truth, 5).none());
        assert_eq!(closed.judge_up_to(&truth, 6).missing, 1);
    }

    #[test]
    fn older_pages_are_judged_with_the_rest() {
        let truth = truth(1..=9);
        let with = |page: &[i64]| {
            let mut screen = screen(6, &[7, 8, 9]);
            screen.prepend(3, page.iter().map(|seq| (*seq, mark(*seq))));
            screen.end().judge(&truth)
        };
        assert!(with(&[4, 5, 6]).none());
        assert_eq!(with(&[4, 6]).missing, 1);
        assert_eq!(with(&[4, 5, 5, 6]).doubled, 1);
        assert_eq!(with(&[4, 5, 6, 7]).doubled, 1, "what was there");
        assert_eq!(with(&[5, 4, 6]).disordered, 1);
        let mut whole = screen(2, &[3, 4, 5, 6, 7, 8, 9]);
        whole.prepend(0, [1, 2].map(|seq| (seq, mark(seq))));
        assert!(whole.end().judge(&truth).none());
    }

    proptest! {
        /// One message of many is lost, repeated or moved.
        #[test]
        fn each_single_fault_is_reported_as_what_it_is(
            count in 2..100_usize, place in 0..100_usize, kind in 0..3_u8
        ) {
            let place = place % count;
            let seqs: Vec<i64> = (1..).take(count).collect();
            let mut shown = seqs.clone();
            let expected = match kind {
                0 => {
                    shown.remove(place);
                    Faults { missing: 1, ..Faults::default() }
                }
                1 => {
                    shown.push(seqs[place]);
                    Faults { doubled: 1, ..Faults::default() }
                }
                _ => {
                    let place = place.min(count - 2);
                    shown.swap(place, place + 1);
                    Faults { disordered: 1, ..Faults::default() }
                }
            };
            prop_assert_eq!(screen(0, &shown).end().judge(&truth(seqs)), expected);
        }
    }
}
