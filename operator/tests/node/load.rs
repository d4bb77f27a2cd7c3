//! `plaza loadtest` in a pod beside the chat, through the Services: every
//! delivery is accounted for.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, LogParams, PostParams};
use plaza_testkit::eventually;
use serde_json::{Value, json};

use crate::{
    chat::{Chat, NAME},
    node::{alone, measured},
};

/// For seeding, and the run's own half a minute.
const WITHIN: Duration = Duration::from_mins(3);
const POD: &str = "loadtest";
/// Where both steps have the virtual users.
const USERS: &str = "/data/users.jsonl";
const RUN: [&str; 8] = [
    "--members=100",
    "--senders=10",
    "--rate=20",
    "--ramp-s=5",
    "--warm-up-s=3",
    "--duration-s=15",
    "--url=http://chat-gateway:8080",
    "--realtime-endpoint=ws://chat-centrifugo:8000/connection/websocket",
];

#[tokio::test]
async fn a_load_test_accounts_for_every_delivery() {
    let _turn = alone().await;
    let chat = Chat::of_two().await;
    let gateway = &chat.pods("gateway").await[0];
    let image = gateway.spec.as_ref().unwrap().containers[0].image.clone();
    let pods = chat.api::<Pod>();
    let began = Instant::now();
    let pod = serde_json::from_value(pod(&image.unwrap())).unwrap();
    pods.create(&PostParams::default(), &pod).await.unwrap();
    let phase = eventually(WITHIN, async || {
        let status = pods.get(POD).await.unwrap().status.unwrap_or_default();
        let phase = status.phase.clone().unwrap_or_default();
        matches!(phase.as_str(), "Succeeded" | "Failed")
            .then_some(phase)
            .ok_or(status)
    })
    .await;
    let mut said = String::new();
    for container in ["seed", "run"] {
        let of = LogParams {
            container: Some(container.to_owned()),
            ..LogParams::default()
        };
        // There is none of what did not begin.
        said += &pods.logs(POD, &of).await.unwrap_or_default();
    }
    assert_eq!(phase, "Succeeded", "{said}");
    measured("plaza loadtest, seed and run", began, WITHIN);
    for line in said.lines().filter(|line| line.contains("accepted, and")) {
        eprintln!("    {line}");
    }
    pods.delete(POD, &DeleteParams::default()).await.unwrap();
}

/// A pod that makes virtual users and then has them use the chat. The policies
/// let it to the databases as they do the migration.
fn pod(image: &str) -> Value {
    let urls = ["auth", "rooms", "messages"].map(|service| {
        json!({
            "name": format!("PLAZA_{}_DATABASE_URL", service.to_uppercase()),
            "valueFrom": {"secretKeyRef": {"name": "chat-postgres", "key": format!("{service}-url")}},
        })
    });
    let users = format!("--users-file={USERS}");
    let container = |name: &str, args: &[&str], env: &[Value]| {
        let common = ["loadtest", name, &users];
        json!({
            "name": name, "image": image, "env": env,
            "args": common.iter().chain(args).collect::<Vec<_>>(),
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            "securityContext": {
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            },
        })
    };
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": POD, "labels": {
            "app.kubernetes.io/name": "plaza", "app.kubernetes.io/instance": NAME,
            "app.kubernetes.io/component": "migrate", "app.kubernetes.io/managed-by": "plaza-operator",
        }},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumes": [{"name": "data", "emptyDir": {"sizeLimit": "16Mi"}}],
            "initContainers": [container("seed", &["--users=100"], &urls)],
            "containers": [container("run", &RUN, &[])],
        },
    })
}
