//! What people do, how often, and how fast they are.

use std::time::Duration;

use fastrand::Rng;

use super::FleetScenario;

/// What a virtual user does beside writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Opens another of its rooms.
    OpenRoom,
    /// Loads the page before the oldest message that it has.
    ScrollBack,
    /// Says up to where it has read.
    MarkRead,
    /// Types in the open room.
    Typing,
    /// Asks where all its rooms stand.
    Heads,
    /// Loses its connection, and comes back.
    Reconnect,
}

impl Act {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [
        Self::OpenRoom,
        Self::ScrollBack,
        Self::MarkRead,
        Self::Typing,
        Self::Heads,
        Self::Reconnect,
    ];

    /// Its name in reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OpenRoom => "openRoom",
            Self::ScrollBack => "scrollBack",
            Self::MarkRead => "markRead",
            Self::Typing => "typing",
            Self::Heads => "heads",
            Self::Reconnect => "reconnect",
        }
    }
}

/// The habits of all virtual users of a run.
#[derive(Debug, Clone)]
pub(crate) struct Habits {
    /// Each act with the sum of the weights up to it.
    acts: [(Act, f64); Act::ALL.len()],
    /// Each slowness with the sum of the shares up to it.
    slowness: Vec<(f64, f64)>,
    /// The shortest time between two acts (s).
    think_min_s: f64,
    /// What comes on top of it, on average (s).
    think_more_s: f64,
}

impl Habits {
    /// As a scenario has them.
    pub(crate) fn of(scenario: &FleetScenario) -> Self {
        let weights = &scenario.weights;
        let mut sum = 0.0;
        let acts = Act::ALL.map(|act| {
            sum += weights.of(act);
            (act, sum)
        });
        let mut sum = 0.0;
        let slowness = scenario.slowness.iter().map(|(share, factor)| {
            sum += share;
            (*factor, sum)
        });
        Self {
            acts,
            slowness: slowness.collect(),
            think_min_s: scenario.think_min_s,
            think_more_s: (scenario.think_s - scenario.think_min_s).max(0.0),
        }
    }

    /// What is done next.
    pub(crate) fn act(&self, random: &mut Rng) -> Act {
        drawn(&self.acts, random).unwrap_or(Act::OpenRoom)
    }

    /// How many times slower than the fastest somebody is.
    pub(crate) fn slowness(&self, random: &mut Rng) -> f64 {
        drawn(&self.slowness, random).unwrap_or(1.0)
    }

    /// From when one act is due to when the next is, of somebody who is so slow.
    pub(crate) fn think(&self, slowness: f64, random: &mut Rng) -> Duration {
        // As between events that know nothing of each other.
        let more = -self.think_more_s * (1.0 - random.f64()).ln();
        let seconds = slowness * (self.think_min_s + more);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX / 4)
    }
}

/// One of several, each as likely as its part of the sum.
fn drawn<T: Copy>(sums: &[(T, f64)], random: &mut Rng) -> Option<T> {
    let (last, whole) = sums.last()?;
    let at = random.f64() * whole;
    let found = sums.iter().find(|(_, sum)| at < *sum);
    Some(found.map_or(*last, |(value, _)| *value))
}

/// A place among so many, the first ones more likely: n is drawn about 1/n as
/// often as the first.
pub(crate) fn favourite(count: usize, random: &mut Rng) -> usize {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 1 to a count of rooms"
    )]
    let place = ((count + 1) as f64).powf(random.f64()) as usize;
    place.saturating_sub(1).min(count.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u32 = 100_000;

    fn habits(change: impl FnOnce(&mut FleetScenario)) -> Habits {
        let mut scenario: FleetScenario = toml::from_str(super::super::FLEET).unwrap();
        change(&mut scenario);
        Habits::of(&scenario)
    }

    fn near(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() <= 0.05 * expected,
            "{found}, not {expected}"
        );
    }

    #[test]
    fn each_act_is_as_often_as_its_weight_says() {
        let habits = habits(|scenario| {
            scenario.weights.open_room = 5.0;
            scenario.weights.scroll_back = 2.0;
            scenario.weights.mark_read = 0.0;
            scenario.weights.typing = 1.5;
            scenario.weights.heads = 1.0;
            scenario.weights.reconnect = 0.5;
        });
        let mut random = Rng::with_seed(1);
        let mut counts = [0_u32; Act::ALL.len()];
        for _ in 0..DRAWS {
            let act = habits.act(&mut random);
            counts[Act::ALL.iter().position(|known| *known == act).unwrap()] += 1;
        }
        for (count, share) in counts.into_iter().zip([0.5, 0.2, 0.0, 0.15, 0.1, 0.05]) {
            near(f64::from(count), share * f64::from(DRAWS));
        }
    }

    #[test]
    fn people_think_as_long_as_they_are_slow() {
        let habits = habits(|scenario| {
            scenario.think_s = 20.0;
            scenario.think_min_s = 1.0;
        });
        let mut random = Rng::with_seed(1);
        for slowness in [1.0, 6.0] {
            let mut whole = 0.0;
            for _ in 0..DRAWS {
                let think = habits.think(slowness, &mut random).as_secs_f64();
                assert!(think >= slowness, "{think}");
                whole += think;
            }
            near(whole / f64::from(DRAWS), 20.0 * slowness);
        }
    }

    #[test]
    fn as_many_are_slow_as_their_share_says() {
        let habits = habits(|scenario| scenario.slowness = vec![(1.0, 2.0), (3.0, 30.0)]);
        let mut random = Rng::with_seed(1);
        let slow = (0..DRAWS).filter(|_| habits.slowness(&mut random) > 2.0);
        near(f64::from(u32::try_from(slow.count()).unwrap()), 75_000.0);
    }

    #[test]
    fn favourites_come_first_and_every_room_is_one() {
        let mut random = Rng::with_seed(1);
        let mut counts = [0_u32; 10];
        for _ in 0..DRAWS {
            counts[favourite(10, &mut random)] += 1;
        }
        assert!(counts.is_sorted_by(|one, next| one > next), "{counts:?}");
        // ln 2 / ln 11, and ln (11/10) / ln 11.
        near(f64::from(counts[0]), 0.289 * f64::from(DRAWS));
        near(f64::from(counts[9]), 0.0397 * f64::from(DRAWS));
        assert_eq!(favourite(1, &mut random), 0);
    }

    #[test]
    fn the_same_seed_gives_the_same_people() {
        let habits = habits(|_| ());
        let drawn = |seed| {
            let mut random = Rng::with_seed(seed);
            let acts = (0..100).map(|_| {
                let slowness = habits.slowness(&mut random);
                let think = habits.think(slowness, &mut random);
                (habits.act(&mut random), think)
            });
            acts.collect::<Vec<_>>()
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }
}
