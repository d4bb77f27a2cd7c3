//! A scenario of any kind. Its `kind` says what else is in it; without one it
//! is of one room.

use std::time::Duration;

use plaza_types::MAX_MESSAGE_CHARS;
use serde::{Deserialize, Serialize};

use crate::{
    fleet::FleetScenario,
    scenario::{self, LONGEST_S, Overrides, Scenario, ScenarioError, invalid},
};

/// A scenario of any kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Load {
    /// Many rooms, and people in them.
    Fleet(Box<FleetScenario>),
    /// One room.
    Room(Scenario),
}

/// The kind alone, whatever else is there.
#[derive(Deserialize)]
struct Kinded {
    #[serde(default)]
    kind: Kind,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Room,
    Fleet,
}

impl Load {
    /// A built-in one by its name, or that of a file.
    pub(crate) fn find(name: &str) -> Result<Self, ScenarioError> {
        let text = scenario::text(name)?;
        let syntax = |source| ScenarioError::Syntax {
            of: name.to_owned(),
            source,
        };
        let Kinded { kind } = toml::from_str(&text).map_err(syntax)?;
        Ok(match kind {
            Kind::Room => Self::Room(toml::from_str(&text).map_err(syntax)?),
            Kind::Fleet => Self::Fleet(Box::new(toml::from_str(&text).map_err(syntax)?)),
        })
    }

    /// With what the command line says otherwise.
    pub(crate) fn with(self, other: Overrides) -> Result<Self, ScenarioError> {
        let load = match self {
            Self::Room(scenario) => Self::Room(scenario.with(other)?),
            Self::Fleet(scenario) => Self::Fleet(Box::new(scenario.with(&other)?)),
        };
        load.check()?;
        Ok(load)
    }

    /// Whether it can be run.
    fn check(&self) -> Result<(), ScenarioError> {
        let (rate, chars) = (self.rate(), self.message_chars());
        if !(0.001..=100_000.0).contains(&rate) {
            return Err(invalid("rate", &rate, "from 0.001 to 100000 a second"));
        }
        if chars > MAX_MESSAGE_CHARS {
            return Err(invalid(
                "message_chars",
                &chars,
                "a message has at most 4000",
            ));
        }
        for (field, time) in [
            ("ramp_s", self.ramp()),
            ("warm_up_s", self.warm_up()),
            ("duration_s", self.duration()),
            ("drain_s", self.drain()),
        ] {
            if time > Duration::from_secs(LONGEST_S) {
                return Err(invalid(field, &time.as_secs(), "at most a week"));
            }
        }
        if self.duration().is_zero() {
            return Err(invalid("duration_s", &0, "something has to be measured"));
        }
        match self {
            Self::Room(scenario) => scenario.check(),
            Self::Fleet(scenario) => scenario.check(),
        }
    }

    /// Messages a second.
    pub(crate) fn rate(&self) -> f64 {
        match self {
            Self::Room(scenario) => scenario.rate,
            Self::Fleet(scenario) => scenario.rate,
        }
    }

    /// Characters of a message.
    pub(crate) fn message_chars(&self) -> usize {
        match self {
            Self::Room(scenario) => scenario.message_chars,
            Self::Fleet(scenario) => scenario.message_chars,
        }
    }

    /// Whether each sender waits for its answers.
    pub(crate) fn closed_loop(&self) -> bool {
        matches!(self, Self::Room(scenario) if scenario.closed_loop)
    }

    /// Whether storms take the history with them.
    pub(crate) fn storms_lose_history(&self) -> bool {
        matches!(self, Self::Room(scenario) if scenario.storms_lose_history)
    }

    /// How often everybody comes back.
    pub(crate) fn returns(&self) -> u64 {
        match self {
            Self::Room(scenario) => scenario.returns(),
            Self::Fleet(_) => 0,
        }
    }

    /// Whether connections are taken away from all at once.
    pub(crate) fn has_troubles(&self) -> bool {
        matches!(self, Self::Room(scenario) if scenario.has_troubles())
    }

    /// Virtual users that it takes.
    pub(crate) fn users(&self) -> usize {
        match self {
            Self::Room(scenario) => scenario.members,
            Self::Fleet(scenario) => scenario.users,
        }
    }

    /// Connections are opened evenly over this time.
    pub(crate) fn ramp(&self) -> Duration {
        let seconds = match self {
            Self::Room(scenario) => scenario.ramp_s,
            Self::Fleet(scenario) => scenario.ramp_s,
        };
        Duration::from_secs(seconds)
    }

    /// What is due in this time counts for no figure, but for the accounting.
    pub(crate) fn warm_up(&self) -> Duration {
        let seconds = match self {
            Self::Room(scenario) => scenario.warm_up_s,
            Self::Fleet(scenario) => scenario.warm_up_s,
        };
        Duration::from_secs(seconds)
    }

    /// What is due in this time is measured.
    pub(crate) fn duration(&self) -> Duration {
        let seconds = match self {
            Self::Room(scenario) => scenario.duration_s,
            Self::Fleet(scenario) => scenario.duration_s,
        };
        Duration::from_secs(seconds)
    }

    /// Longest wait for what is missing at the end.
    pub(crate) fn drain(&self) -> Duration {
        let seconds = match self {
            Self::Room(scenario) => scenario.drain_s,
            Self::Fleet(scenario) => scenario.drain_s,
        };
        Duration::from_secs(seconds)
    }

    /// How long a run takes, about and at most, but for connections that take
    /// longer than their ramp.
    pub(crate) fn longest(&self) -> Duration {
        self.ramp() + self.warm_up() + self.duration() + 2 * self.drain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::BUILT_IN;

    #[test]
    fn every_built_in_scenario_can_be_run() {
        for (name, _) in BUILT_IN {
            let load = Load::find(name).unwrap();
            load.with(Overrides::default()).unwrap();
        }
    }

    #[test]
    fn what_no_kind_can_run_is_told_with_its_field() {
        for name in ["storm", "blackout", "fleet"] {
            let refused = |change: fn(&mut Overrides)| {
                let mut overrides = Overrides::default();
                change(&mut overrides);
                let load = Load::find(name).unwrap();
                load.with(overrides).unwrap_err().to_string()
            };
            assert!(refused(|it| it.rate = Some(0.0)).starts_with("rate"));
            assert!(refused(|it| it.rate = Some(f64::NAN)).starts_with("rate"));
            assert!(refused(|it| it.message_chars = Some(5_000)).contains("4000"));
            assert!(refused(|it| it.duration_s = Some(0)).starts_with("duration_s"));
            let week = "at most a week";
            assert!(refused(|it| it.ramp_s = Some(LONGEST_S + 1)).contains(week));
            assert!(refused(|it| it.warm_up_s = Some(LONGEST_S + 1)).contains(week));
            assert!(refused(|it| it.duration_s = Some(LONGEST_S + 1)).contains(week));
            assert!(refused(|it| it.drain_s = Some(LONGEST_S + 1)).contains(week));
        }
    }

    #[test]
    fn a_kind_is_checked_by_its_own_rules_too() {
        for (name, change, field) in [
            (
                "room",
                (|it| it.members = Some(0)) as fn(&mut Overrides),
                "members",
            ),
            ("fleet", |it| it.users = Some(0), "users"),
        ] {
            let mut overrides = Overrides::default();
            change(&mut overrides);
            let load = Load::find(name).unwrap();
            let error = load.with(overrides).unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
        }
    }

    #[test]
    fn a_wrong_key_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        std::fs::write(&path, "memebrs = 3").unwrap();
        let error = Load::find(path.to_str().unwrap()).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("memebrs"), "{source}");
    }

    #[test]
    fn a_file_says_of_which_kind_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        let found = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Load::find(path.to_str().unwrap())
        };
        let room = || toml::from_str(&scenario::text("room").unwrap()).unwrap();
        let [of_room, of_fleet] = ["room", "fleet"].map(|name| scenario::text(name).unwrap());
        assert_eq!(found(&of_room).unwrap(), Load::Room(room()));
        assert!(matches!(found(&of_fleet), Ok(Load::Fleet(_))));
        let tagged = format!("kind = \"room\"\n{of_room}");
        assert_eq!(found(&tagged).unwrap(), Load::Room(room()));
        let told = |text: &str| {
            let error = found(text).unwrap_err();
            std::error::Error::source(&error).unwrap().to_string()
        };
        let unknown = told(&format!("kind = \"flet\"\n{of_room}"));
        assert!(
            unknown.contains("flet") && unknown.contains("`fleet`"),
            "{unknown}"
        );
        let other = told(&format!("kind = \"fleet\"\n{of_room}"));
        assert!(other.contains("members"), "{other}");
        let of_report = serde_json::to_string(&found(&of_fleet).unwrap()).unwrap();
        let read: Load = serde_json::from_str(&of_report).unwrap();
        assert_eq!(read, found(&of_fleet).unwrap());
    }
}
