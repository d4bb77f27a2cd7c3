//! The cluster with the operator on it.

use std::time::{Duration, Instant};

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Namespace, Pod},
};
use kube::{
    Api, Client, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams},
    core::{DynamicObject, GroupVersionKind},
    discovery::{self, Scope},
};
use plaza_testkit::eventually;
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

/// Where the operator is, as k8s/operator/cluster.yaml has it.
pub(crate) const OPERATOR_NAMESPACE: &str = "plaza-system";
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

/// A client; the first one installs the CRD and the operator.
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
            apply_all(
                &client,
                include_str!("../../../k8s/crds/chatdeployments.yaml"),
            )
            .await;
            apply_all(&client, include_str!("../../../k8s/operator/cluster.yaml")).await;
            // The image may be another one than that of a run before, by the same name.
            let pods: Api<Pod> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
            pods.delete_collection(&DeleteParams::default(), &ListParams::default())
                .await
                .unwrap();
            operator_runs(&client, 1).await;
        })
        .await;
    client
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

/// Makes a namespace that a test has for itself, under the strictest rules.
pub(crate) async fn namespace(client: &Client) -> String {
    let name = format!("e2e-{}", plaza_local::random_hex(4).unwrap());
    let object = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": name, "labels": {
            "pod-security.kubernetes.io/enforce": "restricted", OURS: "true",
        }},
    });
    Api::<Namespace>::all(client.clone())
        .patch(&name, &PatchParams::apply("e2e"), &Patch::Apply(object))
        .await
        .unwrap();
    name
}

/// Applies every document of a file, as `kubectl apply --server-side` does.
async fn apply_all(client: &Client, file: &str) {
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(file).unwrap();
    for document in documents {
        let object: DynamicObject = serde_json::from_value(document).unwrap();
        let types = object.types.clone().unwrap();
        let (group, version) = types
            .api_version
            .split_once('/')
            .unwrap_or(("", &types.api_version));
        let kind = GroupVersionKind::gvk(group, version, &types.kind);
        let (resource, capabilities) = discovery::pinned_kind(client, &kind).await.unwrap();
        let api: Api<DynamicObject> = match &object.metadata.namespace {
            Some(namespace) if capabilities.scope == Scope::Namespaced => {
                Api::namespaced_with(client.clone(), namespace, &resource)
            }
            _ => Api::all_with(client.clone(), &resource),
        };
        api.patch(
            &object.name_any(),
            &PatchParams::apply("e2e").force(),
            &Patch::Apply(&object),
        )
        .await
        .unwrap_or_else(|error| panic!("{} {}: {error}", types.kind, object.name_any()));
    }
}

/// Tells people a time that was measured, beside the most that it may be.
#[track_caller]
pub(crate) fn measured(what: &str, since: Instant, most: Duration) {
    let took = since.elapsed();
    eprintln!("    {what}: {:.1} s", took.as_secs_f64());
    assert!(took <= most, "{what}: {took:?}, and at most {most:?}");
}
