//! A managed Redis.

use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ConfigMap, Container, ExecAction, Probe},
};

use crate::{
    api::ManagedRedis,
    component::Component,
    validate::{REDIS_PASSWORD, Validated},
};

use super::{
    pod::{self, Pod, SecretFile, mount, scratch},
    store::{self, SCRIPT_FOLDER, SCRIPT_VOLUME, VOLUME},
};

/// The user that the server runs as.
const USER: i64 = 65_534;
/// What streams and history may take, below the limit of the pod; beyond it
/// Redis refuses, and the outbox is the queue.
const MAX_MEMORY: &str = "640mb";
/// How long reading the append-only file may take (s).
const START_SECONDS: i32 = 300;

/// The server, and the script that starts it.
pub(super) fn store(validated: &Validated, managed: &ManagedRedis) -> (ConfigMap, StatefulSet) {
    let component = Component::Redis;
    let script = include_str!("redis.sh");
    let (config_map, volume) = store::script(validated, component, script);
    let answers = Some(ExecAction {
        command: Some(vec![
            "/bin/sh".to_owned(),
            "-c".to_owned(),
            "REDISCLI_AUTH=$(cat /etc/plaza/secrets/password) exec redis-cli -e ping".to_owned(),
        ]),
    });
    let container = Container {
        name: component.name().to_owned(),
        image: Some(validated.images.redis.clone()),
        command: Some(store::command()),
        env: Some(vec![pod::variable("PLAZA_REDIS_MAX_MEMORY", MAX_MEMORY)]),
        ports: pod::ports(component),
        resources: Some(pod::resources(
            managed.resources.as_ref(),
            "50m",
            "64Mi",
            "1Gi",
        )),
        startup_probe: Some(Probe {
            exec: answers.clone(),
            ..store::probe(1, START_SECONDS)
        }),
        liveness_probe: Some(Probe {
            tcp_socket: store::listens(component),
            ..store::probe(10, 6)
        }),
        readiness_probe: Some(Probe {
            exec: answers,
            ..store::probe(2, 3)
        }),
        volume_mounts: Some(vec![
            mount(VOLUME, "/data"),
            mount(SCRIPT_VOLUME, SCRIPT_FOLDER),
            mount("run", "/run/redis"),
        ]),
        ..Container::default()
    };
    let template = pod::template(
        validated,
        Pod {
            component,
            container,
            user: USER,
            scheduling: &managed.scheduling,
            volumes: vec![volume, scratch("run", true, "1Mi")],
            secrets: vec![SecretFile {
                secret: component.of(&validated.name),
                key: REDIS_PASSWORD.to_owned(),
                file: "password",
            }],
            more_secrets: Vec::new(),
            config: Some(script.to_owned()),
            made_of_secrets: None,
            grace_seconds: 30,
        },
    );
    let set = store::stateful_set(validated, component, &managed.storage, template);
    (config_map, set)
}
