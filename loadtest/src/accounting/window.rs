//! Which numbers came lately.

use std::cmp::Ordering;

/// How far back it remembers, in numbers.
pub(super) const REACH: u32 = u128::BITS;

/// A number that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Above all that came before.
    Newest,
    /// Below the newest, and had not come before.
    Late,
    /// It had come before, or is so old that nothing is known of it.
    Repeated,
}

/// The numbers that came, of the last [`REACH`] below the newest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    newest: i64,
    /// Bit n: `newest - n` came.
    came: u128,
}

impl Window {
    /// Nothing came yet.
    pub(super) const EMPTY: Self = Self {
        newest: i64::MIN,
        came: 0,
    };

    /// Everything up to a number came.
    pub(super) const fn whole(up_to: i64) -> Self {
        Self {
            newest: up_to,
            came: u128::MAX,
        }
    }

    /// Notes a number.
    pub(super) fn take(&mut self, number: i64) -> Arrival {
        match number.cmp(&self.newest) {
            Ordering::Equal => Arrival::Repeated,
            Ordering::Greater => {
                let further = number.abs_diff(self.newest);
                let shift = u32::try_from(further).unwrap_or(REACH);
                self.came = self.came.checked_shl(shift).unwrap_or(0) | 1;
                self.newest = number;
                Arrival::Newest
            }
            Ordering::Less => {
                let back = self.newest.abs_diff(number);
                let bit = u32::try_from(back)
                    .ok()
                    .and_then(|back| 1u128.checked_shl(back));
                match bit {
                    Some(bit) if self.came & bit == 0 => {
                        self.came |= bit;
                        Arrival::Late
                    }
                    _ => Arrival::Repeated,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_new_once() {
        let mut window = Window::EMPTY;
        for number in [5, 6, 9] {
            assert_eq!(window.take(number), Arrival::Newest);
        }
        assert_eq!(window.take(7), Arrival::Late);
        for number in [5, 6, 7, 9] {
            assert_eq!(window.take(number), Arrival::Repeated, "{number}");
        }
        assert_eq!(window.take(8), Arrival::Late);
    }

    #[test]
    fn what_is_below_its_reach_counts_as_known() {
        let mut window = Window::EMPTY;
        window.take(0);
        window.take(i64::from(REACH) + 10);
        assert_eq!(window.take(11), Arrival::Late);
        assert_eq!(window.take(10), Arrival::Repeated);
        window.take(i64::MAX);
        assert_eq!(window.take(i64::MIN), Arrival::Repeated);
    }

    #[test]
    fn a_whole_window_knows_everything_up_to_its_newest() {
        let mut window = Window::whole(100);
        assert_eq!(window.take(100), Arrival::Repeated);
        assert_eq!(window.take(40), Arrival::Repeated);
        assert_eq!(window.take(102), Arrival::Newest);
        assert_eq!(window.take(101), Arrival::Late);
    }
}
