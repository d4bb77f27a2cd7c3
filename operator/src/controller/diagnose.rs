//! What keeps pods from being ready, in words that say what to do.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{
    ContainerStateTerminated, ContainerStatus, Event, PersistentVolumeClaim, Pod,
};
use kube::{ResourceExt as _, api::ListParams};

use crate::{
    build::{COMPONENT_LABEL, INSTANCE_LABEL, selector},
    component::Component,
};

use super::{Context, ReconcileError};

/// Objects of a kind that are looked at.
const MOST: u32 = 500;
/// Characters of what others say that are repeated.
const MOST_WORDS: usize = 500;

/// One thing that keeps a part from being ready.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Trouble {
    /// The part, by its name.
    pub(super) component: String,
    /// In a word; these words are kept.
    pub(super) reason: &'static str,
    /// Which object, what is wrong, and what to do.
    pub(super) message: String,
}

/// Looks at the pods of a chat, at its volumes, and at what could not be made.
pub(super) async fn troubles(
    context: &Context,
    namespace: &str,
    chat: &str,
) -> Result<Vec<Trouble>, ReconcileError> {
    let pods = context
        .api::<Pod>(namespace)
        .list(&ListParams::default().labels(&selector(chat)).limit(MOST))
        .await
        .map_err(ReconcileError::api("list", "Pods"))?;
    let claims = context
        .api::<PersistentVolumeClaim>(namespace)
        .list(&ListParams::default().labels(&selector(chat)).limit(MOST))
        .await
        .map_err(ReconcileError::api("list", "PersistentVolumeClaims"))?;
    let refused = context
        .api::<Event>(namespace)
        .list(
            &ListParams::default()
                .fields("reason=FailedCreate")
                .limit(MOST),
        )
        .await
        .map_err(ReconcileError::api("list", "Events"))?;
    let mut troubles = of_claims(&claims.items);
    troubles.extend(of_pods(&pods.items));
    troubles.extend(of_refused(&refused.items, chat, &pods.items));
    // Backups have a condition of their own.
    troubles.retain(|trouble| trouble.component != Component::Backup.name());
    let mut told = BTreeSet::new();
    troubles.retain(|trouble| told.insert((trouble.component.clone(), trouble.reason)));
    Ok(troubles)
}

/// Volumes that nobody provides.
pub(super) fn of_claims(claims: &[PersistentVolumeClaim]) -> Vec<Trouble> {
    claims
        .iter()
        .filter(|claim| {
            let phase = claim.status.as_ref().and_then(|status| status.phase.as_deref());
            phase == Some("Pending")
        })
        .filter_map(|claim| {
            let component = component(claim.labels())?;
            let class = claim.spec.as_ref().and_then(|spec| spec.storage_class_name.as_deref());
            // With a class, a claim may wait for its pod: that is no trouble.
            let None = class else { return None };
            let advice = if component == Component::Backup.name() {
                "Mark one as the default; or remove spec.backup, delete the claim, and name one in \
                 spec.backup.volume.storageClassName"
                    .to_owned()
            } else {
                format!(
                    "Name one in spec.{component}.managed.storage.storageClassName of a new ChatDeployment, or mark one \
                     as the default"
                )
            };
            Some(Trouble {
                reason: "NoStorageClass",
                message: format!(
                    "PersistentVolumeClaim {} waits for a volume: the cluster has no default StorageClass. {advice}",
                    claim.name_any()
                ),
                component,
            })
        })
        .collect()
}

pub(super) fn of_pods(pods: &[Pod]) -> Vec<Trouble> {
    pods.iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_none())
        .filter_map(|pod| {
            let component = component(pod.labels())?;
            let name = pod.name_any();
            unschedulable(pod, &name)
                .or_else(|| {
                    let status = pod.status.as_ref()?;
                    let before = status.init_container_statuses.iter().flatten();
                    before
                        .chain(status.container_statuses.iter().flatten())
                        .find_map(|status| waiting(status, &name, &component))
                })
                .map(|(reason, message)| Trouble {
                    component: component.clone(),
                    reason,
                    message,
                })
        })
        .collect()
}

fn unschedulable(pod: &Pod, name: &str) -> Option<(&'static str, String)> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|condition| {
        condition.type_ == "PodScheduled"
            && condition.status == "False"
            && condition.reason.as_deref() == Some("Unschedulable")
    })?;
    let words = some_words(condition.message.as_deref());
    Some((
        "Unschedulable",
        format!(
            "Pod {name} fits on no node: {words}. Add nodes, or lower spec…resources.requests, or change spec…scheduling"
        ),
    ))
}

fn waiting(status: &ContainerStatus, pod: &str, component: &str) -> Option<(&'static str, String)> {
    let last = status
        .last_state
        .as_ref()
        .and_then(|state| state.terminated.as_ref());
    let now = status.state.as_ref();
    // A pod that is never started again has its end here.
    let ended = now
        .and_then(|state| state.terminated.as_ref())
        .filter(|ended| ended.exit_code != 0);
    let words_of_end = |ended: &ContainerStateTerminated| words_of_end(ended, component);
    if let Some(ended) = ended {
        let words = words_of_end(ended);
        return Some(("PodFailed", format!("Pod {pod} failed: {words}")));
    }
    let waiting = now?.waiting.as_ref()?;
    let words = some_words(waiting.message.as_deref());
    let image = &status.image;
    match waiting.reason.as_deref()? {
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => Some((
            "ImageCannotBePulled",
            format!(
                "Pod {pod} cannot have its image {image}: {words}. Check spec.image (registry, names, pullSecrets) and \
                 spec.version"
            ),
        )),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => Some((
            "ContainerCannotStart",
            format!("the container of Pod {pod} cannot be started: {words}"),
        )),
        "CrashLoopBackOff" => {
            let words = last.map_or_else(|| "it says nothing".to_owned(), words_of_end);
            Some((
                "PodCrashes",
                format!("Pod {pod} ends again and again: {words}"),
            ))
        }
        _ => None,
    }
}

fn words_of_end(ended: &ContainerStateTerminated, component: &str) -> String {
    if ended.reason.as_deref() == Some("OOMKilled") {
        let advice = match component {
            "migrate" | "backup" | "restore" => String::new(),
            _ => format!(". Raise the limit in spec.{component}.resources"),
        };
        return format!("it took more memory than its limit{advice}");
    }
    match last_words(ended.message.as_deref()) {
        words if words.is_empty() => format!("it ended with code {}", ended.exit_code),
        words => words,
    }
}

/// What the newest of these pods said when it failed; `None`: none did.
pub(super) fn last_words_of<'a>(pods: impl Iterator<Item = &'a Pod>) -> Option<String> {
    let failed = pods.filter_map(|pod| {
        let status = pod.status.as_ref()?;
        let before = status.init_container_statuses.iter().flatten();
        let mut statuses = before.chain(status.container_statuses.iter().flatten());
        statuses.find_map(|status| {
            let ended = status.state.as_ref()?.terminated.as_ref()?;
            (ended.exit_code != 0).then_some((pod.metadata.creation_timestamp.as_ref(), ended))
        })
    });
    let (_, newest) = failed.max_by_key(|(at, _)| at.map(|at| at.0))?;
    Some(words_of_end(newest, Component::Backup.name()))
}

/// Pods that the API server refuses to make: a quota, or a policy. Events stay
/// for an hour, so only what has no pod counts.
fn of_refused(events: &[Event], chat: &str, pods: &[Pod]) -> Vec<Trouble> {
    events
        .iter()
        .filter_map(|event| {
            let object = &event.involved_object;
            let name = object.name.as_deref()?;
            let part = name.strip_prefix(chat)?.strip_prefix('-')?;
            let component = part.split('-').next()?.to_owned();
            let has_pod = pods.iter().any(|pod| pod.name_any().starts_with(name));
            if has_pod {
                return None;
            }
            let words = some_words(event.message.as_deref());
            let reason = if words.contains("exceeded quota") {
                "QuotaExceeded"
            } else {
                "PodRefused"
            };
            let kind = object.kind.as_deref().unwrap_or("object");
            Some(Trouble {
                component,
                reason,
                message: format!(
                    "{kind} {name} cannot make its pods: {words}. Raise the quota or lower spec…resources; a policy of \
                     the namespace must allow pods of the restricted level"
                ),
            })
        })
        .collect()
}

fn component(labels: &std::collections::BTreeMap<String, String>) -> Option<String> {
    labels.get(INSTANCE_LABEL)?;
    labels.get(COMPONENT_LABEL).cloned()
}

fn some_words(text: Option<&str>) -> String {
    let text = text.unwrap_or("no reason is given").trim();
    let text = text.strip_suffix('.').unwrap_or(text);
    text.chars().take(MOST_WORDS).collect()
}

/// The line of a log that says why: Plaza's own last line, `plaza: …`, or the
/// last one.
fn last_words(log: Option<&str>) -> String {
    let lines: Vec<&str> = log
        .unwrap_or_default()
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let own = lines
        .iter()
        .rev()
        .find_map(|line| line.strip_prefix("plaza: "));
    let words = own.or(lines.last().copied()).unwrap_or_default();
    words.chars().take(MOST_WORDS).collect()
}

#[cfg(test)]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a JSON value is written where it is needed"
)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(component: &str, status: Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": {
                "name": format!("chat-{component}-1"),
                "labels": {INSTANCE_LABEL: "chat", COMPONENT_LABEL: component},
            },
            "status": status,
        }))
        .unwrap()
    }

    fn container(state: Value, last: Value) -> Value {
        json!({"containerStatuses": [{
            "name": "a", "image": "plaza:1", "imageID": "", "ready": false, "restartCount": 1,
            "state": state, "lastState": last,
        }]})
    }

    fn one(pod: Pod) -> Trouble {
        let mut troubles = of_pods(&[pod]);
        assert_eq!(troubles.len(), 1);
        troubles.remove(0)
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_named() {
        let state = json!({"waiting": {"reason": "ImagePullBackOff", "message": "not found."}});
        let trouble = one(pod("rooms", container(state, json!({}))));
        assert_eq!(
            (trouble.component.as_str(), trouble.reason),
            ("rooms", "ImageCannotBePulled")
        );
        assert!(
            trouble
                .message
                .contains("plaza:1: not found. Check spec.image"),
            "{}",
            trouble.message
        );
    }

    #[test]
    fn a_pod_that_crashes_says_why() {
        let state = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        let log = "{\"level\":\"INFO\"}\nplaza: cannot read the epoch\n{\"level\":\"ERROR\"}\n";
        let last = json!({"terminated": {"exitCode": 1, "message": log}});
        let trouble = one(pod("auth", container(state.clone(), last)));
        assert_eq!(trouble.reason, "PodCrashes");
        assert!(
            trouble
                .message
                .ends_with("again and again: cannot read the epoch"),
            "{}",
            trouble.message
        );
        let killed = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
        let trouble = one(pod("auth", container(state, killed)));
        assert!(
            trouble.message.contains("spec.auth.resources"),
            "{}",
            trouble.message
        );
    }

    #[test]
    fn a_pod_that_failed_for_good_says_why() {
        let state = json!({"terminated": {"exitCode": 1, "message": "plaza: PLAZA_AUTH_DATABASE_URL: cannot connect"}});
        let trouble = one(pod("migrate", container(state, json!({}))));
        assert_eq!(trouble.reason, "PodFailed");
        assert!(trouble.message.contains("cannot connect"));
        let well = json!({"terminated": {"exitCode": 0}});
        assert!(of_pods(&[pod("migrate", container(well, json!({})))]).is_empty());
    }

    #[test]
    fn a_pod_without_a_node_says_what_it_lacks() {
        let status = json!({"conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/3 nodes are available: 3 Insufficient cpu.",
        }]});
        let trouble = one(pod("gateway", status));
        assert_eq!(trouble.reason, "Unschedulable");
        assert!(trouble.message.contains("Insufficient cpu. Add nodes"));
    }

    #[test]
    fn what_only_takes_its_time_is_no_trouble() {
        let creating = json!({"waiting": {"reason": "ContainerCreating"}});
        assert!(of_pods(&[pod("rooms", container(creating, json!({})))]).is_empty());
        let running = json!({"running": {}});
        assert!(of_pods(&[pod("rooms", container(running, json!({})))]).is_empty());
    }

    #[test]
    fn a_claim_without_a_class_is_named() {
        let claim = |class: Value, phase: &str| -> PersistentVolumeClaim {
            serde_json::from_value(json!({
                "metadata": {"name": "data-chat-redis-0", "labels": {INSTANCE_LABEL: "chat", COMPONENT_LABEL: "redis"}},
                "spec": {"storageClassName": class},
                "status": {"phase": phase},
            }))
            .unwrap()
        };
        let troubles = of_claims(&[claim(Value::Null, "Pending")]);
        assert_eq!(troubles[0].reason, "NoStorageClass");
        assert!(troubles[0].message.contains("spec.redis.managed.storage"));
        assert!(
            of_claims(&[claim(Value::Null, "Bound"), claim(json!("fast"), "Pending")]).is_empty()
        );
    }

    #[test]
    fn a_quota_is_told_while_there_is_no_pod() {
        let event: Event = serde_json::from_value(json!({
            "metadata": {},
            "involvedObject": {"kind": "StatefulSet", "name": "chat-postgres"},
            "reason": "FailedCreate",
            "message": "pods \"chat-postgres-0\" is forbidden: exceeded quota: small",
        }))
        .unwrap();
        let events = [event];
        let troubles = of_refused(&events, "chat", &[]);
        assert_eq!(
            (troubles[0].component.as_str(), troubles[0].reason),
            ("postgres", "QuotaExceeded")
        );
        assert!(of_refused(&events, "chat", &[pod("postgres", json!({}))]).is_empty());
        assert!(of_refused(&events, "other", &[]).is_empty());
    }
}
