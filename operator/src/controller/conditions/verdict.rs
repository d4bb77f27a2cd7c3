//! What a condition says, and when it began to say so. Pure.

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};

/// Longest message, as the API server takes it (characters).
const MOST_CHARACTERS: usize = 4_000;

/// What a condition says, before it has a time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::controller) struct Verdict {
    pub(in crate::controller) kind: &'static str,
    /// `None`: it is not known.
    pub(in crate::controller) holds: Option<bool>,
    pub(in crate::controller) reason: String,
    pub(in crate::controller) message: String,
}

impl Verdict {
    pub(in crate::controller) fn new(
        kind: &'static str,
        holds: impl Into<Option<bool>>,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            holds: holds.into(),
            reason: reason.into(),
            message: message.into(),
        }
    }

    pub(in crate::controller) fn status(&self) -> &'static str {
        match self.holds {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        }
    }

    /// Whether it is something that somebody has to look at.
    pub(in crate::controller) fn is_bad(&self) -> bool {
        match self.kind {
            "Ready" | "DatabaseReady" | "MigrationsApplied" | "RealtimeReady" | "Restored"
            | "BackupSucceeded" | "KeysRotated" => {
                self.holds == Some(false)
                    && !matches!(
                        self.reason.as_str(),
                        "Hibernated"
                            | "Disabled"
                            | "Starting"
                            | "Migrating"
                            | "Restoring"
                            | "Rotating"
                    )
            }
            "Scaling" | "Monitored" => {
                self.holds == Some(false)
                    && !matches!(self.reason.as_str(), "Hibernated" | "Disabled")
            }
            "Degraded" => self.holds == Some(true),
            _ => false,
        }
    }
}

/// The conditions that are to stand: verdicts over what was said before. The
/// time of a condition is that of its last change of status.
pub(in crate::controller) fn merged(
    before: &[Condition],
    verdicts: &[Verdict],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let mut conditions = before.to_vec();
    for verdict in verdicts {
        let known = conditions
            .iter()
            .position(|condition| condition.type_ == verdict.kind);
        let since = known
            .map(|place| &conditions[place])
            .filter(|condition| condition.status == verdict.status())
            .map_or(now, |condition| condition.last_transition_time.0);
        let condition = Condition {
            type_: verdict.kind.to_owned(),
            status: verdict.status().to_owned(),
            reason: verdict.reason.clone(),
            message: verdict.message.chars().take(MOST_CHARACTERS).collect(),
            observed_generation: generation,
            last_transition_time: Time(since),
        };
        match known {
            Some(place) => conditions[place] = condition,
            None => conditions.push(condition),
        }
    }
    conditions
}

/// Those that say something else than before, and are worth an Event: another
/// status, or another reason for something bad.
pub(in crate::controller) fn transitions<'a>(
    before: &[Condition],
    verdicts: &'a [Verdict],
) -> Vec<&'a Verdict> {
    verdicts
        .iter()
        .filter(|verdict| {
            let known = before
                .iter()
                .find(|condition| condition.type_ == verdict.kind);
            match known {
                Some(known) => {
                    known.status != verdict.status()
                        || (verdict.is_bad() && known.reason != verdict.reason)
                }
                None => verdict.is_bad() || verdict.holds == Some(true),
            }
        })
        .collect()
}
