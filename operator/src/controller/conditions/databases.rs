//! The conditions of the databases and their schema.

use super::{
    super::{
        apply::{Applied, Migration},
        live,
    },
    Component, Verdict,
    backups::restored,
    trouble_of,
};

/// Whether its databases answer.
pub(super) fn database_ready(applied: &Applied) -> Verdict {
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

/// Whether they have the schema of the version that was asked for.
pub(super) fn migrations_applied(applied: &Applied) -> Verdict {
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
