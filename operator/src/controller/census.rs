//! How many chats there are, by how they are, and how many wait for a pass: for
//! alert rules and dashboards, which cannot read conditions.

use std::sync::Arc;

use crate::api::ChatDeployment;

/// As the metric has them.
const STATES: [&str; 5] = ["ready", "degraded", "not_ready", "hibernated", "paused"];

/// Says how many chats are in which state, how many wait, and of how many the
/// newest backup failed.
pub(super) fn measure(chats: &[Arc<ChatDeployment>]) {
    let count = |is: &dyn Fn(&ChatDeployment) -> bool| {
        #[expect(clippy::cast_precision_loss, reason = "chats of one cluster")]
        let count = chats.iter().filter(|chat| is(chat)).count() as f64;
        count
    };
    for state in STATES {
        metrics::gauge!("plaza_operator_chats", "state" => state)
            .set(count(&|chat| of(chat) == Some(state)));
    }
    metrics::gauge!("plaza_operator_chats_waiting").set(count(&waits));
    metrics::gauge!("plaza_operator_backups_failed").set(count(&backup_failed));
}

/// Whether no pass has answered the present spec yet. The controller does not
/// tell how long its queue is; this is what of it people wait for.
fn waits(chat: &ChatDeployment) -> bool {
    let answered = chat
        .status
        .as_ref()
        .and_then(|status| status.observed_generation);
    chat.metadata.deletion_timestamp.is_none() && answered != chat.metadata.generation
}

/// Whether a chat has backups, and the newest is not whole.
fn backup_failed(chat: &ChatDeployment) -> bool {
    let conditions = chat.status.iter().flat_map(|status| &status.conditions);
    let mut told = conditions.filter(|condition| condition.type_ == "BackupSucceeded");
    chat.metadata.deletion_timestamp.is_none()
        && told.any(|condition| condition.status == "False" && condition.reason != "Disabled")
}

/// One of [`STATES`]; `None`: it is going.
fn of(chat: &ChatDeployment) -> Option<&'static str> {
    if chat.metadata.deletion_timestamp.is_some() {
        return None;
    }
    if chat.spec.paused {
        return Some("paused");
    }
    if chat.spec.hibernated {
        return Some("hibernated");
    }
    let conditions = chat.status.iter().flat_map(|status| &status.conditions);
    let holds = |kind: &str| {
        let mut told = conditions.clone();
        told.any(|condition| condition.type_ == kind && condition.status == "True")
    };
    Some(match (holds("Ready"), holds("Degraded")) {
        (false, _) => "not_ready",
        (true, true) => "degraded",
        (true, false) => "ready",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::ChatDeploymentStatus, testing::trial};

    #[test]
    fn a_chat_is_in_one_state() {
        let mut chat = trial();
        assert_eq!(of(&chat), Some("not_ready"), "nothing is told yet");
        let status = |ready: &str, degraded: &str| {
            let condition = |kind, status| {
                serde_json::json!({"type": kind, "status": status, "reason": "R", "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z"})
            };
            let conditions = [condition("Ready", ready), condition("Degraded", degraded)];
            serde_json::from_value(serde_json::json!({"conditions": conditions})).ok()
        };
        for (ready, degraded, state) in [
            ("True", "False", "ready"),
            ("True", "True", "degraded"),
            ("False", "True", "not_ready"),
            ("Unknown", "False", "not_ready"),
        ] {
            chat.status = status(ready, degraded);
            assert!(chat.status.is_some());
            assert_eq!(of(&chat), Some(state));
        }
        chat.spec.hibernated = true;
        assert_eq!(of(&chat), Some("hibernated"));
        chat.spec.paused = true;
        assert_eq!(of(&chat), Some("paused"));
        assert!(STATES.contains(&"paused"));
        chat.metadata.deletion_timestamp = serde_json::from_str("\"2026-01-01T00:00:00Z\"").ok();
        assert_eq!(of(&chat), None);
    }

    #[test]
    fn a_chat_waits_until_its_present_spec_is_answered() {
        let mut chat = trial();
        chat.metadata.generation = Some(2);
        assert!(waits(&chat), "nothing is told yet");
        let mut status = ChatDeploymentStatus::default();
        for (answered, waiting) in [(1, true), (2, false)] {
            status.observed_generation = Some(answered);
            chat.status = Some(status.clone());
            assert_eq!(waits(&chat), waiting);
        }
        chat.metadata.generation = Some(3);
        chat.metadata.deletion_timestamp = serde_json::from_str("\"2026-01-01T00:00:00Z\"").ok();
        assert!(!waits(&chat), "it is going");
    }

    #[test]
    fn a_backup_that_failed_is_counted_and_none_at_all_is_not() {
        let mut chat = trial();
        assert!(!backup_failed(&chat), "nothing is told yet");
        for (status, reason, failed) in [
            ("True", "Succeeded", false),
            ("Unknown", "NeverRan", false),
            ("False", "Disabled", false),
            ("False", "BackupFailed", true),
        ] {
            let condition = serde_json::json!({"type": "BackupSucceeded", "status": status,
                "reason": reason, "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"});
            chat.status =
                serde_json::from_value(serde_json::json!({"conditions": [condition]})).ok();
            assert!(chat.status.is_some());
            assert_eq!(backup_failed(&chat), failed, "{reason}");
        }
        chat.metadata.deletion_timestamp = serde_json::from_str("\"2026-01-01T00:00:00Z\"").ok();
        assert!(!backup_failed(&chat), "it is going");
    }
}
