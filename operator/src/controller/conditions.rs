//! From what was found to conditions. Pure.
//!
//! Types and reasons are for programs and stay what they are; messages are for
//! people and name the object at fault.

mod backups;
mod databases;
mod realtime;
mod rotation;
mod serving;
mod verdict;

use crate::{api::ComponentStatus, component::Component, validate::Problem};

use super::{
    apply::{Applied, Migration, Monitoring},
    live,
};

use backups::{backup_succeeded, restored};
use databases::{database_ready, migrations_applied};
use realtime::{realtime_ready, scaling};
use rotation::keys_rotated;
use serving::{degraded, progressing, ready};
pub(super) use verdict::{Verdict, merged, transitions};

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
    verdicts.extend(keys_rotated(applied));
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

/// What keeps the pods of one part from being ready.
fn trouble_of(applied: &Applied, component: Component) -> Option<&super::diagnose::Trouble> {
    applied
        .troubles
        .iter()
        .find(|trouble| trouble.component == component.name())
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

#[cfg(test)]
mod tests;
