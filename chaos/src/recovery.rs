//! How long after a fault what is sent from then on takes to be pushed.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::{
    part::{Part, Target},
    schedule::{Fault, Kind},
};

/// Guarantee 7: delivery pauses for so long at most (ms).
const BOUND_MS: i64 = 5_000;
/// Of who is connected to the one node of Centrifugo (ms).
const CENTRIFUGO_BOUND_MS: i64 = 30_000;

/// What came after one fault.
#[derive(Debug)]
struct Window {
    targets: Vec<Target>,
    kind: Kind,
    /// From when on delivery has to come back.
    from: DateTime<Utc>,
    /// Until the next fault.
    until: Option<DateTime<Utc>>,
    /// By reader: the longest that anything took to be pushed that was
    /// committed in this time (ms); of the first push, from the beginning on.
    longest: BTreeMap<usize, i64>,
}

/// The faults of a run so far.
#[derive(Debug, Default)]
pub(crate) struct Recoveries {
    windows: Mutex<Vec<Window>>,
    /// With a second process of each service, delivery has to come back while
    /// the first is down.
    replicas: u8,
}

/// Of one kind of fault.
#[derive(Debug, Serialize)]
pub(crate) struct Recovery {
    pub(crate) targets: Vec<Target>,
    pub(crate) kind: Kind,
    /// How many faults.
    pub(crate) faults: usize,
    /// Over faults and people (ms).
    pub(crate) p50_ms: i64,
    pub(crate) max_ms: i64,
    /// What guarantee 7 allows (ms); it has no figure for other faults.
    pub(crate) bound_ms: Option<i64>,
    /// People who were pushed nothing in time.
    pub(crate) unreached: usize,
}

/// The faults of one kind.
#[derive(Debug, Default)]
struct Group {
    faults: usize,
    times: Vec<i64>,
    unreached: usize,
}

impl Recovery {
    /// Whether it took longer than it may.
    pub(crate) fn is_slow(&self) -> bool {
        self.bound_ms
            .is_some_and(|bound| self.max_ms > bound || self.unreached > 0)
    }
}

impl Recoveries {
    pub(crate) fn new(replicas: u8) -> Self {
        Self {
            windows: Mutex::default(),
            replicas,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fault begins now.
    pub(crate) fn broken(&self, fault: &Fault) {
        let now = Utc::now();
        let mut windows = self.lock();
        if let Some(last) = windows.last_mut() {
            last.until = Some(now);
        }
        if self.survives(fault.kind, &fault.targets) {
            windows.push(Window::new(fault, now));
        }
    }

    /// A fault is mended now.
    pub(crate) fn mended(&self, fault: &Fault) {
        if !self.survives(fault.kind, &fault.targets) {
            self.lock().push(Window::new(fault, Utc::now()));
        }
    }

    /// Nothing more is sent.
    pub(crate) fn ended(&self) {
        if let Some(last) = self.lock().last_mut() {
            last.until = Some(Utc::now());
        }
    }

    /// Whether delivery goes on by another process, while the fault lasts.
    fn survives(&self, kind: Kind, targets: &[Target]) -> bool {
        let replicated = |target: &Target| match target {
            Target::Node(node) => node.part.replicas(self.replicas) > 1,
            Target::Link(_) => false,
        };
        kind == Kind::Kill && targets.len() == 1 && targets.iter().all(replicated)
    }

    /// A reader was pushed an event that was committed at this time.
    pub(crate) fn pushed(&self, reader: usize, committed: DateTime<Utc>) {
        let now = Utc::now();
        if let Some(window) = self.lock().last_mut()
            && window.until.is_none()
            && committed > window.from
        {
            let took = (now - committed).num_milliseconds();
            let longest = window
                .longest
                .entry(reader)
                .or_insert_with(|| (now - window.from).num_milliseconds());
            *longest = took.max(*longest);
        }
    }

    /// By kind of fault, over so many people.
    pub(crate) fn summary(&self, people: usize) -> Vec<Recovery> {
        let mut groups: BTreeMap<(Vec<Target>, Kind), Group> = BTreeMap::new();
        for window in self.lock().iter() {
            let mut targets = window.targets.clone();
            targets.sort_unstable();
            let group = groups.entry((targets, window.kind)).or_default();
            group.faults += 1;
            group.times.extend(window.longest.values());
            if window.was_long_enough() {
                group.unreached += people.saturating_sub(window.longest.len());
            }
        }
        let groups = groups.into_iter();
        let recoveries = groups.map(|((targets, kind), mut group)| {
            let times = &mut group.times;
            times.sort_unstable();
            Recovery {
                bound_ms: bound(kind, &targets),
                targets,
                kind,
                faults: group.faults,
                p50_ms: times.get(times.len() / 2).copied().unwrap_or_default(),
                max_ms: times.last().copied().unwrap_or_default(),
                unreached: group.unreached,
            }
        });
        recoveries.collect()
    }
}

impl Window {
    fn new(fault: &Fault, from: DateTime<Utc>) -> Self {
        Self {
            targets: fault.targets.clone(),
            kind: fault.kind,
            from,
            until: None,
            longest: BTreeMap::new(),
        }
    }

    /// Whether everybody had to be reached before the next fault.
    fn was_long_enough(&self) -> bool {
        let bound = bound(self.kind, &self.targets);
        self.until
            .zip(bound)
            .is_some_and(|(until, bound)| until - self.from > TimeDelta::milliseconds(bound))
    }
}

/// What guarantee 7 promises of it: of one process that is killed.
fn bound(kind: Kind, targets: &[Target]) -> Option<i64> {
    match (kind, targets) {
        (Kind::Kill, [Target::Node(node)]) if node.part == Part::Centrifugo => {
            Some(CENTRIFUGO_BOUND_MS)
        }
        (Kind::Kill, [Target::Node(_)]) => Some(BOUND_MS),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::Node;

    fn fault(kind: Kind, parts: &[Part]) -> Fault {
        let targets = parts.iter().map(|part| {
            Target::Node(Node {
                part: *part,
                replica: 0,
            })
        });
        Fault {
            at_ms: 0,
            lasts_ms: 0,
            kind,
            targets: targets.collect(),
        }
    }

    #[test]
    fn what_took_longest_counts_and_what_the_next_fault_held_up_does_not() {
        let recoveries = Recoveries::new(1);
        let kill = fault(Kind::Kill, &[Part::Messages]);
        let second = TimeDelta::seconds(1);
        recoveries.broken(&kill);
        recoveries.mended(&kill);
        let from = Utc::now() - second * 10;
        recoveries.lock()[0].from = from;
        recoveries.pushed(0, from - second);
        recoveries.pushed(0, Utc::now());
        recoveries.pushed(1, from + second);
        recoveries.broken(&fault(Kind::Pause, &[Part::Redis]));
        recoveries.pushed(2, from + second);
        let summary = recoveries.summary(3);
        assert_eq!(summary.len(), 1);
        assert_eq!((summary[0].faults, summary[0].unreached), (1, 1));
        assert!((10_000..11_000).contains(&summary[0].max_ms), "{summary:?}");
        assert!(summary[0].is_slow());
    }

    #[test]
    fn a_second_process_has_to_go_on_from_the_kill() {
        let kill = fault(Kind::Kill, &[Part::Rooms]);
        let (one, two) = (Recoveries::new(1), Recoveries::new(2));
        for recoveries in [&one, &two] {
            recoveries.broken(&kill);
        }
        assert_eq!((one.lock().len(), two.lock().len()), (0, 1));
        let database = fault(Kind::Kill, &[Part::Postgres]);
        two.broken(&database);
        assert_eq!(two.lock().len(), 1);
    }

    #[test]
    fn only_one_killed_process_has_a_bound() {
        let of = |kind, parts: &[Part]| bound(kind, &fault(kind, parts).targets);
        assert_eq!(of(Kind::Kill, &[Part::Redis]), Some(5_000));
        assert_eq!(of(Kind::Kill, &[Part::Centrifugo]), Some(30_000));
        assert_eq!(of(Kind::Kill, &[Part::Redis, Part::Auth]), None);
        assert_eq!(of(Kind::Pause, &[Part::Redis]), None);
    }
}
