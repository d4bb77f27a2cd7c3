//! Backups of a managed PostgreSQL: a volume, a CronJob, and a Job for each time
//! that somebody asks.

use k8s_openapi::{
    api::{
        batch::v1::{CronJob, CronJobSpec, Job, JobSpec, JobTemplateSpec},
        core::v1::{
            ConfigMap, Container, EnvVar, EnvVarSource, ObjectFieldSelector, PersistentVolumeClaim,
            PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource, PodTemplateSpec, Volume,
            VolumeMount, VolumeResourceRequirements,
        },
    },
    apimachinery::pkg::api::resource::Quantity,
};
use kube::core::ObjectMeta;

use crate::{
    api::{BackupSpec, Retention},
    component::Component,
    validate::Validated,
};

use super::{
    labels,
    pod::{self, Pod, SECRETS_FOLDER, mount, scratch},
    postgres::{USER, passwords},
    s3,
    store::{self, SCRIPT_FOLDER, SCRIPT_VOLUME},
};

/// Where backups are in a pod.
pub(super) const BACKUPS_FOLDER: &str = "/backups";
/// The name of the volume in a pod.
pub(super) const BACKUPS_VOLUME: &str = "backups";
/// How often one that failed is tried again, with growing pauses.
const BACKOFF_LIMIT: i32 = 3;
/// How long one may take with all its tries (s).
const DEADLINE_SECONDS: i64 = 6 * 3_600;
/// How late one may begin when its time was missed (s).
const STARTING_DEADLINE_SECONDS: i64 = 3_600;
/// What a pod has of its Job that no other Job has.
const JOB_UID: &str = "metadata.labels['batch.kubernetes.io/controller-uid']";
/// Ended Jobs that are kept, of each kind.
const HISTORY: i32 = 3;

/// What backups consist of.
#[derive(Debug)]
pub struct Backups {
    /// The script.
    pub config_map: ConfigMap,
    /// The volume, as it is made; that is done once.
    pub claim: PersistentVolumeClaim,
    /// By schedule.
    pub cron_job: CronJob,
    /// On demand; a Job of the same name never runs twice.
    pub job: Option<Job>,
}

/// All of it.
pub(super) fn backups(validated: &Validated, spec: &BackupSpec) -> Backups {
    let component = Component::Backup;
    let script = include_str!("backup.sh");
    let (config_map, script_volume) = store::script(validated, component, script);
    let template = template(validated, spec, script_volume);
    let name = component.of(&validated.name);
    let job_spec = JobSpec {
        backoff_limit: Some(BACKOFF_LIMIT),
        active_deadline_seconds: Some(DEADLINE_SECONDS),
        template,
        ..JobSpec::default()
    };
    let cron_job = CronJob {
        metadata: labels::metadata(validated, name.clone(), Some(component)),
        spec: Some(CronJobSpec {
            schedule: spec.schedule.clone(),
            time_zone: Some("Etc/UTC".to_owned()),
            concurrency_policy: Some("Forbid".to_owned()),
            starting_deadline_seconds: Some(STARTING_DEADLINE_SECONDS),
            suspend: Some(spec.suspend || validated.spec.hibernated),
            successful_jobs_history_limit: Some(HISTORY),
            failed_jobs_history_limit: Some(HISTORY),
            job_template: JobTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(labels::identity(validated, Some(component))),
                    ..ObjectMeta::default()
                }),
                spec: Some(job_spec.clone()),
            },
        }),
        status: None,
    };
    let job = validated.backup_request.as_ref().map(|word| Job {
        metadata: labels::metadata(
            validated,
            pod::job_name(validated, component, word.as_bytes()),
            Some(component),
        ),
        spec: Some(job_spec),
        status: None,
    });
    Backups {
        config_map,
        claim: claim(validated, spec, name),
        cron_job,
        job: job.filter(|_| !validated.spec.hibernated),
    }
}

/// The volume. Whose it is and its size are its owner's to change: who changes
/// owners needs the right to delete, which the operator has of no volume.
fn claim(validated: &Validated, spec: &BackupSpec, name: String) -> PersistentVolumeClaim {
    let storage = &spec.volume;
    let mut metadata = labels::metadata(validated, name, Some(Component::Backup));
    if storage.retention == Retention::Retain {
        metadata.owner_references = None;
    }
    PersistentVolumeClaim {
        metadata,
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            storage_class_name: storage.storage_class_name.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some([("storage".to_owned(), Quantity(storage.size.clone()))].into()),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}

fn template(validated: &Validated, spec: &BackupSpec, script: Volume) -> PodTemplateSpec {
    let component = Component::Backup;
    let host = Component::Postgres.of(&validated.name);
    let variables = vec![
        pod::variable("PGHOST", host),
        pod::variable("PLAZA_BACKUP_FOLDER", BACKUPS_FOLDER),
        pod::variable("PLAZA_BACKUP_KEEP", spec.keep.to_string()),
        pod::variable("PLAZA_SECRETS", SECRETS_FOLDER),
        pod::variable("PLAZA_VERSION", validated.version.to_string()),
    ];
    let mut volumes = vec![
        script,
        scratch("tmp", false, "64Mi"),
        volume(component.of(&validated.name), false),
    ];
    let mut dump = Container {
        name: component.name().to_owned(),
        image: Some(validated.images.postgres.clone()),
        command: Some(store::command()),
        env: Some(variables),
        resources: Some(pod::resources(None, "50m", "64Mi", "512Mi")),
        volume_mounts: Some(vec![
            mount(BACKUPS_VOLUME, BACKUPS_FOLDER),
            mount(SCRIPT_VOLUME, SCRIPT_FOLDER),
            mount("tmp", "/tmp"),
        ]),
        ..Container::default()
    };
    let managed = validated.spec.postgres.managed.as_ref();
    let scheduling = managed.map(|managed| managed.scheduling.clone());
    let (container, before, secrets) = match &spec.s3 {
        None => (dump, None, passwords(validated)),
        Some(store) => {
            dump.env.get_or_insert_default().push(job_uid());
            let mounts = dump.volume_mounts.get_or_insert_default();
            mounts.push(mount("secrets", SECRETS_FOLDER));
            volumes.push(pod::projected("secrets", &passwords(validated)));
            volumes.push(s3::volume(store));
            let keep = pod::variable("PLAZA_BACKUP_KEEP", spec.keep.to_string());
            let push = s3::container(validated, store, "push", keep);
            (push, Some(pod::restricted(validated, dump)), Vec::new())
        }
    };
    let mut template = pod::template(
        validated,
        Pod {
            component,
            container,
            user: USER,
            scheduling: &scheduling.unwrap_or_default(),
            volumes,
            secrets,
            more_secrets: Vec::new(),
            config: None,
            made_of_secrets: None,
            grace_seconds: 5,
        },
    );
    pod::once(&mut template);
    if let Some(pod) = &mut template.spec {
        pod.init_containers = before.map(|dump| vec![dump]);
    }
    template
}

/// By which a further try of a Job knows that its dump is made, and that only the
/// store was away: the volume keeps older ones then.
fn job_uid() -> EnvVar {
    EnvVar {
        name: "PLAZA_BACKUP_JOB".to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                api_version: None,
                field_path: JOB_UID.to_owned(),
            }),
            ..EnvVarSource::default()
        }),
    }
}

/// The volume that backups are on.
pub(super) fn volume(claim_name: String, read_only: bool) -> Volume {
    Volume {
        name: BACKUPS_VOLUME.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name,
            read_only: read_only.then_some(true),
        }),
        ..Volume::default()
    }
}

/// The same in a container, not to be written.
pub(super) fn backups_to_read() -> VolumeMount {
    VolumeMount {
        read_only: Some(true),
        ..mount(BACKUPS_VOLUME, BACKUPS_FOLDER)
    }
}
