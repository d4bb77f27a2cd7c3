//! What is broken when: drawn from the seed alone.

use std::{fmt, time::Duration};

use serde::Serialize;

use crate::part::{Link, Node, Part, Target};

/// How something is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// SIGKILL, and started again at the end
    Kill,
    /// SIGSTOP, and SIGCONT at the end
    Pause,
    /// Its connections are reset and refused
    Cut,
    /// Its connections are accepted, and nothing passes
    BlackHole,
    /// Its disk is full: Redis's
    FullDisk,
    /// Its clock is off by up to two minutes, ahead or behind
    Clock,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Cut => "cut",
            Self::BlackHole => "black hole",
            Self::FullDisk => "full disk",
            Self::Clock => "clock step",
        })
    }
}

/// One fault of one part, or of two at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    /// After the beginning (ms).
    pub(crate) at_ms: u64,
    /// Until it is mended (ms).
    pub(crate) lasts_ms: u64,
    pub(crate) kind: Kind,
    /// How far a clock is ahead (s), or below 0 behind; 0 for other kinds.
    pub(crate) step_s: i64,
    pub(crate) targets: Vec<Target>,
}

impl Fault {
    /// What is broken, readable.
    pub(crate) fn names(&self) -> String {
        let names: Vec<_> = self.targets.iter().map(ToString::to_string).collect();
        let names = names.join(" and ");
        match self.kind {
            Kind::Clock => format!("{names} by {:+} s", self.step_s),
            _ => names,
        }
    }
}

/// What a schedule is drawn for.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// Of the whole.
    pub(crate) duration: Duration,
    /// From one fault to the next.
    pub(crate) every: Duration,
    /// Longest pause, cut, full disk and clock step.
    pub(crate) longest: Duration,
    /// Processes of each service.
    pub(crate) replicas: u8,
    /// No others than these; empty: all.
    pub(crate) kinds: Vec<Kind>,
    /// What concerns none of these is left alone, but as the second of a pair;
    /// empty: nothing is.
    pub(crate) parts: Vec<Part>,
}

impl Bounds {
    fn has(&self, target: Target, kind: Kind) -> bool {
        let (kinds, mut parts) = (&self.kinds, self.parts.iter());
        (kinds.is_empty() || kinds.contains(&kind))
            && (self.parts.is_empty() || parts.any(|part| target.concerns(*part)))
    }
}

/// All faults of a run, in their order; none begins before the last is mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) faults: Vec<Fault>,
}

/// When the first comes, at the latest: when everybody has come in.
const FIRST_MS: u64 = 10_000;
/// A killed part stays down so long at most.
const LONGEST_DOWN_MS: u64 = 5_000;
/// What is cut stays so for so long at least, unless the longest is shorter:
/// shorter than most timeouts would prove little.
const SHORTEST_CUT_MS: u64 = 5_000;
/// A clock is off by so much, at least and at most (s): more than the few seconds
/// that tokens of connections live, and less than whatever is kept is kept for.
const STEP_S: std::ops::RangeInclusive<i64> = 10..=120;
/// One fault in so many breaks two parts.
const ONE_IN_PAIRS: u64 = 4;

impl Schedule {
    /// Faults every `every` for `duration`. Each part is broken in each way, and
    /// each connection once, before any is a second time, so that a long run
    /// leaves none out.
    pub(crate) fn new(seed: u64, bounds: &Bounds) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let (duration, every) = (ms(bounds.duration), ms(bounds.every));
        let longest = ms(bounds.longest);
        let mut faults = Vec::new();
        let mut round: Vec<(Target, Kind)> = Vec::new();
        let mut at_ms = every.min(FIRST_MS);
        while at_ms < duration {
            if round.is_empty() {
                round = Self::round(&mut random, bounds.replicas);
                round.retain(|(target, kind)| bounds.has(*target, *kind));
            }
            let Some((target, kind)) = round.pop() else {
                break;
            };
            let mut targets = vec![target];
            if kind != Kind::FullDisk && random.u64(..ONE_IN_PAIRS) == 0 {
                targets.extend(other(&mut random, target, kind, bounds.replicas));
            }
            let lasts_ms = match kind {
                Kind::Kill => random.u64(200..=LONGEST_DOWN_MS),
                Kind::Pause => random.u64(500.min(longest)..=longest),
                Kind::Cut | Kind::BlackHole | Kind::FullDisk | Kind::Clock => {
                    random.u64(SHORTEST_CUT_MS.min(longest)..=longest)
                }
            };
            let step_s = match kind {
                Kind::Clock if random.bool() => random.i64(STEP_S),
                Kind::Clock => -random.i64(STEP_S),
                _ => 0,
            };
            faults.push(Fault {
                at_ms,
                lasts_ms,
                kind,
                step_s,
                targets,
            });
            at_ms += every.max(lasts_ms + 1_000);
        }
        Self { faults }
    }

    fn round(random: &mut fastrand::Rng, replicas: u8) -> Vec<(Target, Kind)> {
        let mut round = vec![(node(random, Part::Redis, replicas), Kind::FullDisk)];
        for part in Part::ALL {
            for kind in [Kind::Kill, Kind::Pause, Kind::Cut, Kind::BlackHole] {
                round.push((node(random, part, replicas), kind));
            }
        }
        for part in Part::WITH_CLOCK {
            round.push((node(random, part, replicas), Kind::Clock));
        }
        // Of two replicas, one of them.
        let links = Link::all(replicas);
        let links: Vec<_> = links.filter(|link| link.from.replica == 0).collect();
        for link in links {
            let Target::Node(from) = node(random, link.from.part, replicas) else {
                continue;
            };
            let kind = if random.bool() {
                Kind::Cut
            } else {
                Kind::BlackHole
            };
            round.push((Target::Link(Link { from, ..link }), kind));
        }
        random.shuffle(&mut round);
        round
    }
}

/// A process of this part.
fn node(random: &mut fastrand::Rng, part: Part, replicas: u8) -> Target {
    let replica = random.u8(..part.replicas(replicas));
    Target::Node(Node { part, replica })
}

/// Something else that may break at the same time and in the same way.
fn other(random: &mut fastrand::Rng, than: Target, kind: Kind, replicas: u8) -> Option<Target> {
    match than {
        Target::Node(than) => {
            let others = match kind {
                Kind::Clock => &Part::WITH_CLOCK[..],
                _ => &Part::ALL[..],
            };
            let others = others.iter().copied().filter(|part| *part != than.part);
            let part = random.choice(others.collect::<Vec<_>>())?;
            Some(node(random, part, replicas))
        }
        Target::Link(than) => {
            let links = Link::all(replicas).filter(|link| *link != than);
            random.choice(links.collect::<Vec<_>>()).map(Target::Link)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn schedule(seed: u64, replicas: u8) -> Schedule {
        let s = Duration::from_secs;
        let bounds = Bounds {
            duration: s(7_200),
            every: s(20),
            longest: s(30),
            replicas,
            kinds: Vec::new(),
            parts: Vec::new(),
        };
        Schedule::new(seed, &bounds)
    }

    #[test]
    fn what_is_asked_for_alone_is_broken_alone() {
        let s = Duration::from_secs;
        let bounds = Bounds {
            duration: s(7_200),
            every: s(20),
            longest: s(30),
            replicas: 1,
            kinds: vec![Kind::Cut, Kind::Clock],
            parts: vec![Part::Centrifugo, Part::Redis],
        };
        let faults = Schedule::new(1, &bounds).faults;
        assert!(faults.len() > 100);
        for fault in faults {
            assert!(bounds.has(fault.targets[0], fault.kind), "{fault:?}");
        }
    }

    #[test]
    fn a_seed_gives_one_schedule() {
        assert_eq!(schedule(7, 1), schedule(7, 1));
        assert_ne!(schedule(7, 1), schedule(8, 1));
        assert_eq!(schedule(7, 2), schedule(7, 2));
    }

    #[test]
    fn a_round_breaks_each_part_in_each_way_and_each_connection_and_faults_do_not_overlap() {
        for replicas in [1, 2] {
            let faults = schedule(1, replicas).faults;
            let links = Link::all(1).count();
            let all = 4 * Part::ALL.len() + Part::WITH_CLOCK.len() + 1 + links;
            let round = &faults[..all];
            let broken = |fault: &Fault| match fault.targets[0] {
                Target::Node(node) => (node.part, Part::People, Some(fault.kind)),
                Target::Link(link) => (link.from.part, link.to, None),
            };
            let first: HashSet<_> = round.iter().map(broken).collect();
            assert_eq!(first.len(), all);
            assert!(
                faults
                    .windows(2)
                    .all(|pair| pair[0].at_ms + pair[0].lasts_ms < pair[1].at_ms)
            );
            assert!(faults.iter().any(|fault| fault.targets.len() == 2));
            let cuts = faults
                .iter()
                .filter(|fault| matches!(fault.kind, Kind::Cut | Kind::BlackHole));
            assert!(cuts.clone().count() > 0);
            let clocks = faults.iter().filter(|fault| fault.kind == Kind::Clock);
            assert!(clocks.clone().any(|clock| clock.step_s > 0));
            assert!(clocks.clone().any(|clock| clock.step_s < 0));
            assert!(clocks.clone().any(|clock| clock.targets.len() == 2));
            for fault in &faults {
                let off = STEP_S.contains(&fault.step_s.abs());
                assert_eq!(off, fault.kind == Kind::Clock);
                let centrifugo = |target: &Target| matches!(target, Target::Node(node) if node.part == Part::Centrifugo);
                assert!(!off || !fault.targets.iter().any(centrifugo));
            }
            for cut in cuts {
                assert!((5_000..=30_000).contains(&cut.lasts_ms));
            }
        }
    }
}
