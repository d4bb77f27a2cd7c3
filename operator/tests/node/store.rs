//! Backups in a store, which are all that is left of a chat.

use std::time::Instant;

use k8s_openapi::api::core::v1::{Pod, Secret, Service};
use kube::api::{Patch, PatchParams};
use plaza_testkit::eventually;
use serde_json::{Value, json};

use crate::{
    backups::{BACKUPS, DATA},
    chat::{Chat, NAME, READY_WITHIN, is_ready, with},
    node::{PATIENCE, alone, measured},
};

/// What `k8s/images/build s3` makes, with a bucket of this name.
const IMAGE: &str = "ghcr.io/plaza-chat/s3:test";
const BUCKET: &str = "backups";
/// The pod, its Service, and the Secret with its keys.
const STORE: &str = "store";
const PORT: u16 = 7070;
const ACCESS_KEY_ID: &str = "plaza";

#[tokio::test]
async fn a_chat_of_which_nothing_is_left_begins_again_from_a_store() {
    let _turn = alone().await;
    let chat = Chat::apply().await;
    chat.has_a_store().await;
    // The Secret that it names is there by now.
    chat.change(backed_up()).await;
    chat.settled(READY_WITHIN).await;
    let (ada, _, room) = chat.people().await;
    let kept = chat.writes(&ada, &room).await;

    let began = Instant::now();
    let backup = chat.backs_up("to-the-store").await;
    measured("backed up to a store", began, PATIENCE);
    chat.writes(&ada, &room).await;

    let began = Instant::now();
    let prefix = format!("{}/{NAME}", chat.namespace);
    let from = json!({"restore": {"backup": backup, "s3": store(Some(&prefix))}});
    // Without the keys as well, nobody could go on.
    chat.begins_again(&[DATA, BACKUPS], from).await;
    measured(
        "deleted with all volumes, restored from the store, ready",
        began,
        READY_WITHIN,
    );
    let ada = ada.at(&chat).await;
    let history = eventually(PATIENCE, async || ada.history(&room).await).await;
    assert_eq!(history, kept, "what the backup has");
    chat.remove().await;
}

/// A spec that has the chat backed up to the store, when it is asked for.
fn backed_up() -> Value {
    json!({"backup": {"suspend": true, "volume": {"size": "1Gi"}, "s3": store(None)}})
}

/// The store as a spec names it.
fn store(prefix: Option<&str>) -> Value {
    let named = json!({
        "endpoint": format!("http://{STORE}:{PORT}"), "bucket": BUCKET,
        "accessKeyId": {"secretName": STORE}, "secretAccessKey": {"secretName": STORE},
    });
    match prefix {
        Some(prefix) => with(named, &json!({ "prefix": prefix })),
        None => named,
    }
}

impl Chat {
    /// Starts a store in the chat's namespace, and waits for it.
    async fn has_a_store(&self) {
        let labels = json!({"app": STORE});
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": STORE},
            "stringData": {
                "access-key-id": ACCESS_KEY_ID,
                "secret-access-key": plaza_local::random_hex(16).unwrap(),
            },
        });
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": STORE},
            "spec": {"selector": labels, "ports": [{"port": PORT}]},
        });
        let key = |variable: &str, key: &str| {
            let from = json!({"secretKeyRef": {"name": STORE, "key": key}});
            json!({"name": variable, "valueFrom": from})
        };
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": STORE, "labels": labels},
            "spec": {
                "automountServiceAccountToken": false,
                "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [{
                    "name": STORE, "image": IMAGE,
                    "env": [
                        key("ROOT_ACCESS_KEY_ID", "access-key-id"),
                        key("ROOT_SECRET_ACCESS_KEY", "secret-access-key"),
                    ],
                    "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
                    // Objects are in its root file system: they end with it.
                    "securityContext": {
                        "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
                    },
                }],
            },
        });
        let how = PatchParams::apply("e2e");
        let secrets = self.api::<Secret>();
        secrets
            .patch(STORE, &how, &Patch::Apply(secret))
            .await
            .unwrap();
        let services = self.api::<Service>();
        services
            .patch(STORE, &how, &Patch::Apply(service))
            .await
            .unwrap();
        let pods = self.api::<Pod>();
        pods.patch(STORE, &how, &Patch::Apply(pod)).await.unwrap();
        eventually(PATIENCE, async || {
            let pod = pods.get(STORE).await.unwrap();
            is_ready(&pod).then_some(()).ok_or(pod.status)
        })
        .await;
    }
}
