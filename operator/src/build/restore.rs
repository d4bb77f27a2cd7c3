//! The Job that a new chat begins with when it is to have the data of a backup:
//! the databases first, then another epoch, then a note that it is done.

use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{
        ConfigMap, Container, EphemeralVolumeSource, PersistentVolumeClaimSpec,
        PersistentVolumeClaimTemplate, Volume, VolumeResourceRequirements,
    },
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::{
    api::{RestoreSpec, Restored, S3Store, Scheduling},
    component::Component,
    hash,
    validate::{PostgresPasswords, Validated},
};

use super::{
    backup::{BACKUPS_FOLDER, BACKUPS_VOLUME, backups_to_read, volume},
    command,
    pod::{self, Pod, SECRETS_FOLDER, SecretFile, mount, scratch},
    postgres::{USER, passwords},
    s3,
    store::{self, SCRIPT_FOLDER, SCRIPT_VOLUME},
};

/// The script, and the Job, whose name says what it restores.
pub(super) fn restore(validated: &Validated, spec: &RestoreSpec) -> (ConfigMap, Job) {
    let component = Component::Restore;
    let script = include_str!("restore.sh");
    let (config_map, script_volume) = store::script(validated, component, script);
    let source = spec.done(&validated.namespace, &validated.name, spec.backup.clone());
    let place = source.claim_name.as_ref().or(source.store.as_ref());
    let what = format!(
        "{} {} {}",
        validated.uid,
        place.map_or("", String::as_str),
        spec.backup
    );
    let id = hash::checksum(what.as_bytes());
    let (begin, epoch, finish) = (
        restoring(validated, &source, &id, "begin"),
        epoch(validated),
        restoring(validated, &source, &id, "finish"),
    );
    let mut secrets = passwords(validated);
    secrets.extend(urls(validated));
    let scheduling = validated
        .spec
        .postgres
        .managed
        .as_ref()
        .map_or_else(Scheduling::default, |managed| managed.scheduling.clone());
    let mut volumes = vec![script_volume, scratch("tmp", false, "64Mi")];
    volumes.extend(spec.claim_name.clone().map(|claim| volume(claim, true)));
    if let Some(store) = &spec.s3 {
        volumes.extend([fetched(validated), s3::volume(store)]);
    }
    let pull = spec.s3.as_ref().map(|store| pull(validated, store, spec));
    let mut template = pod::template(
        validated,
        Pod {
            component,
            container: finish,
            user: USER,
            scheduling: &scheduling,
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
        let before = [begin, epoch].map(|mut container| {
            let mounts = container.volume_mounts.get_or_insert_default();
            mounts.push(mount("secrets", SECRETS_FOLDER));
            pod::restricted(validated, container)
        });
        pod.init_containers = Some(pull.into_iter().chain(before).collect());
    }
    let job = command::job(validated, component, what.as_bytes(), template);
    (config_map, job)
}

/// One step of the script.
fn restoring(validated: &Validated, source: &Restored, id: &str, step: &str) -> Container {
    let mut command = store::command();
    command.push(step.to_owned());
    Container {
        name: step.to_owned(),
        image: Some(validated.images.postgres.clone()),
        command: Some(command),
        env: Some(vec![
            pod::variable("PGHOST", Component::Postgres.of(&validated.name)),
            pod::variable("PLAZA_BACKUP_FOLDER", BACKUPS_FOLDER),
            pod::variable("PLAZA_RESTORE_BACKUP", &source.backup),
            pod::variable("PLAZA_RESTORE_FROM", source.place()),
            pod::variable("PLAZA_RESTORE_ID", id),
            pod::variable("PLAZA_SECRETS", SECRETS_FOLDER),
        ]),
        resources: Some(pod::resources(None, "50m", "64Mi", "512Mi")),
        volume_mounts: Some(vec![
            backups_to_read(),
            mount(SCRIPT_VOLUME, SCRIPT_FOLDER),
            mount("tmp", "/tmp"),
        ]),
        ..Container::default()
    }
}

/// What fetches the backup, if it is in a store.
fn pull(validated: &Validated, store: &S3Store, spec: &RestoreSpec) -> Container {
    let backup = pod::variable("PLAZA_RESTORE_BACKUP", &spec.backup);
    let container = s3::container(validated, store, "pull", backup);
    pod::restricted(validated, container)
}

/// The volume that it comes to, which goes with the pod. What fits on the
/// database's when it is restored fits there.
fn fetched(validated: &Validated) -> Volume {
    let managed = validated.spec.postgres.managed.clone().unwrap_or_default();
    let requests = [("storage".to_owned(), Quantity(managed.storage.size))];
    Volume {
        name: BACKUPS_VOLUME.to_owned(),
        ephemeral: Some(EphemeralVolumeSource {
            volume_claim_template: Some(PersistentVolumeClaimTemplate {
                metadata: None,
                spec: PersistentVolumeClaimSpec {
                    access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
                    storage_class_name: managed.storage.storage_class_name,
                    resources: Some(VolumeResourceRequirements {
                        requests: Some(requests.into()),
                        limits: None,
                    }),
                    ..PersistentVolumeClaimSpec::default()
                },
            }),
        }),
        ..Volume::default()
    }
}

/// The schema of this version, and another epoch: whoever held positions of the
/// chat that was backed up forgets them.
fn epoch(validated: &Validated) -> Container {
    let services = Component::WITH_DATABASE.into_iter();
    command::container(validated, "epoch", &["migrate", "--new-epoch"], services)
}

/// The URLs of the databases, as files.
fn urls(validated: &Validated) -> [SecretFile; 3] {
    Component::WITH_DATABASE.map(|service| SecretFile {
        secret: Component::Postgres.of(&validated.name),
        key: PostgresPasswords::url_of(service),
        file: command::url_file(service),
    })
}
