//! The Job that has the next signing key sign.

use k8s_openapi::api::{
    batch::v1::{Job, JobSpec},
    core::v1::Container,
};

use crate::{api::Scheduling, component::Component, hash, validate::Validated};

use super::{
    labels,
    plaza::{ca_files, database_setting},
    pod::{self, Pod, SECRETS_FOLDER, SecretFile, USER},
};

/// How often it is tried again, with growing pauses: a key that is not known
/// for a minute yet is refused until it is.
const BACKOFF_LIMIT: i32 = 4;
/// The file with the URL of auth's database.
const FILE: &str = "auth-database-url";

/// The Job, if somebody asked for it; one of the same word never runs twice.
pub(super) fn job(validated: &Validated) -> Option<Job> {
    let component = Component::RotateKeys;
    let word = validated.rotation_request.as_ref()?;
    let mut databases = validated.databases.iter();
    let database = databases.find(|database| database.service == Component::Auth)?;
    let setting = database_setting(Component::Auth)?;
    let container = Container {
        name: component.name().to_owned(),
        image: Some(validated.images.plaza.clone()),
        args: Some(vec!["admin".to_owned(), "rotate-keys".to_owned()]),
        env: Some(vec![pod::variable(
            setting,
            format!("{SECRETS_FOLDER}/{FILE}"),
        )]),
        resources: Some(pod::resources(None, "50m", "64Mi", "256Mi")),
        ..Container::default()
    };
    let scheduling = Scheduling::default();
    let mut template = pod::template(
        validated,
        Pod {
            component,
            container,
            user: USER,
            scheduling: &scheduling,
            volumes: Vec::new(),
            secrets: vec![SecretFile {
                secret: database.secret.clone(),
                key: database.key.clone(),
                file: FILE,
            }],
            more_secrets: ca_files(validated, component),
            config: None,
            made_of_secrets: None,
            grace_seconds: 30,
        },
    );
    pod::once(&mut template);
    let name = format!(
        "{}-{}",
        component.of(&validated.name),
        &hash::checksum(word.as_bytes())[..pod::JOB_HASH]
    );
    Some(Job {
        metadata: labels::metadata(validated, name, Some(component)),
        spec: Some(JobSpec {
            backoff_limit: Some(BACKOFF_LIMIT),
            template,
            ..JobSpec::default()
        }),
        status: None,
    })
}
