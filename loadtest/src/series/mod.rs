//! A run second by second, in bounded memory: when there are too many seconds,
//! neighbours become one, two by two.

mod columns;
mod merged;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{latency::Spread, processes::Using};

use self::columns::Columns;

/// Most places of a series: a day of seconds.
pub(crate) const MOST_PLACES: usize = 24 * 3_600;

/// What happened in one second, or in as many as a place stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Second {
    /// Sends that were answered as accepted.
    pub(crate) accepted: u64,
    /// Messages that screens showed.
    pub(crate) shown: u64,
    /// Subscribers that followed the room at its end.
    pub(crate) live: u64,
    /// Whatever failed, made good or not.
    pub(crate) errors: u64,
    /// How often `changes` was asked.
    pub(crate) asked: u64,
    /// How often nothing had said for too long that a connection is live.
    pub(crate) polls: u64,
    /// From when messages were due to the screens that showed them then.
    pub(crate) latency: Option<Spread>,
}

/// What one process took.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProcessSeries {
    pub(crate) name: String,
    /// At each place; none where it did not run.
    pub(crate) using: Vec<Option<Using>>,
}

/// A run second by second, from its beginning to its end. In JSON it is by
/// column: see [`Columns`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Columns", try_from = "Columns")]
pub(crate) struct Series {
    /// When the first place begins (s of Unix time): places are whole seconds
    /// of the wall clock, so that those of several processes are the same.
    pub(crate) begins_at: i64,
    /// For how many seconds a place stands.
    pub(crate) step_s: u64,
    /// What was due from the first to before the second was measured (s of
    /// Unix time).
    pub(crate) measured: Option<(f64, f64)>,
    pub(crate) places: Vec<Second>,
    pub(crate) processes: Vec<ProcessSeries>,
}

impl Default for Series {
    fn default() -> Self {
        Self::begin(0)
    }
}

impl Second {
    /// Two neighbours as one.
    fn then(self, next: Self) -> Self {
        let latency = match (self.latency, next.latency) {
            (Some(one), Some(two)) => Some(Spread {
                p50_ms: mean((one.p50_ms, self.shown), (two.p50_ms, next.shown)),
                // That of both is no greater: what is told is never better
                // than it was.
                p99_ms: one.p99_ms.max(two.p99_ms),
                max_ms: one.max_ms.max(two.max_ms),
            }),
            (one, two) => one.or(two),
        };
        Self {
            accepted: self.accepted + next.accepted,
            shown: self.shown + next.shown,
            live: next.live,
            errors: self.errors + next.errors,
            asked: self.asked + next.asked,
            polls: self.polls + next.polls,
            latency,
        }
    }
}

/// Of two figures, by how many each stands for.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn mean((one, of): (f64, u64), (two, others): (f64, u64)) -> f64 {
    let all = (of + others).max(1) as f64;
    let part = of as f64 / all;
    one * part + two * (1.0 - part)
}

/// Two neighbours as one.
fn both(one: Option<Using>, next: Option<Using>) -> Option<Using> {
    match (one, next) {
        (Some(one), Some(next)) => Some(Using {
            cpus: f64::midpoint(one.cpus, next.cpus),
            mib: one.mib.max(next.mib),
        }),
        (one, next) => one.or(next),
    }
}

impl Series {
    /// Nothing, from that second of Unix time on.
    pub(crate) const fn begin(begins_at: i64) -> Self {
        Self {
            begins_at,
            step_s: 1,
            measured: None,
            places: Vec::new(),
            processes: Vec::new(),
        }
    }

    /// Whether there is nothing in it.
    pub(crate) const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// What happened in a second, from the beginning. Those before it that
    /// nobody told of have nothing in them, but connections and processes go
    /// on; in a place that was told of before is both.
    pub(crate) fn record(&mut self, at: u64, second: Second, using: &BTreeMap<String, Using>) {
        while at / self.step_s >= MOST_PLACES as u64 {
            self.coarsen();
        }
        let place = usize::try_from(at / self.step_s).unwrap_or(MOST_PLACES);
        while self.places.len() < place {
            let live = self.places.last().map_or(0, |last| last.live);
            self.places.push(Second {
                live,
                ..Second::default()
            });
            for process in &mut self.processes {
                process.using.push(process.using.last().copied().flatten());
            }
        }
        let known = self.places.len();
        match self.places.last_mut() {
            Some(last) if place < known => {
                *last = last.then(second);
                for process in &mut self.processes {
                    let now = using.get(&process.name).copied();
                    if let Some(last) = process.using.last_mut() {
                        *last = both(*last, now);
                    }
                }
            }
            _ => {
                self.places.push(second);
                for process in &mut self.processes {
                    process.using.push(using.get(&process.name).copied());
                }
            }
        }
        for (name, now) in using {
            if self.processes.iter().all(|process| process.name != *name) {
                let mut using = vec![None; self.places.len()];
                using.pop();
                using.push(Some(*now));
                let name = name.clone();
                self.processes.push(ProcessSeries { name, using });
            }
        }
    }

    /// With at most so many places.
    pub(crate) fn in_places(mut self, most: usize) -> Self {
        while self.places.len() > most.max(1) {
            self.coarsen();
        }
        self
    }

    /// Makes one of every two neighbours.
    fn coarsen(&mut self) {
        self.step_s *= 2;
        self.places = pairs(&self.places, Second::then);
        for process in &mut self.processes {
            process.using = pairs(&process.using, both);
        }
    }
}

/// One of every two; the last stays alone when it is.
fn pairs<T: Copy>(all: &[T], join: impl Fn(T, T) -> T) -> Vec<T> {
    let of = |pair: &[T]| match *pair {
        [one, next] => Some(join(one, next)),
        [one] => Some(one),
        _ => None,
    };
    all.chunks(2).filter_map(of).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two minutes in which a second is slow, with two processes.
    pub(crate) fn series() -> Series {
        let mut series = Series::begin(1_000);
        series.measured = Some((1_020.0, 1_110.5));
        for at in 0..121 {
            let ms = if at == 60 { 250.0 } else { 8.0 };
            let second = Second {
                accepted: 10,
                shown: 1_000 + at,
                live: 100,
                errors: at % 2,
                asked: 3,
                polls: 1,
                latency: Some(Spread {
                    p50_ms: ms,
                    p99_ms: 2.0 * ms,
                    max_ms: 3.0 * ms,
                }),
            };
            let using = Using {
                cpus: 0.5,
                mib: 40.0,
            };
            let mut all = BTreeMap::from([("gateway".to_owned(), using)]);
            if at > 9 {
                all.insert("loadtest".to_owned(), using);
            }
            series.record(at, second, &all);
        }
        series
    }

    fn totals(series: &Series) -> [u64; 5] {
        let sum = |of: fn(&Second) -> u64| series.places.iter().map(of).sum();
        [
            sum(|second| second.accepted),
            sum(|second| second.shown),
            sum(|second| second.errors),
            sum(|second| second.asked),
            sum(|second| second.polls),
        ]
    }

    #[test]
    fn coarser_places_have_the_same_totals_and_hide_no_slow_second() {
        let series = series();
        let coarse = series.clone().in_places(20);
        assert_eq!((coarse.step_s, coarse.places.len()), (8, 16));
        assert_eq!(totals(&coarse), totals(&series));
        let slow = coarse.places[7].latency.unwrap();
        assert_eq!((slow.p99_ms, slow.max_ms), (500.0, 750.0));
        assert!(slow.p50_ms > 8.0 && slow.p50_ms < 250.0, "{slow:?}");
        for process in &coarse.processes {
            assert_eq!(process.using.len(), 16, "{process:?}");
        }
        assert_eq!(coarse.processes[1].using[0], None);
        assert!(coarse.processes[1].using[1].is_some());
    }

    #[test]
    fn a_series_of_days_stays_small_and_forgets_nothing() {
        let mut series = Series::default();
        let one = Second {
            shown: 1,
            ..Second::default()
        };
        let using = Using {
            cpus: 1.0,
            mib: 1.0,
        };
        let using = BTreeMap::from([("gateway".to_owned(), using)]);
        let seconds = 2 * MOST_PLACES as u64 + 1;
        for at in 0..seconds {
            series.record(at, one, &using);
        }
        assert_eq!(series.step_s, 4);
        assert_eq!(series.places.len(), MOST_PLACES / 2 + 1);
        assert_eq!(series.processes[0].using.len(), series.places.len());
        assert_eq!(totals(&series)[1], seconds);
    }

    #[test]
    fn seconds_that_nobody_told_of_are_empty_and_one_told_of_twice_has_both() {
        let mut series = Series::begin(5);
        let second = Second {
            shown: 2,
            live: 7,
            ..Second::default()
        };
        series.record(0, second, &BTreeMap::new());
        series.record(3, second, &BTreeMap::new());
        series.record(3, second, &BTreeMap::new());
        let shown: Vec<_> = series.places.iter().map(|place| place.shown).collect();
        assert_eq!(shown, [2, 0, 0, 4]);
        assert!(series.places.iter().all(|place| place.live == 7));
    }
}
