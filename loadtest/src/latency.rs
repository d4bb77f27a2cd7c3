//! Times in histograms: three digits, in constant memory.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The longest time that is told from longer ones (µs): an hour.
const LONGEST_US: u64 = 3_600_000_000;
/// Digits that are right.
const DIGITS: u8 = 3;

/// Times, in µs.
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Histogram<u64>);

/// Why there is no histogram: the bounds above would be wrong.
pub(crate) type BoundsError = hdrhistogram::errors::CreationError;

/// What a report says of times, in ms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Quantiles {
    pub(crate) count: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) max_ms: f64,
}

impl Latencies {
    pub(crate) fn new() -> Result<Self, BoundsError> {
        Histogram::new_with_bounds(1, LONGEST_US, DIGITS).map(Self)
    }

    /// Notes a time in µs; below 0, as between two clocks, it counts as the
    /// shortest.
    pub(crate) fn record_us(&mut self, us: i64) {
        self.0
            .saturating_record(u64::try_from(us).unwrap_or(0).max(1));
    }

    pub(crate) fn record(&mut self, time: Duration) {
        self.record_us(i64::try_from(time.as_micros()).unwrap_or(i64::MAX));
    }

    /// Takes the times of another in.
    pub(crate) fn add(&mut self, other: &Self) {
        // Fails where the bounds differ alone, and all have the same.
        let _ = self.0.add(&other.0);
    }

    pub(crate) fn quantiles(&self) -> Quantiles {
        let at = |quantile| ms(self.0.value_at_quantile(quantile));
        Quantiles {
            count: self.0.len(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: ms(self.0.max()),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "three digits are right")]
fn ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_three_digits() {
        let mut latencies = Latencies::new().unwrap();
        for ms in 1..=1_000 {
            latencies.record(Duration::from_millis(ms));
        }
        let Quantiles {
            count,
            p50_ms,
            p99_ms,
            max_ms,
            ..
        } = latencies.quantiles();
        assert_eq!(count, 1_000);
        assert!((p50_ms - 500.0).abs() < 1.0, "{p50_ms}");
        assert!((p99_ms - 990.0).abs() < 1.0, "{p99_ms}");
        assert!((max_ms - 1_000.0).abs() < 1.0, "{max_ms}");
    }

    #[test]
    fn what_is_out_of_bounds_counts_as_the_nearest() {
        let mut latencies = Latencies::new().unwrap();
        latencies.record_us(-5);
        latencies.record(Duration::MAX);
        let mut all = Latencies::new().unwrap();
        all.add(&latencies);
        all.add(&latencies);
        assert_eq!(all.quantiles().count, 4);
        assert!(all.quantiles().max_ms >= 3_600_000.0);
    }
}
