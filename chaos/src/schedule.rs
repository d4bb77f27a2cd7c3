//! What is broken when: drawn from the seed alone.

use std::time::Duration;

use serde::Serialize;

/// A part that is broken. The names are those of `plaza ctl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Part {
    Postgres,
    Redis,
    Auth,
    Rooms,
    Messages,
    Publisher,
    Centrifugo,
    Gateway,
}

impl Part {
    pub(crate) const ALL: [Self; 8] = [
        Self::Messages,
        Self::Publisher,
        Self::Centrifugo,
        Self::Redis,
        Self::Postgres,
        Self::Rooms,
        Self::Gateway,
        Self::Auth,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Auth => "auth",
            Self::Rooms => "rooms",
            Self::Messages => "messages",
            Self::Publisher => "publisher",
            Self::Centrifugo => "centrifugo",
            Self::Gateway => "gateway",
        }
    }
}

/// How a part is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// SIGKILL, and started again at the end.
    Kill,
    /// SIGSTOP, and SIGCONT at the end.
    Pause,
}

/// One fault of one part, or of two at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    /// After the beginning (ms).
    pub(crate) at_ms: u64,
    /// Until it is mended (ms).
    pub(crate) lasts_ms: u64,
    pub(crate) kind: Kind,
    pub(crate) parts: Vec<Part>,
}

/// All faults of a run, in their order; none begins before the last is mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) faults: Vec<Fault>,
}

/// A killed part stays down so long at most.
const LONGEST_DOWN_MS: u64 = 5_000;
/// One fault in so many breaks two parts.
const ONE_IN_PAIRS: u64 = 4;

impl Schedule {
    /// Faults every `every` for `duration`. Each part is broken in each way
    /// before any is a second time, so that a long run leaves none out.
    pub(crate) fn new(seed: u64, duration: Duration, every: Duration, pause: Duration) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let (duration, every, pause) = (ms(duration), ms(every), ms(pause));
        let mut faults = Vec::new();
        let mut round: Vec<(Part, Kind)> = Vec::new();
        let mut at_ms = every.min(2_000);
        while at_ms < duration {
            if round.is_empty() {
                round = Part::ALL
                    .into_iter()
                    .flat_map(|part| [(part, Kind::Kill), (part, Kind::Pause)])
                    .collect();
                random.shuffle(&mut round);
            }
            let Some((part, kind)) = round.pop() else {
                break;
            };
            let mut parts = vec![part];
            if random.u64(..ONE_IN_PAIRS) == 0 {
                let others: Vec<Part> = Part::ALL
                    .into_iter()
                    .filter(|other| *other != part)
                    .collect();
                parts.extend(random.choice(&others));
            }
            let lasts_ms = match kind {
                Kind::Kill => random.u64(200..=LONGEST_DOWN_MS),
                Kind::Pause => random.u64(500.min(pause)..=pause),
            };
            faults.push(Fault {
                at_ms,
                lasts_ms,
                kind,
                parts,
            });
            at_ms += every.max(lasts_ms + 1_000);
        }
        Self { faults }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn schedule(seed: u64) -> Schedule {
        let s = Duration::from_secs;
        Schedule::new(seed, s(3_600), s(20), s(30))
    }

    #[test]
    fn a_seed_gives_one_schedule() {
        assert_eq!(schedule(7), schedule(7));
        assert_ne!(schedule(7), schedule(8));
    }

    #[test]
    fn a_round_breaks_each_part_in_each_way_and_faults_do_not_overlap() {
        let faults = schedule(1).faults;
        let kinds = 2 * Part::ALL.len();
        let first: HashSet<_> = faults[..kinds]
            .iter()
            .map(|fault| (fault.parts[0], fault.kind))
            .collect();
        assert_eq!(first.len(), kinds);
        assert!(
            faults
                .windows(2)
                .all(|pair| pair[0].at_ms + pair[0].lasts_ms < pair[1].at_ms)
        );
        assert!(faults.iter().any(|fault| fault.parts.len() == 2));
    }
}
