//! Telling what was found: in the status, and in Events where it changed.

use std::time::Duration;

use k8s_openapi::{
    api::apps::v1::Deployment, apimachinery::pkg::apis::meta::v1::Condition, jiff::Timestamp,
};
use kube::{
    Resource as _, ResourceExt as _,
    api::{Patch, PatchParams},
    runtime::{
        controller::Action,
        events::{Event, EventType},
    },
};
use serde_json::json;

use crate::{
    api::{ChatDeployment, ChatDeploymentStatus},
    component::Component,
};

use super::{
    Context, LOOK_AGAIN, LOOK_ANYWAY, LOOK_LATER, Pass, ReconcileError,
    conditions::{self, Verdict},
    context::FIELD_MANAGER,
    error::is_missing,
    live,
    load::Found,
};

/// How long something under way is looked at often.
const SOON: Duration = Duration::from_mins(3);
/// Longest note of an Event, as the API server takes it (bytes).
const MOST_BYTES: usize = 1_000;

/// Writes what a pass came to, and says when to look again.
pub(super) async fn write(
    chat: &ChatDeployment,
    context: &Context,
    pass: &Pass,
) -> Result<Action, ReconcileError> {
    let mut status = chat.status.clone().unwrap_or_default();
    let (verdicts, action) = match pass {
        Pass::Deleted => return Ok(Action::await_change()),
        Pass::Paused => (conditions::of_paused(), Action::await_change()),
        Pass::Invalid(problems) => {
            let serves = serves(chat, context).await?;
            // The Secrets that it names are watched.
            (
                conditions::of_problems(problems, serves),
                Action::requeue(LOOK_ANYWAY),
            )
        }
        Pass::Applied(applied) => {
            let verdicts = conditions::of_applied(applied);
            status.endpoint = Some(applied.endpoint.clone());
            status.components = conditions::components(applied);
            status.database_connections = Some(applied.connections.clone());
            if let Some(last) = applied
                .backups
                .as_ref()
                .and_then(|found| found.last.clone())
            {
                status.last_backup = Some(last);
            }
            status.restored.clone_from(&applied.restored);
            if let Some(version) = conditions::running_version(applied) {
                status.version = Some(version);
            }
            let pause = look_again(&verdicts, &status.conditions, Timestamp::now());
            (verdicts, Action::requeue(pause))
        }
    };
    replace(chat, context, status, &verdicts).await?;
    if let Pass::Applied(applied) = pass {
        tell_changes(chat, context, &applied.load).await;
    }
    Ok(action)
}

/// Tells why the operator has chosen other numbers of pods.
async fn tell_changes(chat: &ChatDeployment, context: &Context, applied: &Found) {
    let uid = chat.uid().unwrap_or_default();
    for change in context.load.take_changes(&uid, applied) {
        let (reason, direction) = if change.to > change.from {
            ("ScaledUp", "up")
        } else {
            ("ScaledDown", "down")
        };
        metrics::counter!(
            "plaza_operator_scalings_total",
            "part" => change.component.name(), "direction" => direction
        )
        .increment(1);
        let note = format!(
            "{} from {} to {} pods: {}",
            change.component, change.from, change.to, change.why
        );
        tracing::info!(chat = chat.name_any(), note, "scaled");
        publish(chat, context, EventType::Normal, reason, note).await;
    }
}

/// When to look again at a chat that was applied.
fn look_again(verdicts: &[Verdict], before: &[Condition], now: Timestamp) -> Duration {
    let progressing = verdicts
        .iter()
        .any(|verdict| verdict.kind == "Progressing" && verdict.holds == Some(true));
    if !progressing {
        return if verdicts.iter().any(Verdict::is_bad) {
            LOOK_LATER
        } else {
            LOOK_ANYWAY
        };
    }
    let since = before
        .iter()
        .find(|condition| condition.type_ == "Progressing" && condition.status == "True")
        .map_or(now, |condition| condition.last_transition_time.0);
    let elapsed = now.duration_since(since).unsigned_abs();
    if elapsed < SOON {
        LOOK_AGAIN
    } else {
        LOOK_LATER
    }
}

/// Writes that something failed, as far as that can be written at all.
pub(super) async fn write_error(chat: &ChatDeployment, context: &Context, error: &ReconcileError) {
    // Two writers at once, or an API server that is away: it is no news for
    // who reads the status.
    if matches!(error.reason(), "Conflict" | "ApiUnavailable") {
        return;
    }
    let status = chat.status.clone().unwrap_or_default();
    let mut verdicts = conditions::of_error(error.reason(), &error.message());
    let known = status
        .conditions
        .iter()
        .any(|condition| condition.type_ == "Ready");
    if !known {
        verdicts.insert(
            0,
            Verdict::new("Ready", None, error.reason(), error.message()),
        );
    }
    if let Err(error) = replace(chat, context, status, &verdicts).await {
        tracing::debug!(error = %error, "the status could not be written either");
    }
}

/// Writes the status, if it says anything new.
async fn replace(
    chat: &ChatDeployment,
    context: &Context,
    mut status: ChatDeploymentStatus,
    verdicts: &[Verdict],
) -> Result<(), ReconcileError> {
    let before = chat.status.clone().unwrap_or_default();
    status.observed_generation = chat.metadata.generation;
    status.conditions = conditions::merged(
        &before.conditions,
        verdicts,
        chat.metadata.generation,
        Timestamp::now(),
    );
    if status != before {
        let name = chat.name_any();
        let namespace = chat.namespace().unwrap_or_default();
        let patch = json!({
            "apiVersion": ChatDeployment::api_version(&()),
            "kind": ChatDeployment::kind(&()),
            "metadata": {"name": name},
            "status": status,
        });
        let written = context
            .api::<ChatDeployment>(&namespace)
            .patch_status(
                &name,
                &PatchParams::apply(FIELD_MANAGER).force(),
                &Patch::Apply(patch),
            )
            .await;
        match written {
            Ok(_) => {}
            // It was deleted meanwhile.
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => {
                return Err(ReconcileError::api(
                    "write the status of",
                    format!("ChatDeployment {name}"),
                )(error));
            }
        }
    }
    for verdict in conditions::transitions(&before.conditions, verdicts) {
        let kind = if verdict.is_bad() {
            EventType::Warning
        } else {
            EventType::Normal
        };
        let note = format!("{}: {}", verdict.kind, verdict.message);
        publish(chat, context, kind, &verdict.reason, note).await;
    }
    Ok(())
}

/// An Event that cannot be written is no reason to do everything again.
async fn publish(
    chat: &ChatDeployment,
    context: &Context,
    kind: EventType,
    reason: &str,
    mut note: String,
) {
    while note.len() > MOST_BYTES {
        note.pop();
    }
    let event = Event {
        type_: kind,
        reason: reason.to_owned(),
        note: Some(note),
        action: "Reconcile".to_owned(),
        secondary: None,
    };
    if let Err(error) = context
        .recorder
        .publish(&event, &chat.object_ref(&()))
        .await
    {
        tracing::warn!(error = %error, reason, "an Event could not be written");
    }
}

/// Whether what ran before serves people still.
async fn serves(chat: &ChatDeployment, context: &Context) -> Result<bool, ReconcileError> {
    let name = Component::Gateway.of(&chat.name_any());
    let namespace = chat.namespace().unwrap_or_default();
    let gateway = context
        .api::<Deployment>(&namespace)
        .get_opt(&name)
        .await
        .map_err(ReconcileError::api("read", format!("Deployment {name}")))?;
    Ok(live::deployment_status("gateway", gateway.as_ref()).ready > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_looked_at_less() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let progressing = |holds| vec![Verdict::new("Progressing", holds, "R", "")];
        let said = |holds| conditions::merged(&[], &progressing(holds), None, at(0));
        let look =
            |holds, before: &[Condition], now| look_again(&progressing(holds), before, at(now));
        assert_eq!(look(true, &[], 0), LOOK_AGAIN);
        assert_eq!(look(true, &said(true), 60), LOOK_AGAIN);
        assert_eq!(look(true, &said(true), 600), LOOK_LATER);
        assert_eq!(
            look(true, &said(false), 600),
            LOOK_AGAIN,
            "it has just begun"
        );
        assert_eq!(look(false, &said(true), 600), LOOK_ANYWAY);
        let mut bad = progressing(false);
        bad.push(Verdict::new("Degraded", true, "R", ""));
        assert_eq!(look_again(&bad, &[], at(0)), LOOK_LATER);
    }
}
