//! Where the databases are, and how their connections are divided.

use plaza_kit::db;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    api::{
        ChatDeploymentSpec, ComponentSpec, DatabaseConnections, ExternalPostgres, PostgresSpec,
        SecretKey,
    },
    component::Component,
    facts::Facts,
};

use super::{DatabaseUrl, PostgresPasswords, Problem, Reason, secret_value};

/// The key that CloudNativePG and others use.
const URL_KEY: &str = "uri";
/// What a URL begins with.
const FORMS: [&str; 2] = ["postgres://", "postgresql://"];
/// The usual key of certificates.
pub(super) const CA_KEY: &str = "ca.crt";
/// Connections that the relay of a pod has for itself.
pub(crate) const RELAY_CONNECTIONS: i32 = 4;
/// More do not make a pod faster.
const MOST_PER_POD: i32 = 20;
/// With fewer a pod waits for itself.
const LEAST_PER_POD: i32 = 8;
/// Connections that are left to migrations, backups, and whoever looks.
const RESERVED: i32 = 10;

fn external(external: &ExternalPostgres) -> [(Component, &'static str, &SecretKey); 3] {
    [
        (
            Component::Auth,
            "spec.postgres.external.auth",
            &external.auth,
        ),
        (
            Component::Rooms,
            "spec.postgres.external.rooms",
            &external.rooms,
        ),
        (
            Component::Messages,
            "spec.postgres.external.messages",
            &external.messages,
        ),
    ]
}

pub(super) fn named_secrets(name: &str, spec: &PostgresSpec) -> Vec<String> {
    let Some(own) = &spec.external else {
        return vec![Component::Postgres.of(name)];
    };
    let urls = external(own).map(|(_, _, named)| named.secret_name.clone());
    let ca = own.ca.iter().map(|named| named.secret_name.clone());
    urls.into_iter().chain(ca).collect()
}

/// Where the URL of each service's database is; what is wrong goes to
/// `problems`.
pub(super) fn urls(
    name: &str,
    spec: &PostgresSpec,
    facts: &Facts,
    problems: &mut Vec<Problem>,
) -> Vec<DatabaseUrl> {
    let Some(own) = &spec.external else {
        return Component::WITH_DATABASE
            .into_iter()
            .map(|service| DatabaseUrl {
                service,
                secret: Component::Postgres.of(name),
                key: PostgresPasswords::url_of(service),
            })
            .collect();
    };
    let mut urls = Vec::new();
    for (service, field, named) in external(own) {
        let key = named.key_or(URL_KEY);
        match secret_value(field, named, URL_KEY, facts) {
            Err(problem) => problems.push(problem),
            Ok(url) => {
                if let Some(fault) = fault(&url) {
                    problems.push(Problem::new(
                        field,
                        Reason::SecretInvalid,
                        format!(
                            "the key {key} of the Secret {}, which {field} names, {fault} \
                             postgres://user:password@host:5432/plaza_{service}",
                            named.secret_name
                        ),
                    ));
                }
            }
        }
        urls.push(DatabaseUrl {
            service,
            secret: named.secret_name.clone(),
            key: key.to_owned(),
        });
    }
    urls
}

/// What is wrong with a URL.
fn fault(url: &SecretString) -> Option<&'static str> {
    // The driver takes any scheme.
    let named = FORMS
        .iter()
        .any(|form| url.expose_secret().trim().starts_with(form));
    match db::options("url", url, 0) {
        Ok(options) if named => options
            .get_database()
            .is_none()
            .then_some("is a URL without a database, which ends like"),
        _ => Some("is no PostgreSQL URL, such as"),
    }
}

/// The certificates that the databases' are checked with.
pub(super) fn ca(
    spec: &PostgresSpec,
    facts: &Facts,
    problems: &mut Vec<Problem>,
) -> Option<(String, String)> {
    let named = spec.external.as_ref()?.ca.as_ref()?;
    if let Err(problem) = secret_value("spec.postgres.external.ca", named, CA_KEY, facts) {
        problems.push(problem);
    }
    Some((named.secret_name.clone(), named.key_or(CA_KEY).to_owned()))
}

/// The most pods that a part can have.
pub(crate) fn most_replicas(component: &ComponentSpec) -> i32 {
    component
        .autoscaling
        .as_ref()
        .map_or(component.replicas.unwrap_or(1), |bounds| {
            bounds.max_replicas
        })
}

/// How many connections each pod may have: with all pods there are, and one
/// more of each service while it is rolled out.
pub(super) fn connections(spec: &ChatDeploymentSpec) -> Result<DatabaseConnections, Problem> {
    let (field, max) = match (&spec.postgres.managed, &spec.postgres.external) {
        (Some(managed), _) => (
            "spec.postgres.managed.maxConnections",
            managed.max_connections,
        ),
        (_, Some(own)) => ("spec.postgres.external.maxConnections", own.max_connections),
        (None, None) => {
            return Err(Problem::new(
                "spec.postgres",
                Reason::InvalidSpec,
                "spec.postgres has neither managed nor external: set one of them",
            ));
        }
    };
    let pods: i32 = [&spec.auth, &spec.rooms, &spec.messages]
        .into_iter()
        .map(|component| most_replicas(component) + 1)
        .sum();
    let max_of_services = max - RESERVED;
    let per_pod = (max_of_services / pods).min(MOST_PER_POD);
    if per_pod < LEAST_PER_POD {
        return Err(Problem::new(
            field,
            Reason::TooFewConnections,
            format!(
                "{field} is {max}, which is too few for {pods} pods of auth, rooms and messages (one more of each during a \
                 rollout) of at least {LEAST_PER_POD} connections, and {RESERVED} in reserve: have {} or more, or fewer \
                 replicas",
                pods * LEAST_PER_POD + RESERVED
            ),
        ));
    }
    Ok(DatabaseConnections {
        max: max_of_services,
        per_pod,
        pods,
    })
}
