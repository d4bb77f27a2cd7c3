//! Whether people can use it, what is being changed, and what is wrong.

use super::{
    super::{
        apply::{Applied, Migration},
        live,
    },
    Component, Verdict,
    databases::migrations_applied,
};

/// Whether people can use it: one pod of each that they need.
pub(super) fn ready(applied: &Applied) -> Verdict {
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

/// The name of a managed store that is not ready.
pub(super) fn store_missing(applied: &Applied, component: Component) -> Option<&'static str> {
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

/// Whether something is being changed.
pub(super) fn progressing(applied: &Applied) -> Verdict {
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

/// Whether somebody has to look at it.
pub(super) fn degraded(applied: &Applied) -> Verdict {
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
