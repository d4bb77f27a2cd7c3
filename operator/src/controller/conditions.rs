//! From what was found to conditions. Pure.
//!
//! Types and reasons are for programs and stay what they are; messages are for
//! people and name the object at fault.

mod backups;
mod realtime;

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};

use crate::{api::ComponentStatus, component::Component, validate::Problem};

use super::{
    apply::{Applied, Migration, Monitoring},
    live,
};

use backups::{backup_succeeded, restored};
use realtime::{realtime_ready, scaling};

/// Longest message, as the API server takes it (characters).
const MOST_CHARACTERS: usize = 4_000;

/// What a condition says, before it has a time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Verdict {
    pub(super) kind: &'static str,
    /// `None`: it is not known.
    pub(super) holds: Option<bool>,
    pub(super) reason: String,
    pub(super) message: String,
}

impl Verdict {
    pub(super) fn new(
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

    fn status(&self) -> &'static str {
        match self.holds {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        }
    }

    /// Whether it is something that somebody has to look at.
    pub(super) fn is_bad(&self) -> bool {
        match self.kind {
            "Ready" | "DatabaseReady" | "MigrationsApplied" | "RealtimeReady" | "Restored"
            | "BackupSucceeded" => {
                self.holds == Some(false)
                    && !matches!(
                        self.reason.as_str(),
                        "Hibernated" | "Disabled" | "Starting" | "Migrating" | "Restoring"
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

/// Pods of each part.
pub(super) fn components(applied: &Applied) -> Vec<ComponentStatus> {
    let parts = applied
        .parts
        .iter()
        .map(|(component, live)| live::deployment_status(component.name(), live.as_ref()));
    let stores = applied
        .stores
        .iter()
        .map(|(component, store)| live::stateful_set_status(component.name(), Some(store)));
    parts.chain(stores).collect()
}

/// The version that all parts run; `None` while they do not run one alone.
pub(super) fn running_version(applied: &Applied) -> Option<String> {
    let all = applied
        .parts
        .iter()
        .all(|(_, live)| live.as_ref().is_some_and(live::is_rolled_out));
    (all && applied.migration == Migration::Done).then(|| applied.version.clone())
}

/// Of a chat that was applied.
pub(super) fn of_applied(applied: &Applied) -> Vec<Verdict> {
    let mut verdicts = vec![
        ready(applied),
        progressing(applied),
        degraded(applied),
        not_paused(),
        database_ready(applied),
        migrations_applied(applied),
        realtime_ready(applied),
        scaling(applied),
        monitored(applied),
        backup_succeeded(applied),
    ];
    verdicts.extend(restored(applied));
    verdicts
}

/// Of a chat whose spec cannot be built; what runs goes on.
pub(super) fn of_problems(problems: &[Problem], serves: bool) -> Vec<Verdict> {
    let reason = problems
        .first()
        .map_or("InvalidSpec", |problem| problem.reason.name());
    let words: Vec<&str> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    let words = words.join("; ");
    let ready = if serves {
        Verdict::new(
            "Ready",
            true,
            "SpecNotApplied",
            format!("what ran before goes on, but the spec was not applied: {words}"),
        )
    } else {
        Verdict::new("Ready", false, reason, words.clone())
    };
    let mut verdicts = vec![
        ready,
        Verdict::new(
            "Progressing",
            false,
            reason,
            format!("nothing is changed until this is mended: {words}"),
        ),
        Verdict::new("Degraded", true, reason, words),
        not_paused(),
    ];
    if let Some(of_database) = problems
        .iter()
        .find(|problem| problem.field.starts_with("spec.postgres"))
    {
        verdicts.push(Verdict::new(
            "DatabaseReady",
            false,
            of_database.reason.name(),
            of_database.message.clone(),
        ));
    }
    if let Some(of_redis) = problems
        .iter()
        .find(|problem| problem.field.starts_with("spec.redis"))
    {
        verdicts.push(Verdict::new(
            "RealtimeReady",
            false,
            of_redis.reason.name(),
            of_redis.message.clone(),
        ));
    }
    verdicts
}

/// Of a chat that is left alone.
pub(super) fn of_paused() -> Vec<Verdict> {
    vec![
        Verdict::new(
            "Paused",
            true,
            "Paused",
            "spec.paused is true: the operator changes nothing and looks at nothing",
        ),
        Verdict::new("Progressing", false, "Paused", "spec.paused is true"),
    ]
}

/// Of a chat for which the API server did not do something.
pub(super) fn of_error(reason: &str, message: &str) -> Vec<Verdict> {
    vec![
        Verdict::new("Degraded", true, reason, message),
        Verdict::new(
            "Progressing",
            true,
            reason,
            format!("it is tried again: {message}"),
        ),
    ]
}

fn not_paused() -> Verdict {
    Verdict::new(
        "Paused",
        false,
        "NotPaused",
        "the operator acts on the spec",
    )
}

/// Whether people can use it: one pod of each that they need.
fn ready(applied: &Applied) -> Verdict {
    if applied.hibernated {
        return Verdict::new(
            "Ready",
            false,
            "Hibernated",
            "spec.hibernated is true: nothing runs, and all data is kept. Set it to false to wake it",
        );
    }
    let missing: Vec<&str> = applied
        .parts
        .iter()
        .filter(|(component, _)| !matches!(component, Component::Publisher | Component::Centrifugo))
        .filter(|(component, live)| {
            live::deployment_status(component.name(), live.as_ref()).ready == 0
        })
        .map(|(component, _)| component.name())
        .chain(store_missing(applied, Component::Postgres))
        .collect();
    if missing.is_empty() {
        return Verdict::new(
            "Ready",
            true,
            "Serving",
            format!("people can use it at {}", applied.endpoint),
        );
    }
    let (reason, message) = why_not(applied, &missing);
    Verdict::new("Ready", false, reason, message)
}

fn store_missing(applied: &Applied, component: Component) -> Option<&'static str> {
    applied
        .stores
        .iter()
        .find(|(store, _)| *store == component)
        .filter(|(_, live)| !live::is_ready(live))
        .map(|_| component.name())
}

/// The deepest known reason why parts are not ready.
fn why_not(applied: &Applied, missing: &[&str]) -> (String, String) {
    if applied.migration.has_failed() {
        let verdict = migrations_applied(applied);
        return (verdict.reason, verdict.message);
    }
    let list = missing.join(", ");
    if let Some(trouble) = applied.troubles.first() {
        return (
            trouble.reason.to_owned(),
            format!("no pod is ready of {list}: {}", all_troubles(applied)),
        );
    }
    match &applied.migration {
        Migration::Restores(job) => (
            "Restoring".to_owned(),
            format!("the Job {job} fills the databases from a backup"),
        ),
        Migration::Runs(job) => (
            "Migrating".to_owned(),
            format!(
                "the Job {job} brings the databases to the schema of {}",
                applied.version
            ),
        ),
        _ => (
            "Starting".to_owned(),
            format!("no pod is ready yet of {list}"),
        ),
    }
}

fn all_troubles(applied: &Applied) -> String {
    let words: Vec<&str> = applied
        .troubles
        .iter()
        .map(|trouble| trouble.message.as_str())
        .collect();
    words.join("; ")
}

fn progressing(applied: &Applied) -> Verdict {
    let kind = "Progressing";
    match &applied.migration {
        Migration::Failed { job, .. } => {
            return Verdict::new(
                kind,
                false,
                "MigrationFailed",
                format!("the rollout waits: the Job {job} failed"),
            );
        }
        Migration::RestoreFailed { job, .. } => {
            return Verdict::new(
                kind,
                false,
                "RestoreFailed",
                format!("nothing is started: the Job {job} failed"),
            );
        }
        Migration::Restores(job) => {
            return Verdict::new(
                kind,
                true,
                "Restoring",
                format!(
                    "the Job {job} fills the databases from a backup; the migration comes next"
                ),
            );
        }
        Migration::WaitsForStore => {
            return Verdict::new(
                kind,
                true,
                "WaitingForDatabase",
                "the managed PostgreSQL is starting; the migration comes next",
            );
        }
        Migration::Runs(job) => {
            return Verdict::new(
                kind,
                true,
                "Migrating",
                format!(
                    "the Job {job} brings the databases to the schema of {}",
                    applied.version
                ),
            );
        }
        Migration::Done | Migration::Hibernated => {}
    }
    let unfinished: Vec<String> = applied
        .parts
        .iter()
        .filter(|(_, live)| !live.as_ref().is_some_and(live::is_rolled_out))
        .map(|(component, live)| {
            let status = live::deployment_status(component.name(), live.as_ref());
            format!(
                "{} ({} of {} updated)",
                status.name, status.updated, status.desired
            )
        })
        .collect();
    match (applied.waits_for, unfinished.is_empty()) {
        (_, true) => Verdict::new(kind, false, "Settled", "every part is as the spec asks"),
        (Some(component), false) => Verdict::new(
            kind,
            true,
            "RollingOut",
            format!(
                "{component} is rolled out; unfinished: {}",
                unfinished.join(", ")
            ),
        ),
        (None, false) => Verdict::new(
            kind,
            true,
            "RollingOut",
            format!("unfinished: {}", unfinished.join(", ")),
        ),
    }
}

fn degraded(applied: &Applied) -> Verdict {
    let kind = "Degraded";
    if applied.migration.has_failed() {
        let verdict = migrations_applied(applied);
        return Verdict::new(kind, true, verdict.reason, verdict.message);
    }
    match applied.troubles.first() {
        Some(trouble) => Verdict::new(kind, true, trouble.reason, all_troubles(applied)),
        None => Verdict::new(kind, false, "NoTrouble", "nothing is known to be wrong"),
    }
}

fn trouble_of(applied: &Applied, component: Component) -> Option<&super::diagnose::Trouble> {
    applied
        .troubles
        .iter()
        .find(|trouble| trouble.component == component.name())
}

fn database_ready(applied: &Applied) -> Verdict {
    let kind = "DatabaseReady";
    if applied.hibernated {
        return Verdict::new(kind, false, "Hibernated", "spec.hibernated is true");
    }
    if let Some((_, store)) = applied
        .stores
        .iter()
        .find(|(component, _)| *component == Component::Postgres)
    {
        let name = store.metadata.name.as_deref().unwrap_or_default();
        return match (
            live::is_ready(store),
            trouble_of(applied, Component::Postgres),
        ) {
            (true, _) => Verdict::new(
                kind,
                true,
                "Answers",
                format!("StatefulSet {name} is ready"),
            ),
            (false, Some(trouble)) => {
                Verdict::new(kind, false, trouble.reason, trouble.message.clone())
            }
            (false, None) => Verdict::new(
                kind,
                false,
                "Starting",
                format!("the pod of StatefulSet {name} is not ready yet"),
            ),
        };
    }
    let reached = applied
        .parts
        .iter()
        .filter(|(component, _)| Component::WITH_DATABASE.contains(component))
        .all(|(component, live)| {
            live::deployment_status(component.name(), live.as_ref()).ready > 0
        });
    match (&applied.migration, reached) {
        (_, true) => Verdict::new(
            kind,
            true,
            "Answers",
            "auth, rooms and messages reach their databases",
        ),
        (Migration::Failed { .. }, _) => {
            let verdict = migrations_applied(applied);
            Verdict::new(kind, false, verdict.reason, verdict.message)
        }
        (Migration::Done, false) => Verdict::new(
            kind,
            None,
            "NotReached",
            "the migration reached the databases, but not every service has a ready pod",
        ),
        _ => Verdict::new(kind, None, "NotTried", "the migration has not ended yet"),
    }
}

fn migrations_applied(applied: &Applied) -> Verdict {
    let kind = "MigrationsApplied";
    match &applied.migration {
        Migration::Done => Verdict::new(
            kind,
            true,
            "Applied",
            format!("the databases have the schema of {}", applied.version),
        ),
        Migration::Runs(job) => match trouble_of(applied, Component::Migrate) {
            Some(trouble) => Verdict::new(
                kind,
                false,
                "Migrating",
                format!("the Job {job} is tried again: {}", trouble.message),
            ),
            None => Verdict::new(kind, false, "Migrating", format!("the Job {job} runs")),
        },
        Migration::WaitsForStore => Verdict::new(
            kind,
            false,
            "Starting",
            "the managed PostgreSQL is not ready yet",
        ),
        Migration::Restores(job) => Verdict::new(
            kind,
            false,
            "Restoring",
            format!("the Job {job} fills the databases from a backup first"),
        ),
        Migration::RestoreFailed { job, why } => restored(applied).map_or_else(
            || {
                Verdict::new(
                    kind,
                    false,
                    "RestoreFailed",
                    format!("the Job {job} failed: {why}"),
                )
            },
            |verdict| Verdict { kind, ..verdict },
        ),
        Migration::Hibernated => {
            Verdict::new(kind, None, "Hibernated", "it runs when the chat is woken")
        }
        Migration::Failed { job, why } => {
            let told = trouble_of(applied, Component::Migrate)
                .map_or_else(|| why.clone(), |trouble| trouble.message.clone());
            Verdict::new(
                kind,
                false,
                "MigrationFailed",
                format!(
                    "the Job {job} failed, and the version before goes on serving: {told}. Mend it, then delete the Job to \
                     have it run again"
                ),
            )
        }
    }
}

fn monitored(applied: &Applied) -> Verdict {
    let kind = "Monitored";
    match &applied.monitoring {
        Monitoring::Disabled => {
            Verdict::new(kind, false, "Disabled", "spec.monitoring.enabled is false")
        }
        Monitoring::Told => Verdict::new(kind, true, "Told", "Prometheus' operator is told"),
        Monitoring::Unknown(kinds) => Verdict::new(
            kind,
            false,
            "NoPrometheusOperator",
            format!(
                "the cluster does not know {}: install the CRDs of Prometheus' operator, or set \
                 spec.monitoring.enabled to false. All else was applied",
                kinds.join(" and ")
            ),
        ),
    }
}

/// The conditions that are to stand: verdicts over what was said before. The
/// time of a condition is that of its last change of status.
pub(super) fn merged(
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
pub(super) fn transitions<'a>(before: &[Condition], verdicts: &'a [Verdict]) -> Vec<&'a Verdict> {
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

#[cfg(test)]
mod tests;
