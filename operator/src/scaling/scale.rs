//! The number of pods of one part, and why it is another than before.

use std::time::Instant;

use crate::component::Component;

use super::{
    Times,
    lag::{self, Limits},
    rule::{Bounds, Rule},
    sample::Sample,
    steady::Steady,
};

/// Fewer Centrifugos are wanted when connections fill them to this part of the
/// target at most (%): each that goes lets its people connect again.
const ROOM_PERCENT: u64 = 80;

/// The number of pods of one part.
#[derive(Debug)]
pub(crate) struct Scale {
    component: Component,
    count: i32,
    steady: Steady,
    limits: Limits,
    standing: Standing,
    /// When its metrics were last read.
    read: Option<Instant>,
    begun: Option<Instant>,
}

/// How scaling stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// Nothing is known yet.
    Measuring,
    /// The pods' metrics cannot be read, so the number stays.
    Unreadable,
    /// The number is what the metrics ask for.
    Within,
    /// More pods are wanted than may be.
    AtMost,
}

/// Another number of pods.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Change {
    /// Of which part.
    pub(crate) component: Component,
    /// Before.
    pub(crate) from: i32,
    /// From now on.
    pub(crate) to: i32,
    /// Why, for people.
    pub(crate) why: String,
}

impl Scale {
    /// One with so many pods.
    pub(crate) fn new(component: Component, count: i32) -> Self {
        Self {
            component,
            count,
            steady: Steady::default(),
            limits: Limits::default(),
            standing: Standing::Measuring,
            read: None,
            begun: None,
        }
    }

    /// How many pods there are to be.
    pub(crate) fn count(&self) -> i32 {
        self.count
    }

    /// How it stands.
    pub(crate) fn standing(&self) -> Standing {
        self.standing
    }

    /// Brings the number within other bounds.
    pub(crate) fn hold(&mut self, bounds: Bounds) {
        let count = bounds.hold(self.count);
        if count != self.count {
            self.count = count;
            self.steady.forget();
        }
    }

    /// Takes a look, and the one before it.
    pub(crate) fn look(
        &mut self,
        sample: &Sample,
        before: Option<&Sample>,
        (bounds, rule): (Bounds, Rule),
        times: &Times,
    ) -> Option<Change> {
        self.hold(bounds);
        let times = &bounds.times(times);
        let now = sample.at;
        let since = *self.begun.get_or_insert(now);
        let rate = before.and_then(|before| sample.rate_since(before));
        let want = match rule {
            Rule::Lag(target) => lag::want(sample, rate, self.count, target, &self.limits),
            Rule::Connections(target) => for_connections(sample, self.count, target),
        };
        let Some(want) = want else {
            let unreadable = match rule {
                Rule::Lag(_) => sample.publisher.is_unreadable(),
                Rule::Connections(_) => sample.centrifugo.is_unreadable(),
            };
            let last = self.read.unwrap_or(since);
            if unreadable && now.saturating_duration_since(last) > times.gap() {
                self.standing = Standing::Unreadable;
            }
            return None;
        };
        self.read = Some(now);
        let to = self.steady.step(now, self.count, want, times);
        let at_most = to > bounds.most
            || self.standing == Standing::AtMost && want > self.count && self.count == bounds.most;
        self.standing = if at_most {
            Standing::AtMost
        } else {
            Standing::Within
        };
        let (from, to) = (self.count, bounds.hold(to));
        if to == from {
            return None;
        }
        if let (Rule::Lag(_), Some(rate), true) = (rule, rate, to > from) {
            self.limits.learn(from, rate, now);
        }
        self.count = to;
        self.steady.forget();
        Some(Change {
            component: self.component,
            from,
            to,
            why: why(sample, rule, (from, to), times),
        })
    }
}

/// The number of Centrifugos that this look speaks for; `None`: it tells nothing.
fn for_connections(sample: &Sample, count: i32, target: u64) -> Option<i32> {
    let told = &sample.centrifugo;
    if told.pods.is_empty() {
        return None;
    }
    let connections = sample.connections();
    let pods = |target: u64| {
        let pods = connections.div_ceil(target.max(1)).max(1);
        i32::try_from(pods).unwrap_or(i32::MAX)
    };
    let fit = pods(target);
    if fit > count {
        return Some(fit);
    }
    // Those of a pod that was not read, or is not there yet, are not counted.
    let roomy = pods(target.saturating_mul(ROOM_PERCENT) / 100);
    let fewer = roomy < count && told.is_complete() && told.ready >= count;
    Some(if fewer { roomy } else { count })
}

fn why(sample: &Sample, rule: Rule, (from, to): (i32, i32), times: &Times) -> String {
    let (up, down) = (times.up.as_secs(), times.down.as_secs());
    match (rule, to > from) {
        (Rule::Lag(target), true) => format!(
            "events of {} partitions wait longer than {} s, and several did for {up} s",
            sample.behind(target).unwrap_or_default(),
            target.as_secs()
        ),
        (Rule::Lag(target), false) => format!(
            "no event waited longer than {} s for {down} s, and fewer publishers were not behind with as much as is \
             published now",
            (target / 2).as_secs_f64()
        ),
        (Rule::Connections(target), true) => format!(
            "{} connections are more than {target} for each pod, for {up} s",
            sample.connections()
        ),
        (Rule::Connections(target), false) => format!(
            "fewer pods had enough room for all connections for {down} s; now there are {}, and {target} fit into one",
            sample.connections()
        ),
    }
}
