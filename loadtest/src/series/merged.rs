//! The series of several processes as one.

use super::{ProcessSeries, Second, Series, mean};
use crate::latency::Spread;

impl Second {
    /// The same second of two processes.
    pub(super) fn beside(self, other: Self) -> Self {
        let latency = match (self.latency, other.latency) {
            (Some(one), Some(two)) => Some(Spread {
                p50_ms: mean((one.p50_ms, self.shown), (two.p50_ms, other.shown)),
                // That of both is no greater: what is told is never better
                // than it was.
                p99_ms: one.p99_ms.max(two.p99_ms),
                max_ms: one.max_ms.max(two.max_ms),
            }),
            (one, two) => one.or(two),
        };
        Self {
            accepted: self.accepted + other.accepted,
            shown: self.shown + other.shown,
            live: self.live + other.live,
            errors: self.errors + other.errors,
            asked: self.asked + other.asked,
            polls: self.polls + other.polls,
            latency,
        }
    }
}

impl Series {
    /// All of them side by side, by the wall clock. Of a process that several
    /// tell of, the first stands.
    pub(crate) fn merged(all: Vec<Self>) -> Self {
        let step_s = all.iter().map(|one| one.step_s).max().unwrap_or(1);
        let filled = || all.iter().filter(|one| !one.places.is_empty());
        let Some(begins_at) = filled().map(|one| one.begins_at).min() else {
            return Self::default();
        };
        let mut merged = Self::begin(begins_at);
        merged.step_s = step_s;
        let measured = all.iter().filter_map(|one| one.measured);
        merged.measured = measured.reduce(|one, two| (one.0.min(two.0), one.1.max(two.1)));
        for mut one in all {
            while one.step_s < step_s {
                one.coarsen();
            }
            let skipped = one
                .begins_at
                .saturating_sub(begins_at)
                .max(0)
                .cast_unsigned()
                / step_s;
            let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
            let places = skipped.saturating_add(one.places.len());
            if places > merged.places.len() {
                merged.places.resize(places, Second::default());
            }
            for (place, second) in one.places.into_iter().enumerate() {
                let known = &mut merged.places[skipped + place];
                *known = known.beside(second);
            }
            for ProcessSeries { name, using } in one.processes {
                if merged.processes.iter().any(|known| known.name == name) {
                    continue;
                }
                let using = std::iter::repeat_n(None, skipped).chain(using).collect();
                merged.processes.push(ProcessSeries { name, using });
            }
        }
        for process in &mut merged.processes {
            process.using.resize(merged.places.len(), None);
        }
        merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::tests::series;

    #[test]
    fn the_same_second_of_two_processes_is_one() {
        let one = series();
        let mut two = series();
        two.begins_at += 5;
        for process in &mut two.processes {
            process.name.push_str(" of another");
        }
        let sum = |series: &Series| {
            let shown = series.places.iter().map(|place| place.shown);
            shown.sum::<u64>()
        };
        let all = Series::merged(vec![one.clone(), Series::default(), two.clone()]);
        assert_eq!(all.begins_at, one.begins_at);
        assert_eq!(all.places.len(), one.places.len() + 5);
        assert_eq!(sum(&all), sum(&one) + sum(&two));
        assert_eq!(all.places[0].live, 100);
        assert_eq!(all.places[5].live, 200);
        assert_eq!(all.processes.len(), 4);
        for process in &all.processes {
            assert_eq!(process.using.len(), all.places.len());
        }
    }

    #[test]
    fn a_coarse_series_makes_the_others_coarse() {
        let one = series();
        let total = |series: &Series| {
            let accepted = series.places.iter().map(|place| place.accepted);
            accepted.sum::<u64>()
        };
        let coarse = one.clone().in_places(40);
        let all = Series::merged(vec![one.clone(), coarse.clone()]);
        assert_eq!(all.step_s, coarse.step_s);
        assert_eq!(total(&all), 2 * total(&one));
    }
}
