//! Times in histograms: three digits, in constant memory.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest time that is told from longer ones (µs): an hour.
const LONGEST_US: u64 = 3_600_000_000;
/// Digits that are right.
const DIGITS: u8 = 3;
/// Of times that are told for a second only.
const RECENT_DIGITS: u8 = 2;
/// What a curve tells of: each percentile up to which that many are quicker.
const PERCENTILES: [f64; 18] = [
    0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0, 98.0, 99.0, 99.5, 99.8, 99.9,
    99.99, 99.999,
];

/// Times, in µs. In JSON: as [`Recorded`].
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Histogram<u64>);

/// All times of a histogram, as one process tells another: pairs of a time (µs)
/// and how often it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Recorded(Vec<(u64, u64)>);

/// Why a histogram that was told is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordedError {
    #[error("no histogram has such bounds")]
    Bounds(#[from] BoundsError),
    #[error("{0} µs is longer than any time of a histogram")]
    TooLong(u64),
}

/// Times of a second, in µs: two digits, and little memory. It is emptied
/// again and again.
#[derive(Debug)]
pub(crate) struct Recent {
    times: Histogram<u32>,
    longest_us: u64,
}

/// What is said of the times of a second, in ms.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::struct_field_names, reason = "the unit is part of a name")]
pub(crate) struct Spread {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
}

/// Percentiles from 0 to 100, each with its time (ms).
pub(crate) type Curve = Vec<(f64, f64)>;

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

    /// How times are spread. Percentiles that stand for less than one time are
    /// left out; the last is always the longest time.
    pub(crate) fn curve(&self) -> Curve {
        let count = as_f64(self.0.len());
        if count == 0.0 {
            return Vec::new();
        }
        let told = PERCENTILES
            .into_iter()
            .filter(|percentile| (100.0 - percentile) * count >= 100.0);
        let at = |percentile| ms(self.0.value_at_percentile(percentile));
        told.map(|percentile| (percentile, at(percentile)))
            .chain([(100.0, ms(self.0.max()))])
            .collect()
    }

    /// All of it, for another process.
    pub(crate) fn to_wire(&self) -> Recorded {
        let recorded = self.0.iter_recorded();
        let pair = |step: hdrhistogram::iterators::IterationValue<u64>| {
            (step.value_iterated_to(), step.count_at_value())
        };
        Recorded(recorded.map(pair).collect())
    }

    /// What [`Self::to_wire`] told.
    pub(crate) fn from_wire(wire: &Recorded) -> Result<Self, RecordedError> {
        let mut latencies = Self::new()?;
        for (us, count) in &wire.0 {
            let recorded = latencies.0.record_n(*us, *count);
            recorded.map_err(|_| RecordedError::TooLong(*us))?;
        }
        Ok(latencies)
    }
}

impl Serialize for Latencies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_wire().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Latencies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Recorded::deserialize(deserializer)?;
        Self::from_wire(&wire).map_err(de::Error::custom)
    }
}

impl Recent {
    pub(crate) fn new() -> Result<Self, BoundsError> {
        let times = Histogram::new_with_bounds(1, LONGEST_US, RECENT_DIGITS)?;
        Ok(Self {
            times,
            longest_us: 0,
        })
    }

    /// As [`Latencies::record_us`].
    pub(crate) fn record_us(&mut self, us: i64) {
        let us = u64::try_from(us).unwrap_or(0).clamp(1, LONGEST_US);
        self.times.saturating_record(us);
        self.longest_us = us.max(self.longest_us);
    }

    /// Takes the times of another out of it.
    pub(crate) fn take(&mut self, other: &mut Self) {
        // Fails where the bounds differ alone, and all have the same.
        let _ = self.times.add(&other.times);
        self.longest_us = other.longest_us.max(self.longest_us);
        other.clear();
    }

    pub(crate) fn clear(&mut self) {
        self.times.reset();
        self.longest_us = 0;
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.times.len()
    }

    /// None: of nothing.
    pub(crate) fn spread(&self) -> Option<Spread> {
        // No quantile is beyond the longest, which alone has all digits.
        let at = |quantile| ms(self.times.value_at_quantile(quantile).min(self.longest_us));
        (self.count() > 0).then(|| Spread {
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            max_ms: ms(self.longest_us),
        })
    }
}

fn ms(us: u64) -> f64 {
    as_f64(us) / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "three digits are right")]
const fn as_f64(number: u64) -> f64 {
    number as f64
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

    #[test]
    fn all_of_it_can_be_told_to_another_process() {
        let mut latencies = Latencies::new().unwrap();
        latencies.record(Duration::MAX);
        for us in [-1, 1, 2, 2, 999, 1_000_000, 1_000_001, 59_999_999] {
            latencies.record_us(us);
        }
        let text = serde_json::to_string(&latencies).unwrap();
        let told: Latencies = serde_json::from_str(&text).unwrap();
        assert_eq!(told.quantiles(), latencies.quantiles());
        assert_eq!(told.curve(), latencies.curve());
        assert_eq!(told.to_wire(), latencies.to_wire());
        let nothing = Latencies::new().unwrap();
        assert_eq!(serde_json::to_string(&nothing).unwrap(), "[]");
        let too_long = format!("[[{}, 1]]", u64::MAX);
        let error = serde_json::from_str::<Latencies>(&too_long).unwrap_err();
        assert!(error.to_string().contains("longer"), "{error}");
    }

    #[test]
    fn a_curve_rises_to_the_longest_and_tells_of_no_part_of_a_time() {
        let mut latencies = Latencies::new().unwrap();
        assert_eq!(latencies.curve(), []);
        for ms in 1..=200 {
            latencies.record(Duration::from_millis(ms));
        }
        let curve = latencies.curve();
        assert!(curve.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1));
        let [.., (before, _), (last, longest)] = curve[..] else {
            panic!("{curve:?}")
        };
        assert_eq!((before, last), (99.5, 100.0));
        assert!((longest - 200.0).abs() < 0.2, "{longest}");
    }

    #[test]
    fn the_times_of_a_second_are_taken_once() {
        let (mut all, mut shard) = (Recent::new().unwrap(), Recent::new().unwrap());
        assert_eq!(all.spread(), None);
        for us in [-7, 10_000, 12_345] {
            shard.record_us(us);
        }
        all.take(&mut shard);
        all.take(&mut shard);
        assert_eq!(all.count(), 3);
        let spread = all.spread().unwrap();
        assert!((spread.p50_ms - 10.0).abs() < 0.1, "{spread:?}");
        assert_eq!((spread.p99_ms, spread.max_ms), (12.345, 12.345));
        assert_eq!((shard.count(), shard.spread()), (0, None));
    }
}
