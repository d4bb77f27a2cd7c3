//! The scenario of a fleet.

use serde::{Deserialize, Serialize};

use super::Act;
use crate::scenario::{Overrides, ScenarioError, invalid};

/// The one that is built in.
pub(crate) const FLEET: &str = include_str!("../../scenarios/fleet.toml");

/// Most groups of people who are equally slow.
const MOST_GROUPS: usize = 100;

/// Which kind of scenario it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FleetKind {
    Fleet,
}

/// Many rooms, and people in them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FleetScenario {
    pub(crate) kind: FleetKind,
    /// Virtual users that are connected.
    pub(crate) users: usize,
    /// Messages a second of all of them together.
    pub(crate) rate: f64,
    /// Characters of a message.
    pub(crate) message_chars: usize,
    /// Between two acts of one of the fastest, on average (s).
    pub(crate) think_s: f64,
    /// And at least (s).
    pub(crate) think_min_s: f64,
    /// Parts of the users, and by which factor they are slower.
    pub(crate) slowness: Vec<(f64, f64)>,
    /// Connections are opened evenly over this time (s).
    pub(crate) ramp_s: u64,
    /// What is due in this time counts for no figure, but for the accounting (s).
    pub(crate) warm_up_s: u64,
    /// What is due in this time is measured (s).
    pub(crate) duration_s: u64,
    /// Longest wait for what is missing at the end (s).
    pub(crate) drain_s: u64,
    pub(crate) weights: Weights,
}

/// How often people do what, a message being 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Weights {
    pub(crate) open_room: f64,
    pub(crate) scroll_back: f64,
    pub(crate) mark_read: f64,
    pub(crate) typing: f64,
    pub(crate) heads: f64,
    pub(crate) reconnect: f64,
}

impl Weights {
    /// That of an act.
    pub(crate) const fn of(&self, act: Act) -> f64 {
        match act {
            Act::OpenRoom => self.open_room,
            Act::ScrollBack => self.scroll_back,
            Act::MarkRead => self.mark_read,
            Act::Typing => self.typing,
            Act::Heads => self.heads,
            Act::Reconnect => self.reconnect,
        }
    }
}

impl FleetScenario {
    /// With what the command line says otherwise, unchecked.
    pub(crate) fn with(self, other: &Overrides) -> Result<Self, ScenarioError> {
        if let Some(members) = other.members {
            return Err(invalid("members", &members, "a fleet has --users"));
        }
        if let Some(senders) = other.senders {
            return Err(invalid("senders", &senders, "in a fleet everybody writes"));
        }
        if other.closed_loop {
            return Err(invalid("closed_loop", &true, "for a room alone"));
        }
        if other.storms_at_s.is_some() {
            return Err(invalid("storms_at_s", &"given", "for a room alone"));
        }
        if let Some(seconds) = other.blackout_at_s.or(other.blackout_s) {
            return Err(invalid("blackout_at_s", &seconds, "for a room alone"));
        }
        Ok(Self {
            users: other.users.unwrap_or(self.users),
            rate: other.rate.unwrap_or(self.rate),
            message_chars: other.message_chars.unwrap_or(self.message_chars),
            think_s: other.think_s.unwrap_or(self.think_s),
            // Who asks for a shorter time alone wants no longer shortest one.
            think_min_s: other
                .think_s
                .map_or(self.think_min_s, |think_s| self.think_min_s.min(think_s)),
            ramp_s: other.ramp_s.unwrap_or(self.ramp_s),
            warm_up_s: other.warm_up_s.unwrap_or(self.warm_up_s),
            duration_s: other.duration_s.unwrap_or(self.duration_s),
            drain_s: other.drain_s.unwrap_or(self.drain_s),
            ..self
        })
    }

    /// Whether what is of a fleet alone can be run.
    pub(crate) fn check(&self) -> Result<(), ScenarioError> {
        if self.users == 0 {
            return Err(invalid(
                "users",
                &self.users,
                "somebody has to be connected",
            ));
        }
        if !(0.01..=86_400.0).contains(&self.think_s) {
            return Err(invalid("think_s", &self.think_s, "from 0.01 s to a day"));
        }
        if !(0.0..=self.think_s).contains(&self.think_min_s) {
            let least = self.think_min_s;
            return Err(invalid("think_min_s", &least, "from 0 to think_s"));
        }
        self.check_slowness()?;
        for act in Act::ALL {
            let weight = self.weights.of(act);
            if !(0.0..=1_000_000.0).contains(&weight) {
                return Err(invalid("weights", &weight, "from 0 to 1000000"));
            }
        }
        if Act::ALL.iter().all(|act| self.weights.of(*act) <= 0.0) {
            return Err(invalid("weights", &0, "one has to be above 0"));
        }
        Ok(())
    }

    fn check_slowness(&self) -> Result<(), ScenarioError> {
        let wrong = |value: &dyn std::fmt::Display, rule| Err(invalid("slowness", value, rule));
        let groups = self.slowness.len();
        if !(1..=MOST_GROUPS).contains(&groups) {
            return wrong(&groups, "from 1 to 100 groups");
        }
        for (share, factor) in &self.slowness {
            if !(0.0..=1_000_000.0).contains(share) {
                return wrong(share, "a part from 0 to 1000000");
            }
            if !(0.01..=10_000.0).contains(factor) {
                return wrong(factor, "a factor from 0.01 to 10000");
            }
        }
        if self.slowness.iter().all(|(share, _)| *share <= 0.0) {
            return wrong(&0, "one part has to be above 0");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet() -> FleetScenario {
        toml::from_str(FLEET).unwrap()
    }

    #[test]
    fn the_command_line_is_stronger() {
        let overrides = Overrides {
            users: Some(7),
            think_s: Some(0.5),
            ..Overrides::default()
        };
        let scenario = fleet().with(&overrides).unwrap();
        assert_eq!(scenario.users, 7);
        let times = (scenario.think_s, scenario.think_min_s);
        assert_eq!(times, (0.5, 0.5), "no longer than the average");
    }

    #[test]
    fn what_cannot_be_run_is_told_with_its_field() {
        let refused = |change: fn(&mut FleetScenario)| {
            let mut scenario = fleet();
            change(&mut scenario);
            scenario.check().unwrap_err().to_string()
        };
        assert!(refused(|fleet| fleet.users = 0).contains("users"));
        assert!(refused(|fleet| fleet.think_s = f64::NAN).contains("think_s"));
        assert!(refused(|fleet| fleet.think_min_s = 21.0).contains("think_min_s"));
        assert!(refused(|fleet| fleet.slowness.clear()).contains("slowness"));
        assert!(refused(|fleet| fleet.slowness = vec![(0.0, 1.0)]).contains("slowness"));
        assert!(refused(|fleet| fleet.slowness = vec![(1.0, 0.0)]).contains("factor"));
        assert!(refused(|fleet| fleet.weights.typing = -1.0).contains("weights"));
        let nothing = |fleet: &mut FleetScenario| {
            fleet.weights = Weights {
                open_room: 0.0,
                scroll_back: 0.0,
                mark_read: 0.0,
                typing: 0.0,
                heads: 0.0,
                reconnect: 0.0,
            };
        };
        assert!(refused(nothing).contains("above 0"));
        let members = Overrides {
            members: Some(7),
            ..Overrides::default()
        };
        let refused = fleet().with(&members).unwrap_err().to_string();
        assert!(refused.contains("--users"), "{refused}");
    }
}
