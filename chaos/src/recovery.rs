//! How long after a fault what is sent from then on takes to be pushed.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
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
/// Whoever is pushed nothing for so long, while nothing is broken, is not coming
/// back by themselves (ms): a lost connection is noticed in 40 s.
const DEAF_MS: i64 = 60_000;
/// Whoever was pushed something so fresh is well (ms).
const WELL_MS: i64 = 1_000;

/// What came after one fault.
#[derive(Debug)]
struct Window {
    targets: Vec<Target>,
    kind: Kind,
    /// What guarantee 7 allows (ms).
    bound_ms: Option<i64>,
    /// From when on delivery has to come back.
    from: DateTime<Utc>,
    /// Until the next fault.
    until: Option<DateTime<Utc>>,
    /// By reader: the longest that anything took to be pushed that was
    /// committed in this time (ms); of the first push, from the beginning on.
    longest: BTreeMap<usize, i64>,
    /// How long the oldest message had waited that nobody was pushed before the
    /// next fault (ms).
    stalled: Option<i64>,
}

/// A message that was accepted and that nobody was pushed yet.
#[derive(Debug)]
struct Unseen {
    /// Before its commit.
    sent: DateTime<Utc>,
    /// After it.
    accepted: DateTime<Utc>,
}

/// The faults of a run so far.
#[derive(Debug)]
pub(crate) struct Recoveries {
    state: Mutex<State>,
    people: usize,
    /// With a second process of each service, delivery has to come back while
    /// the first is down.
    replicas: u8,
}

#[derive(Debug, Default)]
struct State {
    windows: Vec<Window>,
    /// By reader: how long the last push took since the last mending (ms).
    last: BTreeMap<usize, i64>,
    /// By room, in the order of their acceptance.
    unseen: HashMap<String, VecDeque<Unseen>>,
    /// Whether the present fault came upon what had not recovered from the last:
    /// then two are broken at once.
    unwell: bool,
    /// By reader: how long nothing came, of the time in which nothing was broken,
    /// since something last did (ms).
    deaf: BTreeMap<usize, i64>,
    /// The longest of these.
    deafest: i64,
}

/// How long somebody was pushed nothing, though nothing was broken.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Silence {
    /// The longest, over all people; what was broken in between does not count.
    pub(crate) longest_ms: i64,
}

impl Silence {
    /// Whether delivery does not come back by itself.
    pub(crate) fn is_for_good(self) -> bool {
        self.longest_ms > DEAF_MS
    }
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
    /// What guarantee 7 allows (ms). It has no figure for other faults, nor for
    /// one that comes upon what has not recovered from the last.
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
    /// Of a run with so many people, and processes of each service.
    pub(crate) fn new(people: usize, replicas: u8) -> Self {
        Self {
            state: Mutex::default(),
            people,
            replicas,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fault begins now.
    pub(crate) fn broken(&self, fault: &Fault) {
        let now = Utc::now();
        let mut state = self.lock();
        state.close(now, self.people);
        let well = state.last.values().filter(|took| **took < WELL_MS);
        state.unwell = well.count() < self.people;
        if self.survives(fault) {
            state.open(fault, now);
        }
    }

    /// A fault is mended now.
    pub(crate) fn mended(&self, fault: &Fault) {
        if !self.survives(fault) {
            self.lock().open(fault, Utc::now());
        }
    }

    /// Nothing more is sent.
    pub(crate) fn ended(&self) {
        self.lock().close(Utc::now(), self.people);
    }

    /// The longest that anybody was pushed nothing.
    pub(crate) fn silence(&self) -> Silence {
        Silence {
            longest_ms: self.lock().deafest,
        }
    }

    /// A message was accepted that was first tried at this time.
    pub(crate) fn accepted(&self, room: &str, sent: DateTime<Utc>) {
        let mut state = self.lock();
        let unseen = state.unseen.entry(room.to_owned()).or_default();
        unseen.push_back(Unseen {
            sent,
            accepted: Utc::now(),
        });
    }

    /// Whether delivery goes on by another process, while the fault lasts.
    fn survives(&self, fault: &Fault) -> bool {
        let replicated = |target: &Target| match target {
            Target::Node(node) => node.part.replicas(self.replicas) > 1,
            Target::Link(_) => false,
        };
        fault.kind == Kind::Kill && fault.targets.len() == 1 && fault.targets.iter().all(replicated)
    }

    /// A reader was pushed an event of a room that was committed at this time.
    pub(crate) fn pushed(&self, reader: usize, room: &str, committed: DateTime<Utc>) {
        let now = Utc::now();
        let took = (now - committed).num_milliseconds();
        let mut state = self.lock();
        state.last.insert(reader, took);
        if let Some(unseen) = state.unseen.get_mut(room) {
            unseen.retain(|message| message.sent > committed);
        }
        if let Some(window) = state.windows.last_mut()
            && window.until.is_none()
            && committed > window.from
        {
            let longest = window
                .longest
                .entry(reader)
                .or_insert_with(|| (now - window.from).num_milliseconds());
            *longest = took.max(*longest);
        }
    }

    /// By kind of fault.
    pub(crate) fn summary(&self) -> Vec<Recovery> {
        let mut groups: BTreeMap<(Kind, Vec<Target>, Option<i64>), Group> = BTreeMap::new();
        for window in &self.lock().windows {
            let mut targets = window.targets.clone();
            targets.sort_unstable();
            let key = (window.kind, targets, window.bound_ms);
            let group = groups.entry(key).or_default();
            group.faults += 1;
            group.times.extend(window.longest.values());
            group.times.extend(window.stalled);
            if window.was_long_enough() {
                group.unreached += self.people.saturating_sub(window.longest.len());
            }
        }
        let groups = groups.into_iter();
        let recoveries = groups.map(|((kind, targets, bound_ms), mut group)| {
            let times = &mut group.times;
            times.sort_unstable();
            Recovery {
                bound_ms,
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

impl State {
    /// The next fault begins, or the end: what came too late for that counts
    /// with what it had waited.
    fn close(&mut self, now: DateTime<Utc>, people: usize) {
        let Some(window) = self.windows.last_mut() else {
            return;
        };
        if window.until.is_none() {
            window.until = Some(now);
            let lasted = (now - window.from).num_milliseconds();
            for reader in 0..people {
                let deaf = self.deaf.entry(reader).or_default();
                match window.longest.get(&reader) {
                    // The first thing that came ended the silence.
                    Some(_) => *deaf = 0,
                    None => *deaf += lasted,
                }
                self.deafest = self.deafest.max(*deaf);
            }
            let unseen = self.unseen.values().flatten();
            window.stalled = unseen
                .filter(|message| message.sent > window.from)
                .map(|message| (now - message.accepted).num_milliseconds())
                .max();
        }
    }

    fn open(&mut self, fault: &Fault, from: DateTime<Utc>) {
        let bound = bound(fault.kind, &fault.targets);
        self.windows.push(Window {
            targets: fault.targets.clone(),
            kind: fault.kind,
            bound_ms: bound.filter(|_| !self.unwell),
            from,
            until: None,
            longest: BTreeMap::new(),
            stalled: None,
        });
        self.last.clear();
    }
}

impl Window {
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
            step_s: 0,
            kind,
            targets: targets.collect(),
        }
    }

    #[test]
    fn what_took_longest_counts_and_what_the_next_fault_held_up_does_not() {
        let recoveries = Recoveries::new(3, 1);
        let kill = fault(Kind::Kill, &[Part::Messages]);
        let second = TimeDelta::seconds(1);
        (0..3).for_each(|reader| recoveries.pushed(reader, "r", Utc::now()));
        recoveries.broken(&kill);
        recoveries.mended(&kill);
        let from = Utc::now() - second * 10;
        recoveries.lock().windows[0].from = from;
        recoveries.pushed(0, "r", from - second);
        recoveries.pushed(0, "r", Utc::now());
        recoveries.pushed(1, "r", from + second);
        recoveries.broken(&kill);
        recoveries.pushed(2, "r", from + second);
        recoveries.mended(&kill);
        let summary = recoveries.summary();
        assert_eq!(summary.len(), 2, "the second came upon the first");
        assert_eq!(summary[0].bound_ms, None);
        let first = &summary[1];
        assert_eq!((first.faults, first.unreached), (1, 1));
        assert!((10_000..11_000).contains(&first.max_ms), "{summary:?}");
        assert!(first.is_slow() && !summary[0].is_slow());
    }

    #[test]
    fn what_nobody_was_pushed_before_the_next_fault_counts_with_its_wait() {
        let recoveries = Recoveries::new(1, 1);
        let kill = fault(Kind::Kill, &[Part::Publisher]);
        recoveries.pushed(0, "r", Utc::now());
        recoveries.broken(&kill);
        recoveries.mended(&kill);
        recoveries.accepted("silent", Utc::now());
        recoveries.accepted("r", Utc::now());
        recoveries.pushed(0, "r", Utc::now());
        let long_ago = Utc::now() - TimeDelta::seconds(7);
        recoveries.lock().windows[0].from = long_ago - TimeDelta::seconds(1);
        let mut state = recoveries.lock();
        let silent = state.unseen.get_mut("silent").unwrap();
        (silent[0].sent, silent[0].accepted) = (long_ago, long_ago);
        drop(state);
        recoveries.ended();
        let summary = recoveries.summary();
        assert!((7_000..8_000).contains(&summary[0].max_ms), "{summary:?}");
        assert!(summary[0].is_slow());
    }

    #[test]
    fn who_is_pushed_nothing_while_nothing_is_broken_is_told_of() {
        let recoveries = Recoveries::new(2, 1);
        let cut = fault(Kind::Cut, &[Part::Redis]);
        let window = |seconds| {
            recoveries.broken(&cut);
            recoveries.mended(&cut);
            let from = Utc::now() - TimeDelta::seconds(seconds);
            recoveries.lock().windows.last_mut().unwrap().from = from;
            recoveries.pushed(0, "r", Utc::now());
        };
        window(40);
        window(19);
        recoveries.ended();
        let silence = recoveries.silence();
        assert!(
            (59_000..60_000).contains(&silence.longest_ms),
            "{silence:?}"
        );
        assert!(!silence.is_for_good());
        window(5);
        recoveries.ended();
        assert!(recoveries.silence().is_for_good());
    }

    #[test]
    fn a_second_process_has_to_go_on_from_the_kill() {
        let kill = fault(Kind::Kill, &[Part::Rooms]);
        let windows = |recoveries: &Recoveries| recoveries.lock().windows.len();
        let (one, two) = (Recoveries::new(1, 1), Recoveries::new(1, 2));
        one.broken(&kill);
        two.broken(&kill);
        assert_eq!((windows(&one), windows(&two)), (0, 1));
        two.broken(&fault(Kind::Kill, &[Part::Postgres]));
        assert_eq!(windows(&two), 1);
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
