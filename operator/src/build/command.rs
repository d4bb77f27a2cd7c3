//! A Job that runs one command of Plaza with databases.

use k8s_openapi::api::{
    batch::v1::{Job, JobSpec},
    core::v1::{Container, PodTemplateSpec},
};

use crate::{
    api::Scheduling,
    component::Component,
    validate::{DatabaseUrl, Validated},
};

use super::{
    labels,
    plaza::{ca_files, database_setting},
    pod::{self, Pod, SECRETS_FOLDER, SecretFile, USER},
};

/// How often one that failed is tried again, with growing pauses.
const BACKOFF_LIMIT: i32 = 4;

/// The pod, which is told the URLs of these databases.
pub(super) fn template<'a>(
    validated: &Validated,
    component: Component,
    arguments: &[&str],
    databases: impl Iterator<Item = &'a DatabaseUrl>,
) -> PodTemplateSpec {
    let mut variables = Vec::new();
    let mut files = Vec::new();
    for database in databases {
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
        args: Some(arguments.iter().map(|&word| word.to_owned()).collect()),
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
    template
}

/// The Job, whose name says what it is of: of the same it never runs twice.
pub(super) fn job(
    validated: &Validated,
    component: Component,
    of: &[u8],
    template: PodTemplateSpec,
) -> Job {
    let name = pod::job_name(validated, component, of);
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
