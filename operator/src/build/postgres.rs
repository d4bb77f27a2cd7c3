//! A managed PostgreSQL.

use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ConfigMap, Container, ExecAction, Lifecycle, LifecycleHandler, Probe, VolumeMount},
};

use crate::{
    api::ManagedPostgres,
    component::Component,
    validate::{PostgresPasswords, Validated},
};

use super::{
    pod::{self, Pod, SecretFile, mount, scratch},
    store::{self, SCRIPT_FOLDER, SCRIPT_VOLUME, VOLUME},
};

/// The user that the server runs as.
pub(super) const USER: i64 = 65_533;
/// `initdb` wants its user to have a name, whatever the image has.
const PASSWD: &str = "plaza:x:65533:65533:Plaza:/:/bin/sh\n";
/// Its key in the ConfigMap.
const PASSWD_KEY: &str = "passwd";
/// The volume.
const FOLDER: &str = "/var/lib/plaza-postgres";
/// Memory that pages are kept in.
const SHARED_BUFFERS: &str = "128MB";
/// How long a start may take, with a recovery after a crash (s).
const START_SECONDS: i32 = 600;
/// How long a shutdown may take (s).
const STOP_SECONDS: i64 = 50;
/// And until it is forced (s).
const GRACE_SECONDS: i64 = 60;

/// The server, and the script that starts it.
pub(super) fn store(validated: &Validated, managed: &ManagedPostgres) -> (ConfigMap, StatefulSet) {
    let component = Component::Postgres;
    let script = include_str!("postgres.sh");
    let (mut config_map, volume) = store::script(validated, component, script);
    let files = config_map.data.get_or_insert_default();
    files.insert(PASSWD_KEY.to_owned(), PASSWD.to_owned());
    let container = container(validated, managed);
    let mut secrets = vec![SecretFile {
        secret: component.of(&validated.name),
        key: PostgresPasswords::SUPERUSER.to_owned(),
        file: "superuser-password",
    }];
    secrets.extend(passwords(validated));
    let template = pod::template(
        validated,
        Pod {
            component,
            container,
            user: USER,
            scheduling: &managed.scheduling,
            volumes: vec![
                volume,
                scratch("run", true, "16Mi"),
                scratch("tmp", false, "1Gi"),
                scratch("shm", true, "256Mi"),
            ],
            secrets,
            more_secrets: Vec::new(),
            config: Some(script.to_owned()),
            made_of_secrets: None,
            grace_seconds: GRACE_SECONDS,
        },
    );
    let set = store::stateful_set(validated, component, &managed.storage, template);
    (config_map, set)
}

/// The services' passwords: each database is its service's, and no superuser is
/// needed.
pub(super) fn passwords(validated: &Validated) -> Vec<SecretFile> {
    let files = [
        (Component::Auth, "auth-password"),
        (Component::Rooms, "rooms-password"),
        (Component::Messages, "messages-password"),
    ];
    files
        .into_iter()
        .map(|(service, file)| SecretFile {
            secret: Component::Postgres.of(&validated.name),
            key: PostgresPasswords::of(service),
            file,
        })
        .collect()
}

fn container(validated: &Validated, managed: &ManagedPostgres) -> Container {
    let component = Component::Postgres;
    let settings = [
        (
            "PLAZA_POSTGRES_MAX_CONNECTIONS",
            managed.max_connections.to_string(),
        ),
        ("PLAZA_POSTGRES_SHARED_BUFFERS", SHARED_BUFFERS.to_owned()),
    ];
    let variables = settings.map(|(name, value)| pod::variable(name, value));
    let answers = Some(run("exec pg_isready -q -h 127.0.0.1"));
    Container {
        name: component.name().to_owned(),
        image: Some(validated.images.postgres.clone()),
        command: Some(store::command()),
        env: Some(variables.into()),
        ports: pod::ports(component),
        resources: Some(pod::resources(
            managed.resources.as_ref(),
            "250m",
            "512Mi",
            "2Gi",
        )),
        startup_probe: Some(Probe {
            tcp_socket: store::listens(component),
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
            mount(VOLUME, FOLDER),
            mount(SCRIPT_VOLUME, SCRIPT_FOLDER),
            mount("run", "/run/postgresql"),
            mount("tmp", "/tmp"),
            mount("shm", "/dev/shm"),
            VolumeMount {
                sub_path: Some(PASSWD_KEY.to_owned()),
                ..mount(SCRIPT_VOLUME, "/etc/passwd")
            },
        ]),
        // At a mere SIGTERM it would wait for its clients to leave.
        lifecycle: Some(Lifecycle {
            pre_stop: Some(LifecycleHandler {
                exec: Some(run(&format!(
                    "exec pg_ctl --pgdata={FOLDER}/data --mode=fast --timeout={STOP_SECONDS} stop"
                ))),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        ..Container::default()
    }
}

/// A command of PostgreSQL's, which Debian keeps beside the server.
fn run(command: &str) -> ExecAction {
    let line = format!("PATH=$PATH:$(echo /usr/lib/postgresql/*/bin); {command}");
    ExecAction {
        command: Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), line]),
    }
}
