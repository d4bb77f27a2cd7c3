//! The cluster with the operator on it.

use std::time::{Duration, Instant};

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Namespace, Pod},
};
use kube::{
    Api, Client, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use plaza_testkit::eventually;
use serde_json::{Value, json};
use tokio::{
    process::Command,
    sync::{Mutex, MutexGuard, OnceCell},
};

/// Where the operator is.
const OPERATOR_NAMESPACE: &str = "plaza-system";
/// The chart, and what it is installed as.
const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/plaza");
const RELEASE: &str = "plaza";
const OPERATOR: &str = "plaza-operator";
/// The label of the tests' namespaces.
const OURS: &str = "plaza.dev/e2e";
/// How long what is no test's subject may take.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// The node is one test's at a time: they kill what they all need.
pub(crate) async fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// A client; the first one installs the operator.
pub(crate) async fn client() -> Client {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    plaza_kit::install_crypto();
    // Of its own: a test's connections end with its runtime.
    let client = Client::try_default()
        .await
        .expect("KUBECONFIG, such as `eval \"$(operator/kubernetes/cluster env)\"` sets it");
    INSTALLED
        .get_or_init(|| async {
            // Of a run before.
            let namespaces: Api<Namespace> = Api::all(client.clone());
            for old in namespaces
                .list(&ListParams::default().labels(OURS))
                .await
                .unwrap()
            {
                let _ = namespaces
                    .delete(&old.name_any(), &DeleteParams::default())
                    .await;
            }
            uninstall(&client).await;
            install(&client).await;
        })
        .await;
    client
}

/// Installs the chart, and waits for the operator.
pub(crate) async fn install(client: &Client) {
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": OPERATOR_NAMESPACE, "labels": {
            "pod-security.kubernetes.io/enforce": "restricted",
        }},
    });
    Api::<Namespace>::all(client.clone())
        .patch(
            OPERATOR_NAMESPACE,
            &PatchParams::apply("e2e").force(),
            &Patch::Apply(namespace),
        )
        .await
        .unwrap();
    // What was applied without Helm before becomes the release's.
    helm(&[
        "install",
        RELEASE,
        CHART,
        "--take-ownership",
        "--force-conflicts",
    ])
    .await;
    operator_runs(client, 1).await;
}

/// Removes the release, and waits until its pods are gone. The chats stay.
pub(crate) async fn uninstall(client: &Client) {
    helm(&["uninstall", RELEASE, "--ignore-not-found"]).await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
    eventually(PATIENCE, async || {
        let left = pods.list(&ListParams::default()).await.unwrap();
        left.items.is_empty()
    })
    .await;
}

async fn helm(arguments: &[&str]) {
    let done = Command::new("helm")
        .args(arguments)
        .args(["--namespace", OPERATOR_NAMESPACE])
        .output()
        .await
        .expect("helm, such as operator/kubernetes/build builds, on PATH");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "helm {arguments:?}: {said}");
}

/// Has so many operators run, and waits until it is so.
pub(crate) async fn operators(client: &Client, count: i32) {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
    let scale = json!({"spec": {"replicas": count}});
    deployments
        .patch_scale(OPERATOR, &PatchParams::default(), &Patch::Merge(scale))
        .await
        .unwrap();
    operator_runs(client, count).await;
}

async fn operator_runs(client: &Client, count: i32) {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
    let pods: Api<Pod> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
    eventually(PATIENCE, async || {
        let deployment = deployments.get(OPERATOR).await.unwrap();
        let status = deployment.status.unwrap_or_default();
        let there = pods.list(&ListParams::default()).await.unwrap();
        let there = i32::try_from(there.items.len()).unwrap();
        let seen = status.observed_generation == deployment.metadata.generation;
        (seen && status.ready_replicas.unwrap_or(0) == count && there == count)
            .then_some(())
            .ok_or_else(|| format!("{status:?}, {there} pods"))
    })
    .await;
}

/// Of a test's namespace: the next run removes it, and its pods follow the
/// strictest rules.
pub(crate) fn labels() -> Value {
    json!({"pod-security.kubernetes.io/enforce": "restricted", OURS: "true"})
}

/// Makes a namespace that a test has for itself.
pub(crate) async fn namespace(client: &Client) -> String {
    let name = format!("e2e-{}", plaza_local::random_hex(4).unwrap());
    let object = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": name, "labels": labels()},
    });
    Api::<Namespace>::all(client.clone())
        .patch(&name, &PatchParams::apply("e2e"), &Patch::Apply(object))
        .await
        .unwrap();
    name
}

/// Tells people a time that was measured, beside the most that it may be.
#[track_caller]
pub(crate) fn measured(what: &str, since: Instant, most: Duration) {
    let took = since.elapsed();
    eprintln!("    {what}: {:.1} s", took.as_secs_f64());
    assert!(took <= most, "{what}: {took:?}, and at most {most:?}");
}
