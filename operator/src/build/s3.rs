//! The container that brings backups to a store or fetches one: Plaza's own
//! program, since PostgreSQL's image has nothing that speaks to stores.

use k8s_openapi::api::core::v1::{Container, EnvVar, Volume};

use crate::{api::S3Store, validate::Validated};

use super::{
    backup::{BACKUPS_FOLDER, BACKUPS_VOLUME},
    pod::{self, SecretFile, mount},
};

/// The volume with the access key.
const VOLUME: &str = "s3";
/// Where it is. No other container has it.
const FOLDER: &str = "/etc/plaza/s3";

/// The container; `what` is `push` or `pull`.
pub(super) fn container(
    validated: &Validated,
    store: &S3Store,
    what: &str,
    more: EnvVar,
) -> Container {
    let path_style = store.path_style.to_string();
    let prefix = store.folder(&validated.namespace, &validated.name);
    let mut variables = vec![
        pod::variable("PLAZA_BACKUP_FOLDER", BACKUPS_FOLDER),
        pod::variable("PLAZA_S3_BUCKET", &store.bucket),
        pod::variable("PLAZA_S3_ENDPOINT", &store.endpoint),
        pod::variable("PLAZA_S3_PATH_STYLE", path_style),
        pod::variable("PLAZA_S3_PREFIX", prefix),
        pod::variable("PLAZA_S3_REGION", &store.region),
        more,
    ];
    variables.extend(
        files(store)
            .into_iter()
            .map(|(name, file)| pod::variable(name, format!("{FOLDER}/{}", file.file))),
    );
    Container {
        name: what.to_owned(),
        image: Some(validated.images.plaza.clone()),
        args: Some(vec!["backup".to_owned(), what.to_owned()]),
        env: Some(variables),
        resources: Some(pod::resources(None, "50m", "64Mi", "512Mi")),
        volume_mounts: Some(vec![
            mount(BACKUPS_VOLUME, BACKUPS_FOLDER),
            mount(VOLUME, FOLDER),
        ]),
        ..Container::default()
    }
}

/// The volume with the access key and certificates.
pub(super) fn volume(store: &S3Store) -> Volume {
    let files: Vec<SecretFile> = files(store).into_iter().map(|(_, file)| file).collect();
    pod::projected(VOLUME, &files)
}

/// Each with the setting that names it.
fn files(store: &S3Store) -> Vec<(&'static str, SecretFile)> {
    let secrets = store.secrets().into_iter();
    secrets
        .map(|(field, named, usual)| {
            let setting = match field {
                "accessKeyId" => "PLAZA_S3_ACCESS_KEY_ID_FILE",
                "secretAccessKey" => "PLAZA_S3_SECRET_ACCESS_KEY_FILE",
                _ => "PLAZA_S3_CA_FILE",
            };
            let file = SecretFile {
                secret: named.secret_name.clone(),
                key: named.key_or(usual).to_owned(),
                file: usual,
            };
            (setting, file)
        })
        .collect()
}
