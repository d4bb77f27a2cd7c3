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

/// The file with the URL of a service's database, in the folder of secrets.
pub(super) fn url_file(service: Component) -> &'static str {
    match service {
        Component::Auth => "auth-database-url",
        Component::Rooms => "rooms-database-url",
        _ => "messages-database-url",
    }
}

/// What runs the command, with the databases of these services.
pub(super) fn container(
    validated: &Validated,
    name: &str,
    arguments: &[&str],
    services: impl Iterator<Item = Component>,
) -> Container {
    let variables = services.filter_map(|service| {
        let file = format!("{SECRETS_FOLDER}/{}", url_file(service));
        database_setting(service).map(|name| pod::variable(name, file))
    });
    Container {
        name: name.to_owned(),
        image: Some(validated.images.plaza.clone()),
        args: Some(arguments.iter().map(|&word| word.to_owned()).collect()),
        env: Some(variables.collect()),
        resources: Some(pod::resources(None, "50m", "64Mi", "256Mi")),
        ..Container::default()
    }
}

/// The pod, which is told the URLs of these databases.
pub(super) fn template<'a>(
    validated: &Validated,
    component: Component,
    arguments: &[&str],
    databases: impl Iterator<Item = &'a DatabaseUrl> + Clone,
) -> PodTemplateSpec {
    let services = databases.clone().map(|database| database.service);
    let container = container(validated, component.name(), arguments, services);
    let files = databases.map(|database| SecretFile {
        secret: database.secret.clone(),
        key: database.key.clone(),
        file: url_file(database.service),
    });
    let scheduling = Scheduling::default();
    let mut template = pod::template(
        validated,
        Pod {
            component,
            container,
            user: USER,
            scheduling: &scheduling,
            volumes: Vec::new(),
            secrets: files.collect(),
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
