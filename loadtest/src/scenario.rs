//! What a run does: a TOML file, or one that is built in.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use plaza_types::MAX_MESSAGE_CHARS;
use serde::{Deserialize, Serialize};

/// Those that are built in, by name.
const BUILT_IN: [(&str, &str); 1] = [("room", include_str!("../scenarios/room.toml"))];

/// Why there is no scenario.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScenarioError {
    #[error("{0} is neither a built-in scenario ({names}) nor a file", names = names())]
    Unknown(String),
    #[error("cannot read {path}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{of} is not a scenario")]
    Syntax { of: String, source: toml::de::Error },
    #[error("{field} = {value}: {rule}")]
    Value {
        field: &'static str,
        value: String,
        rule: &'static str,
    },
}

fn names() -> String {
    BUILT_IN.map(|(name, _)| name).join(", ")
}

/// One room that many follow and some write to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// Virtual users that follow the room.
    pub(crate) members: usize,
    /// Those of them that write, by turns.
    pub(crate) senders: usize,
    /// Messages a second of all senders together.
    pub(crate) rate: f64,
    /// Characters of a message.
    pub(crate) message_chars: usize,
    /// Connections are opened evenly over this time (s).
    pub(crate) ramp_s: u64,
    /// What is due in this time counts for no figure, but for the accounting (s).
    pub(crate) warm_up_s: u64,
    /// What is due in this time is measured (s).
    pub(crate) duration_s: u64,
    /// Longest wait for what is missing at the end (s).
    pub(crate) drain_s: u64,
}

/// What the command line says otherwise.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Overrides {
    /// Virtual users that follow the room, in place of the scenario's
    #[arg(long)]
    members: Option<usize>,
    /// Those of them that write, in place of the scenario's
    #[arg(long)]
    senders: Option<usize>,
    /// Messages a second of all senders together, in place of the scenario's
    #[arg(long)]
    rate: Option<f64>,
    /// Characters of a message, in place of the scenario's
    #[arg(long)]
    message_chars: Option<usize>,
    /// Time over which connections are opened, in place of the scenario's (s)
    #[arg(long)]
    ramp_s: Option<u64>,
    /// Time that counts for no figure, in place of the scenario's (s)
    #[arg(long)]
    warm_up_s: Option<u64>,
    /// Time that is measured, in place of the scenario's (s)
    #[arg(long)]
    duration_s: Option<u64>,
    /// Longest wait for what is missing at the end, in place of the scenario's (s)
    #[arg(long)]
    drain_s: Option<u64>,
}

impl Scenario {
    /// A built-in one by its name, or that of a file.
    pub(crate) fn find(name: &str) -> Result<Self, ScenarioError> {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        let text = match built_in {
            Some((_, text)) => (*text).to_owned(),
            None if !Path::new(name).exists() => {
                return Err(ScenarioError::Unknown(name.to_owned()));
            }
            None => std::fs::read_to_string(name).map_err(|source| ScenarioError::Unreadable {
                path: name.into(),
                source,
            })?,
        };
        toml::from_str(&text).map_err(|source| ScenarioError::Syntax {
            of: name.to_owned(),
            source,
        })
    }

    /// With what the command line says otherwise.
    pub(crate) fn with(self, other: Overrides) -> Result<Self, ScenarioError> {
        // Who asks for fewer members alone wants no more senders than that.
        let senders = other
            .members
            .map_or(self.senders, |members| self.senders.min(members));
        Self {
            members: other.members.unwrap_or(self.members),
            senders: other.senders.unwrap_or(senders),
            rate: other.rate.unwrap_or(self.rate),
            message_chars: other.message_chars.unwrap_or(self.message_chars),
            ramp_s: other.ramp_s.unwrap_or(self.ramp_s),
            warm_up_s: other.warm_up_s.unwrap_or(self.warm_up_s),
            duration_s: other.duration_s.unwrap_or(self.duration_s),
            drain_s: other.drain_s.unwrap_or(self.drain_s),
        }
        .checked()
    }

    fn checked(self) -> Result<Self, ScenarioError> {
        let value = |field, value: &dyn std::fmt::Display, rule| ScenarioError::Value {
            field,
            value: value.to_string(),
            rule,
        };
        if self.members == 0 {
            return Err(value(
                "members",
                &self.members,
                "somebody has to follow the room",
            ));
        }
        if self.senders == 0 || self.senders > self.members {
            return Err(value(
                "senders",
                &self.senders,
                "from 1 to as many as members",
            ));
        }
        if !(0.001..=100_000.0).contains(&self.rate) {
            return Err(value("rate", &self.rate, "from 0.001 to 100000 a second"));
        }
        if self.message_chars > MAX_MESSAGE_CHARS {
            return Err(value(
                "message_chars",
                &self.message_chars,
                "a message has at most 4000",
            ));
        }
        if self.duration_s == 0 {
            return Err(value(
                "duration_s",
                &self.duration_s,
                "something has to be measured",
            ));
        }
        for (field, seconds) in [
            ("ramp_s", self.ramp_s),
            ("warm_up_s", self.warm_up_s),
            ("duration_s", self.duration_s),
            ("drain_s", self.drain_s),
        ] {
            if seconds > 7 * 24 * 3_600 {
                return Err(value(field, &seconds, "at most a week"));
            }
        }
        Ok(self)
    }

    /// How long a run takes, about and at most, but for connections that take
    /// longer than their ramp.
    pub(crate) fn longest(&self) -> Duration {
        self.ramp() + self.warm_up() + self.duration() + 2 * self.drain()
    }

    pub(crate) const fn ramp(&self) -> Duration {
        Duration::from_secs(self.ramp_s)
    }

    pub(crate) const fn warm_up(&self) -> Duration {
        Duration::from_secs(self.warm_up_s)
    }

    pub(crate) const fn duration(&self) -> Duration {
        Duration::from_secs(self.duration_s)
    }

    pub(crate) const fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_scenario_can_be_run() {
        for (name, _) in BUILT_IN {
            Scenario::find(name)
                .unwrap()
                .with(Overrides::default())
                .unwrap();
        }
    }

    #[test]
    fn the_command_line_is_stronger() {
        let overrides = Overrides {
            members: Some(7),
            senders: Some(2),
            ..Overrides::default()
        };
        let scenario = Scenario::find("room").unwrap().with(overrides).unwrap();
        assert_eq!((scenario.members, scenario.senders), (7, 2));
        let overrides = Overrides {
            members: Some(7),
            ..Overrides::default()
        };
        let scenario = Scenario::find("room").unwrap().with(overrides).unwrap();
        assert_eq!((scenario.members, scenario.senders), (7, 7));
    }

    #[test]
    fn what_cannot_be_run_is_told_with_its_field() {
        let unknown = Scenario::find("rom").unwrap_err().to_string();
        assert!(unknown.contains("room"), "{unknown}");
        let with = |change: fn(&mut Overrides)| {
            let mut overrides = Overrides::default();
            change(&mut overrides);
            let scenario = Scenario::find("room").unwrap();
            scenario.with(overrides).unwrap_err().to_string()
        };
        assert!(with(|other| other.members = Some(0)).contains("members"));
        assert!(with(|other| other.senders = Some(1_001)).contains("senders"));
        assert!(with(|other| other.rate = Some(f64::NAN)).contains("rate"));
        assert!(with(|other| other.duration_s = Some(0)).contains("duration_s"));
        assert!(with(|other| other.message_chars = Some(5_000)).contains("4000"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        std::fs::write(&path, "memebrs = 3").unwrap();
        let error = Scenario::find(path.to_str().unwrap()).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("memebrs"), "{source}");
    }
}
