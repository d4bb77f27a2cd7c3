//! How many publishers are wanted. Lag tells when they are too few and nothing
//! of how many would be enough, so what too few could carry is remembered.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::sample::Sample;

/// Fewer publishers are tried when what is published is below this part of
/// what they could not carry.
const ROOM: f64 = 0.8;
/// How long it counts that so many could not carry so much: it may have been
/// something else, or they may be faster now.
const REMEMBERED: Duration = Duration::from_hours(6);
/// Partitions that have to be behind: one alone is one publisher's, and a room
/// so large that it is behind is not helped by another.
const SEVERAL: usize = 2;

/// What numbers of publishers could not carry: events a second, and when.
#[derive(Debug, Default)]
pub(super) struct Limits(BTreeMap<i32, (f64, Instant)>);

impl Limits {
    /// So many publishers were behind with so many events a second.
    pub(super) fn learn(&mut self, count: i32, rate: f64, now: Instant) {
        self.0.retain(|_, (_, at)| is_recent(*at, now));
        let known = self.0.entry(count).or_insert((rate, now));
        *known = (known.0.min(rate), now);
    }

    /// Whether so many publishers may be tried with so many events a second:
    /// neither they nor more of them were behind with about that.
    fn let_try(&self, count: i32, rate: f64, now: Instant) -> bool {
        self.0
            .range(count..)
            .filter(|(_, (_, at))| is_recent(*at, now))
            .all(|(_, (limit, _))| rate < limit * ROOM)
    }
}

fn is_recent(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) < REMEMBERED
}

/// The number of publishers that this look speaks for; `None`: it tells nothing.
pub(super) fn want(
    sample: &Sample,
    rate: Option<f64>,
    count: i32,
    target: Duration,
    limits: &Limits,
) -> Option<i32> {
    let behind = sample.behind(target)?;
    let told = &sample.publisher;
    // What was asked for last has to be there before more or less is.
    if told.ready < count {
        return Some(count);
    }
    // With nothing published, something else is away, and more of them would
    // wait as well.
    let Some(rate) = rate else {
        return Some(count);
    };
    if behind >= SEVERAL && rate > 0.0 {
        return Some(count + 1);
    }
    let calm = sample.behind(target / 2) == Some(0);
    let fewer = calm && told.is_complete() && limits.let_try(count - 1, rate, sample.at);
    Some(if fewer { count - 1 } else { count })
}
