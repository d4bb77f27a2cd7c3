//! Centrifugo, with the configuration that Plaza relies on.

use k8s_openapi::api::core::v1::{
    Container, EnvVar, Lifecycle, LifecycleHandler, Secret, SleepAction,
};
use plaza_centrifugo::config::{Settings, subscribe_proxy};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    api,
    component::Component,
    validate::{Keys, Validated, keys_name},
};

use super::{
    CannotWrite, Part, component_spec, labels,
    plaza::{self, deployment},
    pod::{self, Pod, SECRETS_FOLDER, SecretFile, USER},
};

/// Where auth publishes its keys.
const JWKS_PATH: &str = "/jwks";
/// The configuration's file, and its key in the Secret.
const FILE: &str = "centrifugo.json";
/// It drops everybody at once when it is told to stop: first no new connections
/// come (s).
const SLEEP_SECONDS: i64 = 5;
/// It ends when Redis does not answer at its start. Where NetworkPolicies are
/// enforced, the first packet of a pod that is not known yet may be dropped,
/// and comes again a second later: its own timeout.
const REDIS_CONNECT_TIMEOUT: &str = "4s";
/// Beginning of its keys in Redis.
const REDIS_PREFIX: &str = "centrifugo";

/// The part, whose configuration is a Secret.
pub(super) fn part(validated: &Validated) -> Result<Part, CannotWrite> {
    let component = Component::Centrifugo;
    let name = component.of(&validated.name);
    let configuration = configuration(validated)?;
    let secret = Secret {
        metadata: labels::metadata(validated, name.clone(), Some(component)),
        type_: Some("Opaque".to_owned()),
        data: Some(
            [(
                FILE.to_owned(),
                k8s_openapi::ByteString(configuration.expose_secret().as_bytes().to_vec()),
            )]
            .into(),
        ),
        ..Secret::default()
    };
    let spec = component_spec(&validated.spec, component);
    let container = Container {
        name: component.name().to_owned(),
        image: Some(validated.images.centrifugo.clone()),
        args: Some(vec![
            "--config".to_owned(),
            format!("{SECRETS_FOLDER}/{FILE}"),
        ]),
        env: Some(env(&spec.env)),
        ports: pod::ports(component),
        resources: Some(pod::resources(
            spec.resources.as_ref(),
            "100m",
            "128Mi",
            "1Gi",
        )),
        liveness_probe: Some(pod::http_probe("internal", "/health", 10, 3)),
        readiness_probe: Some(pod::http_probe("internal", "/health", 2, 2)),
        lifecycle: Some(Lifecycle {
            pre_stop: Some(LifecycleHandler {
                sleep: Some(SleepAction {
                    seconds: SLEEP_SECONDS,
                }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        ..Container::default()
    };
    let template = pod::template(
        validated,
        Pod {
            component,
            container,
            user: USER,
            scheduling: &spec.scheduling,
            volumes: Vec::new(),
            secrets: vec![SecretFile {
                secret: name,
                key: FILE.to_owned(),
                file: FILE,
            }],
            more_secrets: Vec::new(),
            config: None,
            made_of_secrets: Some(configuration),
            grace_seconds: SLEEP_SECONDS + 30,
        },
    );
    Ok(Part {
        component,
        config_map: None,
        secret: Some(secret),
        deployment: deployment(validated, component, &spec, template),
    })
}

/// What it is told beside its configuration, which the spec cannot change.
fn env(added: &[api::EnvVar]) -> Vec<EnvVar> {
    let mut variables = vec![pod::variable(
        "CENTRIFUGO_ENGINE_REDIS_CONNECT_TIMEOUT",
        REDIS_CONNECT_TIMEOUT,
    )];
    variables.extend(pod::env(added).into_iter().flatten());
    variables
}

/// The file's text.
fn configuration(validated: &Validated) -> Result<SecretString, CannotWrite> {
    let keys = keys_name(&validated.name);
    let key = |key: &str| validated.value(&keys, key).unwrap_or_default();
    let (_, client_port) = Component::Centrifugo.api_port().unwrap_or_default();
    let (_, internal_port) = Component::Centrifugo.ops_port().unwrap_or_default();
    let settings = Settings {
        address: "0.0.0.0".to_owned(),
        port: u16::try_from(client_port).unwrap_or_default(),
        internal_address: "0.0.0.0".to_owned(),
        internal_port: u16::try_from(internal_port).unwrap_or_default(),
        allowed_origins: validated.origins.clone(),
        jwks_endpoint: format!("{}{JWKS_PATH}", plaza::url(validated, Component::Auth)),
        redis_urls: validated
            .redis
            .as_ref()
            .map(|redis| redis.centrifugo.clone())
            .unwrap_or_default(),
        redis_prefix: REDIS_PREFIX.to_owned(),
        api_key: key(Keys::CENTRIFUGO_API),
        subscribe_proxy: subscribe_proxy(&plaza::url(validated, Component::Rooms)),
        proxy_secret: key(Keys::CENTRIFUGO_PROXY),
        log_level: "info".to_owned(),
    };
    settings.to_json().map_err(CannotWrite::Centrifugo)
}
