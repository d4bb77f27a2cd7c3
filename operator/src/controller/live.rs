//! Reading the state of live workloads. Pure.

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    batch::v1::Job,
};

use crate::api::ComponentStatus;

/// Pods of a Deployment; `None`: there is no such Deployment.
pub(super) fn deployment_status(name: &str, live: Option<&Deployment>) -> ComponentStatus {
    let status = live.and_then(|live| live.status.as_ref());
    let desired = live
        .and_then(|live| live.spec.as_ref()?.replicas)
        .unwrap_or_default();
    let updated = status.and_then(|status| status.updated_replicas);
    ComponentStatus {
        name: name.to_owned(),
        desired,
        ready: status
            .and_then(|status| status.ready_replicas)
            .unwrap_or_default(),
        // Before the Deployment's controller has seen the change, its counts
        // are of what was before.
        updated: if live.is_some_and(deployment_observed) {
            updated.unwrap_or_default()
        } else {
            0
        },
    }
}

/// Pods of a StatefulSet; `None`: there is no such StatefulSet.
pub(super) fn stateful_set_status(name: &str, live: Option<&StatefulSet>) -> ComponentStatus {
    let status = live.and_then(|live| live.status.as_ref());
    let observed = live.is_some_and(|live| {
        status.and_then(|status| status.observed_generation) >= live.metadata.generation
    });
    let updated = status.and_then(|status| {
        if status.current_revision == status.update_revision {
            status.current_replicas
        } else {
            status.updated_replicas
        }
    });
    ComponentStatus {
        name: name.to_owned(),
        desired: live
            .and_then(|live| live.spec.as_ref()?.replicas)
            .unwrap_or_default(),
        ready: status
            .and_then(|status| status.ready_replicas)
            .unwrap_or_default(),
        updated: if observed {
            updated.unwrap_or_default()
        } else {
            0
        },
    }
}

fn deployment_observed(live: &Deployment) -> bool {
    let observed = live
        .status
        .as_ref()
        .and_then(|status| status.observed_generation);
    observed >= live.metadata.generation
}

/// Whether every pod is as the Deployment's template says, and ready.
pub(super) fn is_rolled_out(live: &Deployment) -> bool {
    let desired = live
        .spec
        .as_ref()
        .and_then(|spec| spec.replicas)
        .unwrap_or(1);
    let Some(status) = &live.status else {
        return false;
    };
    let count = |replicas: Option<i32>| replicas.unwrap_or_default();
    deployment_observed(live)
        && count(status.updated_replicas) >= desired
        && count(status.replicas) == count(status.updated_replicas)
        && count(status.available_replicas) >= desired
}

/// Whether a managed store answers.
pub(super) fn is_ready(live: &StatefulSet) -> bool {
    let ready = live
        .status
        .as_ref()
        .and_then(|status| status.ready_replicas);
    ready.unwrap_or_default() > 0
}

/// The image of the first container.
pub(super) fn image(deployment: &Deployment) -> Option<&str> {
    let spec = deployment.spec.as_ref()?.template.spec.as_ref()?;
    spec.containers.first()?.image.as_deref()
}

/// How a Job ended; `None`: it has not.
pub(super) fn job_end(job: &Job) -> Option<Result<(), String>> {
    // By its conditions: the time of completion is there after success alone.
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    conditions
        .iter()
        .filter(|condition| condition.status == "True")
        .find_map(|condition| match condition.type_.as_str() {
            "Complete" => Some(Ok(())),
            "Failed" => Some(Err(condition.message.clone().unwrap_or_default())),
            _ => None,
        })
}

#[cfg(test)]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a JSON value is written where it is needed"
)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(status: serde_json::Value) -> Deployment {
        serde_json::from_value(json!({
            "metadata": {"generation": 2},
            "spec": {
                "replicas": 2,
                "selector": {},
                "template": {"spec": {"containers": [{"name": "a", "image": "plaza:1"}]}},
            },
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn rolled_out_means_all_new_all_ready_and_none_old() {
        let done = json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2});
        assert!(is_rolled_out(&deployment(done.clone())));
        for (field, value) in [
            ("observedGeneration", 1),
            ("replicas", 3),
            ("updatedReplicas", 1),
            ("availableReplicas", 1),
        ] {
            let mut status = done.clone();
            status[field] = json!(value);
            assert!(!is_rolled_out(&deployment(status)), "{field}");
        }
    }

    #[test]
    fn what_was_counted_before_a_change_does_not_count() {
        let stale = json!({"observedGeneration": 1, "readyReplicas": 2, "updatedReplicas": 2});
        let status = deployment_status("rooms", Some(&deployment(stale)));
        assert_eq!((status.desired, status.ready, status.updated), (2, 2, 0));
        assert_eq!(deployment_status("rooms", None).desired, 0);
    }

    #[test]
    fn a_job_ends_by_its_conditions() {
        let job = |conditions: serde_json::Value| -> Job {
            serde_json::from_value(json!({"metadata": {}, "status": {"conditions": conditions}}))
                .unwrap()
        };
        assert_eq!(job_end(&job(json!([]))), None);
        assert_eq!(
            job_end(&job(json!([{"type": "Complete", "status": "False"}]))),
            None
        );
        assert_eq!(
            job_end(&job(
                json!([{"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}])
            )),
            Some(Ok(()))
        );
        let failed = job(json!([{"type": "Failed", "status": "True", "message": "why"}]));
        assert_eq!(job_end(&failed), Some(Err("why".into())));
    }
}
