//! Looking at a chat's backups: their Jobs, those Jobs' pods, and the volume.

use k8s_openapi::{
    api::{
        batch::v1::Job,
        core::v1::{ContainerStateTerminated, PersistentVolumeClaim, Pod},
    },
    jiff::Timestamp,
};
use kube::{ResourceExt as _, api::ListParams};

use crate::{
    api::Backup,
    build::{COMPONENT_LABEL, selector},
    component::Component,
    validate::Validated,
};

use super::{
    Context, ReconcileError,
    diagnose::{self, Trouble},
    live,
};

/// Objects of a kind that are looked at.
const MOST: u32 = 100;
/// The label by which pods name their Job.
const JOB_LABEL: &str = "batch.kubernetes.io/job-name";

/// What is known of a chat's backups.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Found {
    /// The newest that is whole.
    pub(super) last: Option<Backup>,
    /// The one that failed, if nothing succeeded since.
    pub(super) failed: Option<Failed>,
    /// What keeps one from beginning.
    pub(super) trouble: Option<Trouble>,
    /// The claim of the volume.
    pub(super) claim: String,
    /// The store that they are brought to.
    pub(super) store: Option<String>,
    /// When they are made.
    pub(super) schedule: String,
    /// Whether the schedule rests.
    pub(super) suspended: bool,
}

/// A backup that failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Failed {
    /// The Job.
    pub(super) job: String,
    /// When it was given up.
    pub(super) at: Timestamp,
    /// Its last words, or why Kubernetes gave it up.
    pub(super) why: String,
}

/// Looks at them; `None`: none are made.
pub(super) async fn look(
    context: &Context,
    validated: &Validated,
) -> Result<Option<Found>, ReconcileError> {
    let Some(spec) = &validated.spec.backup else {
        return Ok(None);
    };
    let namespace = &validated.namespace;
    let parameters = of_component(&validated.name, Component::Backup);
    let jobs = context
        .api::<Job>(namespace)
        .list(&parameters)
        .await
        .map_err(ReconcileError::api("list", "Jobs"))?;
    let claims = context
        .api::<PersistentVolumeClaim>(namespace)
        .list(&parameters)
        .await
        .map_err(ReconcileError::api("list", "PersistentVolumeClaims"))?;
    let pods = pods(context, namespace, &validated.name, Component::Backup).await?;
    let (last, failed) = ends(&jobs.items, &pods, validated.last_backup.clone());
    Ok(Some(Found {
        last,
        failed,
        trouble: trouble(&claims.items, &pods),
        claim: Component::Backup.of(&validated.name),
        store: spec
            .s3
            .as_ref()
            .map(|store| store.place(namespace, &validated.name)),
        schedule: spec.schedule.clone(),
        suspended: spec.suspend,
    }))
}

/// The pods of a part that runs as Jobs.
pub(super) async fn pods(
    context: &Context,
    namespace: &str,
    chat: &str,
    component: Component,
) -> Result<Vec<Pod>, ReconcileError> {
    let pods = context
        .api::<Pod>(namespace)
        .list(&of_component(chat, component))
        .await
        .map_err(ReconcileError::api("list", "Pods"))?;
    Ok(pods.items)
}

fn of_component(chat: &str, component: Component) -> ListParams {
    let labels = format!("{},{COMPONENT_LABEL}={component}", selector(chat));
    ListParams::default().labels(&labels).limit(MOST)
}

/// The newest success, and the newest failure if that is newer.
fn ends(jobs: &[Job], pods: &[Pod], known: Option<Backup>) -> (Option<Backup>, Option<Failed>) {
    let mut last = known;
    let mut failed: Option<Failed> = None;
    for job in jobs {
        let name = job.name_any();
        let Some((at, end)) = live::job_end(job).and_then(|end| Some((ended_at(job)?, end))) else {
            continue;
        };
        match end {
            Ok(()) => {
                if last.as_ref().is_none_or(|last| {
                    last.completed_at.0 < at || (last.job == name && last.name.is_none())
                }) {
                    last = Some(Backup {
                        name: told(pods, &name),
                        job: name,
                        completed_at: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at),
                    });
                }
            }
            Err(why) => {
                if failed.as_ref().is_none_or(|failed| failed.at < at) {
                    failed = Some(Failed {
                        why: last_words(pods, &name).unwrap_or(why),
                        job: name,
                        at,
                    });
                }
            }
        }
    }
    let failed = failed.filter(|failed| {
        last.as_ref()
            .is_none_or(|last| last.completed_at.0 < failed.at)
    });
    (last, failed)
}

fn ended_at(job: &Job) -> Option<Timestamp> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    conditions
        .iter()
        .find(|condition| {
            condition.status == "True" && matches!(condition.type_.as_str(), "Complete" | "Failed")
        })
        .and_then(|condition| condition.last_transition_time.as_ref())
        .map(|time| time.0)
}

fn of_job<'a>(pods: &'a [Pod], job: &'a str) -> impl Iterator<Item = &'a Pod> {
    pods.iter()
        .filter(move |pod| pod.labels().get(JOB_LABEL).is_some_and(|of| of == job))
}

/// What the newest pod of a Job that failed has said last.
pub(super) fn last_words(pods: &[Pod], job: &str) -> Option<String> {
    diagnose::last_words_of(of_job(pods, job))
}

/// What a Job's pod has said at its good end.
pub(super) fn told(pods: &[Pod], job: &str) -> Option<String> {
    of_job(pods, job)
        .filter_map(ended)
        .filter(|ended| ended.exit_code == 0)
        .find_map(|ended| ended.message.clone())
        .map(|message| message.trim().to_owned())
        .filter(|message| !message.is_empty())
}

fn ended(pod: &Pod) -> Option<&ContainerStateTerminated> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses
        .iter()
        .find_map(|status| status.state.as_ref()?.terminated.as_ref())
}

/// What keeps a pod from beginning. One that failed is tried again, until the
/// Job itself is given up.
fn trouble(claims: &[PersistentVolumeClaim], pods: &[Pod]) -> Option<Trouble> {
    let mut troubles = diagnose::of_claims(claims);
    troubles.extend(diagnose::of_pods(pods));
    troubles
        .into_iter()
        .find(|trouble| trouble.reason != "PodFailed")
}

#[cfg(test)]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a JSON value is written where it is needed"
)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn job(name: &str, kind: &str, at: &str) -> Job {
        serde_json::from_value(json!({
            "metadata": {"name": name},
            "status": {"conditions": [{
                "type": kind, "status": "True", "lastTransitionTime": at, "message": "it was tried too often",
            }]},
        }))
        .unwrap()
    }

    fn pod(job: &str, terminated: Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": format!("{job}-x"), "labels": {JOB_LABEL: job}},
            "status": {"containerStatuses": [{
                "name": "backup", "image": "postgres", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"terminated": terminated},
            }]},
        }))
        .unwrap()
    }

    #[test]
    fn the_newest_end_counts() {
        let jobs = [
            job("one", "Complete", "2026-01-01T03:00:10Z"),
            job("two", "Failed", "2026-01-02T03:00:10Z"),
        ];
        let pods = [
            pod(
                "one",
                json!({"exitCode": 0, "message": "20260101T030000Z\n"}),
            ),
            pod(
                "two",
                json!({"exitCode": 1, "message": "pg_dump: detail\nplaza: the volume is full"}),
            ),
        ];
        let (last, failed) = ends(&jobs, &pods, None);
        let last = last.unwrap();
        assert_eq!(last.name.as_deref(), Some("20260101T030000Z"));
        assert_eq!(failed.unwrap().why, "the volume is full");
        let more = [
            jobs.to_vec(),
            vec![job("three", "Complete", "2026-01-03T03:00:10Z")],
        ]
        .concat();
        let (last, failed) = ends(&more, &pods, Some(last));
        assert_eq!(last.unwrap().job, "three");
        assert_eq!(failed, None, "it is mended");
    }

    #[test]
    fn what_is_known_outlives_its_job() {
        let (known, _) = ends(&[job("one", "Complete", "2026-01-03T03:00:10Z")], &[], None);
        let failed = [job("two", "Failed", "2026-01-02T03:00:10Z")];
        assert_eq!(ends(&failed, &[], known.clone()), (known.clone(), None));
        let later = [job("two", "Failed", "2026-01-04T03:00:10Z")];
        let (last, failed) = ends(&later, &[], known.clone());
        assert_eq!(last, known);
        assert_eq!(
            failed.unwrap().why,
            "it was tried too often",
            "no pod is left"
        );
    }

    #[test]
    fn the_words_are_those_of_the_container_that_failed() {
        let jobs = [job("one", "Failed", "2026-01-02T03:00:10Z")];
        let mut dump = pod("one", json!({"exitCode": 0}));
        let status = dump.status.get_or_insert_default();
        status.init_container_statuses = status.container_statuses.take();
        let state = |exit_code: i32, message: &str| {
            let ended = json!({"exitCode": exit_code, "message": message});
            pod("one", ended).status.unwrap().container_statuses
        };
        // The dump failed, and nothing was brought to the store.
        let mut failed = dump.clone();
        let status = failed.status.get_or_insert_default();
        status.init_container_statuses = state(1, "plaza: the dump of rooms failed");
        let (_, why) = ends(&jobs, &[failed], None);
        assert_eq!(why.unwrap().why, "the dump of rooms failed");
        // It was made, and the store was away.
        let status = dump.status.get_or_insert_default();
        status.container_statuses = state(1, "plaza: the store cannot be reached");
        let (_, why) = ends(&jobs, &[dump], None);
        assert_eq!(why.unwrap().why, "the store cannot be reached");
    }

    #[test]
    fn a_try_that_failed_is_no_trouble_and_an_image_is() {
        let failed = pod("one", json!({"exitCode": 1}));
        let labelled = |mut pod: Pod| {
            let labels = pod.metadata.labels.get_or_insert_default();
            labels.insert(crate::build::INSTANCE_LABEL.to_owned(), "chat".to_owned());
            labels.insert(COMPONENT_LABEL.to_owned(), "backup".to_owned());
            pod
        };
        assert_eq!(trouble(&[], &[labelled(failed.clone())]), None);
        let mut waits = failed;
        waits.status = serde_json::from_value(json!({"containerStatuses": [{
            "name": "backup", "image": "postgres", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}},
        }]}))
        .unwrap();
        let trouble = trouble(&[], &[labelled(waits)]).unwrap();
        assert_eq!(trouble.reason, "ImageCannotBePulled");
    }
}
