//! Plaza's own parts.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::{ConfigMap, ConfigMapEnvSource, Container, EnvFromSource},
    },
    apimachinery::pkg::util::intstr::IntOrString,
};

use crate::{
    api::ComponentSpec,
    component::Component,
    validate::{Keys, RELAY_CONNECTIONS, Validated, keys_name, registration},
};

use super::{
    Part, component_spec, labels,
    pod::{self, Pod, SECRETS_FOLDER, SecretFile, USER},
};

/// Between a signal and the closed listener: until endpoints are updated
/// everywhere (s).
const DRAIN_SECONDS: i64 = 5;
/// For requests under way, and again for background tasks (s).
const DRAIN_TIMEOUT_SECONDS: i64 = 15;
/// Where the image has the built web app.
const SPA_FOLDER: &str = "/srv/plaza";
/// Where browsers open their WebSocket.
const REALTIME_ENDPOINT: &str = "/connection/websocket";
/// Folders of certificates.
const POSTGRES_CA_FOLDER: &str = "/etc/plaza/postgres-ca";
const REDIS_CA_FOLDER: &str = "/etc/plaza/redis-ca";
const CA_FILE: &str = "ca.crt";

/// The part with its settings.
pub(super) fn part(validated: &Validated, component: Component) -> Part {
    let settings = settings(validated, component);
    let name = component.of(&validated.name);
    let config_map = ConfigMap {
        metadata: labels::metadata(validated, name.clone(), Some(component)),
        data: Some(
            settings
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        ),
        ..ConfigMap::default()
    };
    let spec = component_spec(&validated.spec, component);
    let (memory, memory_limit) = if component == Component::Auth {
        ("256Mi", "512Mi")
    } else {
        ("64Mi", "256Mi")
    };
    let container = Container {
        name: component.name().to_owned(),
        image: Some(validated.images.plaza.clone()),
        args: Some(vec![command(component).to_owned()]),
        env_from: Some(vec![EnvFromSource {
            config_map_ref: Some(ConfigMapEnvSource {
                name,
                optional: None,
            }),
            ..EnvFromSource::default()
        }]),
        env: pod::env(&spec.env),
        ports: pod::ports(component),
        resources: Some(pod::resources(
            spec.resources.as_ref(),
            "50m",
            memory,
            memory_limit,
        )),
        liveness_probe: Some(pod::http_probe("ops", "/healthz", 10, 3)),
        readiness_probe: Some(pod::http_probe("ops", "/readyz", 2, 2)),
        ..Container::default()
    };
    let mut config = String::new();
    for (key, value) in config_map.data.iter().flatten() {
        config.push_str(key);
        config.push('=');
        config.push_str(value);
        config.push('\n');
    }
    let template = pod::template(
        validated,
        Pod {
            component,
            container,
            user: USER,
            scheduling: &spec.scheduling,
            volumes: Vec::new(),
            secrets: secret_files(validated, component),
            more_secrets: ca_files(validated, component),
            config: Some(config),
            made_of_secrets: None,
            grace_seconds: DRAIN_SECONDS + 2 * DRAIN_TIMEOUT_SECONDS + 5,
        },
    );
    Part {
        component,
        config_map: Some(config_map),
        secret: None,
        deployment: deployment(validated, component, &spec, template),
    }
}

/// A Deployment that is rolled out without being fewer at any time.
pub(super) fn deployment(
    validated: &Validated,
    component: Component,
    spec: &ComponentSpec,
    template: k8s_openapi::api::core::v1::PodTemplateSpec,
) -> Deployment {
    Deployment {
        metadata: labels::metadata(validated, component.of(&validated.name), Some(component)),
        spec: Some(DeploymentSpec {
            replicas: replicas(validated, component, spec),
            selector: labels::pods_of(validated, component),
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_surge: Some(IntOrString::Int(1)),
                    max_unavailable: Some(IntOrString::Int(0)),
                }),
            }),
            revision_history_limit: Some(3),
            progress_deadline_seconds: Some(600),
            template,
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

/// None where a HorizontalPodAutoscaler decides it.
fn replicas(validated: &Validated, component: Component, spec: &ComponentSpec) -> Option<i32> {
    match (validated.spec.hibernated, &spec.autoscaling) {
        (true, _) => Some(0),
        (false, Some(_)) => None,
        (false, None) => {
            let chosen = validated.facts.replicas.get(&component).copied();
            Some(chosen.or(spec.replicas).unwrap_or(1))
        }
    }
}

fn command(component: Component) -> &'static str {
    match component {
        Component::Publisher => "messages-publisher",
        other => other.name(),
    }
}

/// Base URL of a part within the cluster.
pub(super) fn url(validated: &Validated, component: Component) -> String {
    let port = match component {
        Component::Centrifugo => component.ops_port(),
        other => other.api_port(),
    };
    let port = port.map_or_else(String::new, |(_, port)| format!(":{port}"));
    format!("http://{}{port}", component.of(&validated.name))
}

fn file(name: &str) -> String {
    format!("{SECRETS_FOLDER}/{name}")
}

/// The environment of a part, as docs/configuration.md has it.
pub(super) fn settings(
    validated: &Validated,
    component: Component,
) -> BTreeMap<&'static str, String> {
    use Component::{Auth, Gateway, Messages, Publisher, Rooms};
    let spec = &validated.spec;
    let realtime = validated.realtime();
    let mut set = BTreeMap::new();
    if let Some((_, port)) = component.api_port() {
        set.insert("PLAZA_LISTEN", format!("0.0.0.0:{port}"));
    }
    if let Some((_, port)) = component.ops_port() {
        set.insert("PLAZA_OPS_LISTEN", format!("0.0.0.0:{port}"));
    }
    let drain = if component == Publisher {
        0
    } else {
        DRAIN_SECONDS
    };
    set.insert("PLAZA_DRAIN_DELAY_MS", (drain * 1_000).to_string());
    set.insert(
        "PLAZA_DRAIN_TIMEOUT_MS",
        (DRAIN_TIMEOUT_SECONDS * 1_000).to_string(),
    );
    set.insert("PLAZA_INTERNAL_SECRET_FILE", file("internal-secret"));
    if component != Publisher {
        set.insert("PLAZA_REALTIME_ENABLED", realtime.to_string());
    }
    if component != Auth {
        set.insert("PLAZA_AUTH_URL", url(validated, Auth));
        set.insert("PLAZA_ROOMS_URL", url(validated, Rooms));
        set.insert("PLAZA_MESSAGES_URL", url(validated, Messages));
    }
    if let Some(name) = database_setting(component) {
        set.insert(name, file("database-url"));
        let connections = match component {
            Auth => validated.connections.per_pod,
            _ => validated.connections.per_pod - RELAY_CONNECTIONS,
        };
        set.insert("PLAZA_DATABASE_MAX_CONNECTIONS", connections.to_string());
        if component != Auth {
            set.insert("PLAZA_RELAY_CONNECTIONS", RELAY_CONNECTIONS.to_string());
        }
    }
    if realtime && matches!(component, Rooms | Messages | Publisher) {
        set.insert("PLAZA_REDIS_URL_FILE", file("redis-url"));
        if validated
            .redis
            .as_ref()
            .is_some_and(|redis| redis.ca.is_some())
        {
            set.insert(
                "PLAZA_REDIS_CA_FILE",
                format!("{REDIS_CA_FOLDER}/{CA_FILE}"),
            );
        }
    }
    if realtime && matches!(component, Auth | Rooms | Publisher) {
        set.insert(
            "PLAZA_CENTRIFUGO_API_URL",
            url(validated, Component::Centrifugo),
        );
        set.insert("PLAZA_CENTRIFUGO_API_KEY_FILE", file("centrifugo-api-key"));
    }
    match component {
        Auth => {
            set.insert("PLAZA_AUTH_REFRESH_KEY_FILE", file("refresh-key"));
            set.insert(
                "PLAZA_REGISTRATION",
                registration(spec.registration).to_owned(),
            );
            set.insert(
                "PLAZA_CONNECTION_LIFETIME_S",
                spec.realtime.connection_lifetime_seconds.to_string(),
            );
        }
        Rooms => {
            if realtime {
                set.insert(
                    "PLAZA_CENTRIFUGO_PROXY_SECRET_FILE",
                    file("centrifugo-proxy-secret"),
                );
            }
            set.insert(
                "PLAZA_ROOMS_FANOUT_THRESHOLD",
                spec.realtime.fanout_threshold.to_string(),
            );
        }
        Gateway => {
            set.insert("PLAZA_PUBLIC_ORIGINS", validated.origins.join(","));
            set.insert("PLAZA_REALTIME_ENDPOINT", REALTIME_ENDPOINT.to_owned());
            set.insert("PLAZA_SPA_DIR", SPA_FOLDER.to_owned());
            if !spec.trusted_proxies.is_empty() {
                set.insert("PLAZA_TRUSTED_PROXIES", spec.trusted_proxies.join(","));
            }
        }
        _ => {}
    }
    set
}

/// The variable that names the file with the URL of a part's database.
pub(super) fn database_setting(component: Component) -> Option<&'static str> {
    match component {
        Component::Auth => Some("PLAZA_AUTH_DATABASE_URL_FILE"),
        Component::Rooms => Some("PLAZA_ROOMS_DATABASE_URL_FILE"),
        Component::Messages => Some("PLAZA_MESSAGES_DATABASE_URL_FILE"),
        _ => None,
    }
}

fn secret_files(validated: &Validated, component: Component) -> Vec<SecretFile> {
    use Component::{Auth, Messages, Publisher, Rooms};
    let keys = keys_name(&validated.name);
    let of_keys = |key: &str, file| SecretFile {
        secret: keys.clone(),
        key: key.to_owned(),
        file,
    };
    let mut files = vec![of_keys(Keys::INTERNAL, "internal-secret")];
    if component == Auth {
        files.push(of_keys(Keys::REFRESH, "refresh-key"));
    }
    files.extend(
        validated
            .databases
            .iter()
            .filter(|database| database.service == component)
            .map(|database| SecretFile {
                secret: database.secret.clone(),
                key: database.key.clone(),
                file: "database-url",
            }),
    );
    if let Some(redis) = &validated.redis {
        if matches!(component, Rooms | Messages | Publisher) {
            let (secret, key) = redis.streams.clone();
            files.push(SecretFile {
                secret,
                key,
                file: "redis-url",
            });
        }
        if matches!(component, Auth | Rooms | Publisher) {
            files.push(of_keys(Keys::CENTRIFUGO_API, "centrifugo-api-key"));
        }
        if component == Rooms {
            files.push(of_keys(Keys::CENTRIFUGO_PROXY, "centrifugo-proxy-secret"));
        }
    }
    files
}

/// Certificates that a part checks its stores' with.
pub(super) fn ca_files(
    validated: &Validated,
    component: Component,
) -> Vec<(&'static str, SecretFile)> {
    use Component::{Auth, Messages, Migrate, Publisher, Rooms, RotateKeys};
    let ca = |(secret, key): &(String, String)| SecretFile {
        secret: secret.clone(),
        key: key.clone(),
        file: CA_FILE,
    };
    let mut files = Vec::new();
    if let Some(of_databases) = &validated.database_ca
        && matches!(component, Auth | Rooms | Messages | Migrate | RotateKeys)
    {
        files.push((POSTGRES_CA_FOLDER, ca(of_databases)));
    }
    if let Some(of_redis) = validated.redis.as_ref().and_then(|redis| redis.ca.as_ref())
        && matches!(component, Rooms | Messages | Publisher)
    {
        files.push((REDIS_CA_FOLDER, ca(of_redis)));
    }
    files
}
