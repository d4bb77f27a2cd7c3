//! What a run does: a TOML file, or one that is built in. Here is what is of
//! one room.

use std::{
    fmt::Display,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::fleet::FLEET;

/// Those that are built in, by name.
pub(crate) const BUILT_IN: [(&str, &str); 6] = [
    ("room", include_str!("../scenarios/room.toml")),
    ("storm", include_str!("../scenarios/storm.toml")),
    (
        "storm-history-lost",
        include_str!("../scenarios/storm-history-lost.toml"),
    ),
    ("blackout", include_str!("../scenarios/blackout.toml")),
    ("soak", include_str!("../scenarios/soak.toml")),
    ("fleet", FLEET),
];

/// The longest time that a scenario may name (s): a week.
pub(crate) const LONGEST_S: u64 = 7 * 24 * 3_600;
/// Between two storms, and after a blackout, everybody has to have come back (s).
const APART_S: u64 = 5;

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

/// What is done: a built-in scenario, or a file.
pub(crate) fn help() -> String {
    format!(
        "What is done: {}, or a TOML file of the same form as one of them",
        BUILT_IN.map(|(name, _)| format!("`{name}`")).join(", ")
    )
}

/// A value that breaks its rule.
pub(crate) fn invalid(
    field: &'static str,
    value: &dyn Display,
    rule: &'static str,
) -> ScenarioError {
    ScenarioError::Value {
        field,
        value: value.to_string(),
        rule,
    }
}

/// The text of a built-in one by its name, or of a file.
pub(crate) fn text(name: &str) -> Result<String, ScenarioError> {
    if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
        return Ok((*text).to_owned());
    }
    if !Path::new(name).exists() {
        return Err(ScenarioError::Unknown(name.to_owned()));
    }
    std::fs::read_to_string(name).map_err(|source| ScenarioError::Unreadable {
        path: name.into(),
        source,
    })
}

/// Which kind of scenario it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RoomKind {
    #[default]
    Room,
}

/// One room that many follow and some write to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    #[serde(default)]
    pub(crate) kind: RoomKind,
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
    /// Each sender sends when its last message was answered, and `rate` says
    /// nothing: what can be accepted at most, while latencies say less.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) closed_loop: bool,
    /// When all connections are dropped at once (s of the measured time).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) storms_at_s: Vec<u64>,
    /// Whether they come back without the place where they left, as if
    /// Centrifugo had lost its history.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) storms_lose_history: bool,
    /// When all connections are dropped and none can be opened (s of the
    /// measured time).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) blackout_at_s: Option<u64>,
    /// For how long; nothing: until the end of the run (s).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) blackout_s: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde has it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// What the command line says otherwise.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Overrides {
    /// Virtual users of a fleet that are connected, in place of the scenario's
    #[arg(long)]
    pub(crate) users: Option<usize>,
    /// Virtual users that follow the room, in place of the scenario's
    #[arg(long)]
    pub(crate) members: Option<usize>,
    /// Those of them that write, in place of the scenario's
    #[arg(long)]
    pub(crate) senders: Option<usize>,
    /// Messages a second of all senders together, in place of the scenario's
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// Characters of a message, in place of the scenario's
    #[arg(long)]
    pub(crate) message_chars: Option<usize>,
    /// Between two acts of one of the fastest users of a fleet, in place of the scenario's (s)
    #[arg(long)]
    pub(crate) think_s: Option<f64>,
    /// Time over which connections are opened, in place of the scenario's (s)
    #[arg(long)]
    pub(crate) ramp_s: Option<u64>,
    /// Time that counts for no figure, in place of the scenario's (s)
    #[arg(long)]
    pub(crate) warm_up_s: Option<u64>,
    /// Time that is measured, in place of the scenario's (s)
    #[arg(long)]
    pub(crate) duration_s: Option<u64>,
    /// Longest wait for what is missing at the end, in place of the scenario's (s)
    #[arg(long)]
    pub(crate) drain_s: Option<u64>,
    /// Each sender sends when its last message was answered, whatever the rate
    #[arg(long)]
    pub(crate) closed_loop: bool,
    /// When all connections are dropped at once, in place of the scenario's, as 20,50 (s of the measured time)
    #[arg(long, value_delimiter = ',')]
    pub(crate) storms_at_s: Option<Vec<u64>>,
    /// When all connections are dropped and none can be opened, in place of the scenario's (s of the measured time)
    #[arg(long)]
    pub(crate) blackout_at_s: Option<u64>,
    /// For how long, in place of the scenario's (s)
    #[arg(long)]
    pub(crate) blackout_s: Option<u64>,
}

impl Overrides {
    /// The same with another rate.
    pub(crate) fn at_rate(mut self, rate: f64) -> Self {
        self.rate = Some(rate);
        self
    }
}

impl Scenario {
    /// With what the command line says otherwise, unchecked.
    pub(crate) fn with(self, other: Overrides) -> Result<Self, ScenarioError> {
        if let Some(users) = other.users {
            return Err(invalid("users", &users, "a room has --members"));
        }
        if let Some(think_s) = other.think_s {
            return Err(invalid("think_s", &think_s, "for a fleet alone"));
        }
        // Who asks for fewer members alone wants no more senders than that.
        let senders = other
            .members
            .map_or(self.senders, |members| self.senders.min(members));
        Ok(Self {
            members: other.members.unwrap_or(self.members),
            senders: other.senders.unwrap_or(senders),
            rate: other.rate.unwrap_or(self.rate),
            message_chars: other.message_chars.unwrap_or(self.message_chars),
            ramp_s: other.ramp_s.unwrap_or(self.ramp_s),
            warm_up_s: other.warm_up_s.unwrap_or(self.warm_up_s),
            duration_s: other.duration_s.unwrap_or(self.duration_s),
            drain_s: other.drain_s.unwrap_or(self.drain_s),
            closed_loop: other.closed_loop || self.closed_loop,
            storms_at_s: other.storms_at_s.unwrap_or(self.storms_at_s),
            blackout_at_s: other.blackout_at_s.or(self.blackout_at_s),
            blackout_s: other.blackout_s.or(self.blackout_s),
            ..self
        })
    }

    /// Whether what is of a room alone can be run.
    pub(crate) fn check(&self) -> Result<(), ScenarioError> {
        if self.members == 0 {
            let rule = "somebody has to follow the room";
            return Err(invalid("members", &self.members, rule));
        }
        if self.senders == 0 || self.senders > self.members {
            let rule = "from 1 to as many as members";
            return Err(invalid("senders", &self.senders, rule));
        }
        self.check_troubles()
    }

    /// Storms and a blackout come one after another in the measured time, and
    /// leave some of it calm.
    fn check_troubles(&self) -> Result<(), ScenarioError> {
        let storms = &self.storms_at_s;
        let follow = storms
            .windows(2)
            .all(|two| two[1] >= two[0].saturating_add(APART_S));
        let within = storms.iter().all(|at| (1..self.duration_s).contains(at));
        if !follow || !within {
            return Err(invalid(
                "storms_at_s",
                &format!("{storms:?}"),
                "each within duration_s, not at 0, and at least 5 s after the one before",
            ));
        }
        let Some(at) = self.blackout_at_s else {
            return match self.blackout_s {
                None => Ok(()),
                Some(seconds) => Err(invalid("blackout_s", &seconds, "needs blackout_at_s")),
            };
        };
        if !(1..self.duration_s).contains(&at) || !storms.is_empty() {
            return Err(invalid(
                "blackout_at_s",
                &at,
                "within duration_s, not at 0, and without storms_at_s",
            ));
        }
        match self.blackout_s {
            Some(seconds) if seconds == 0 || seconds > LONGEST_S => {
                Err(invalid("blackout_s", &seconds, "from 1 s to a week"))
            }
            _ => Ok(()),
        }
    }

    /// How often everybody comes back.
    pub(crate) fn returns(&self) -> u64 {
        self.storms_at_s.len() as u64 + u64::from(self.blackout_s.is_some())
    }

    /// Whether connections are taken away.
    pub(crate) const fn has_troubles(&self) -> bool {
        !self.storms_at_s.is_empty() || self.blackout_at_s.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> Scenario {
        toml::from_str(&text(name).unwrap()).unwrap()
    }

    #[test]
    fn the_command_line_is_stronger() {
        let overrides = Overrides {
            members: Some(7),
            senders: Some(2),
            ..Overrides::default()
        };
        let scenario = find("room").with(overrides).unwrap();
        assert_eq!((scenario.members, scenario.senders), (7, 2));
        let overrides = Overrides {
            members: Some(7),
            ..Overrides::default()
        };
        let scenario = find("room").with(overrides).unwrap();
        assert_eq!((scenario.members, scenario.senders), (7, 7));
    }

    #[test]
    fn what_cannot_be_run_is_told_with_its_field() {
        let unknown = text("rom").unwrap_err().to_string();
        assert!(unknown.contains("room"), "{unknown}");
        let refused = |change: fn(&mut Scenario)| {
            let mut scenario = find("storm");
            change(&mut scenario);
            scenario.check().unwrap_err().to_string()
        };
        assert!(refused(|it| it.members = 0).contains("members"));
        assert!(refused(|it| it.senders = it.members + 1).contains("senders"));
        assert!(refused(|it| it.storms_at_s = vec![0]).contains("storms_at_s"));
        assert!(refused(|it| it.storms_at_s = vec![5, 6]).contains("storms_at_s"));
        assert!(refused(|it| it.storms_at_s = vec![it.duration_s]).contains("storms_at_s"));
        assert!(refused(|it| it.blackout_at_s = Some(5)).contains("blackout_at_s"));
        assert!(refused(|it| it.blackout_s = Some(5)).contains("blackout_s"));
    }
}
