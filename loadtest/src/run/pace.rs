//! Open-loop pacing: when each message is due does not depend on any answer,
//! so that a slow server is not asked less (no coordinated omission).

use std::time::Duration;

/// When things are due, evenly.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Of them a second.
    rate: f64,
    /// How many there are.
    pub(crate) count: u64,
}

impl Pace {
    /// So many a second for a time.
    pub(crate) fn of(rate: f64, time: Duration) -> Self {
        let count = (rate * time.as_secs_f64()).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, and not below 0"
        )]
        let count = count as u64;
        Self { rate, count }
    }

    /// `count` things over a time.
    pub(crate) fn over(time: Duration, count: usize) -> Self {
        let seconds = time.as_secs_f64();
        let rate = if seconds > 0.0 {
            as_f64(count as u64) / seconds
        } else {
            f64::INFINITY
        };
        Self {
            rate,
            count: count as u64,
        }
    }

    /// When one of them is due, from the beginning.
    pub(crate) fn due(&self, number: u64) -> Duration {
        // Of the whole, not of a sum: nothing adds up.
        Duration::try_from_secs_f64(as_f64(number) / self.rate).unwrap_or_default()
    }
}

#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
const fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_due_evenly_and_nothing_adds_up() {
        let pace = Pace::of(3.0, Duration::from_secs(1_000_000));
        assert_eq!(pace.count, 3_000_000);
        assert_eq!(pace.due(0), Duration::ZERO);
        assert_eq!(pace.due(3), Duration::from_secs(1));
        assert_eq!(pace.due(2_999_997), Duration::from_secs(999_999));
    }

    #[test]
    fn a_part_of_one_is_one() {
        assert_eq!(Pace::of(0.1, Duration::from_secs(5)).count, 1);
    }

    #[test]
    fn a_ramp_spreads_all_over_its_time_or_has_none() {
        let ramp = Pace::over(Duration::from_secs(10), 1_000);
        assert_eq!(ramp.due(500), Duration::from_secs(5));
        assert_eq!(Pace::over(Duration::ZERO, 1_000).due(999), Duration::ZERO);
    }
}
