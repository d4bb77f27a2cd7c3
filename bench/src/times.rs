//! How long requests took.

use std::time::Duration;

/// Times of one kind of request.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// Takes those of another in.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The half took this or less (ms).
    pub(crate) fn p50_ms(&self) -> f64 {
        self.at(50)
    }

    /// 99 of 100 took this or less (ms).
    pub(crate) fn p99_ms(&self) -> f64 {
        self.at(99)
    }

    /// The smallest time that so many of a hundred did not exceed; NaN of none.
    fn at(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted
            .get(place)
            .map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_times() {
        let mut times = Times::default();
        assert!(times.p50_ms().is_nan());
        for ms in (1..=100).rev() {
            times.add(Duration::from_millis(ms));
        }
        assert!((times.p50_ms() - 50.0).abs() < 1e-9);
        assert!((times.p99_ms() - 99.0).abs() < 1e-9);
        let mut more = Times::default();
        more.add(Duration::from_secs(1));
        times.extend(more);
        assert!((times.p99_ms() - 100.0).abs() < 1e-9);
    }
}
