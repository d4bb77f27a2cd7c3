//! The Job that brings the databases to this version's schema.

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

/// How often a failed migration is tried again, with growing pauses.
const BACKOFF_LIMIT: i32 = 4;

/// The Job, whose name says what it runs: another version is another Job, and
/// the same one never runs twice.
pub(super) fn job(validated: &Validated) -> Job {
    let component = Component::Migrate;
    let mut variables = Vec::new();
    let mut files = Vec::new();
    for database in &validated.databases {
        let file = match database.service {
            Component::Auth => "auth-database-url",
            Component::Rooms => "rooms-database-url",
            _ => "messages-database-url",
        };
        if let Some(name) = database_setting(database.service) {
            variables.push(pod::variable(name, format!("{SECRETS_FOLDER}/{file}")));
        }
        files.push(SecretFile {
            secret: database.secret.clone(),
            key: database.key.clone(),
            file,
        });
    }
    let container = Container {
        name: component.name().to_owned(),
        image: Some(validated.images.plaza.clone()),
        args: Some(vec!["migrate".to_owned()]),
        env: Some(variables),
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
            secrets: files,
            more_secrets: ca_files(validated, component),
            config: None,
            made_of_secrets: None,
            grace_seconds: 30,
        },
    );
    pod::once(&mut template);
    let runs = serde_json::to_vec(&template).unwrap_or_default();
    let name = format!(
        "{}-{}",
        component.of(&validated.name),
        &hash::checksum(&runs)[..pod::JOB_HASH]
    );
    Job {
        metadata: labels::metadata(validated, name, Some(component)),
        spec: Some(JobSpec {
            backoff_limit: Some(BACKOFF_LIMIT),
            template,
            ..JobSpec::default()
        }),
        status: None,
    }
}
