//! What Prometheus' operator is told, in a cluster that does not know its kinds
//! and then does.

use k8s_openapi::{
    api::core::v1::Service,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api,
    api::{ListParams, Patch, PatchParams},
    core::DynamicObject,
};
use plaza_operator::build::monitoring_resources;
use plaza_testkit::eventually;
use serde_json::json;

use crate::world::{PATIENCE, TRIAL, World};

/// Kinds of these names, which take anything.
async fn install(world: &World) {
    let definitions: Api<CustomResourceDefinition> = Api::all(world.client.clone());
    for resource in monitoring_resources() {
        let name = format!("{}.{}", resource.plural, resource.group);
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": name},
            "spec": {
                "group": resource.group,
                "names": {"kind": resource.kind, "plural": resource.plural},
                "scope": "Namespaced",
                "versions": [{
                    "name": resource.version, "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {
                        "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    }},
                }],
            },
        });
        let manager = PatchParams::apply("test").force();
        let patch = Patch::Apply(definition);
        definitions.patch(&name, &manager, &patch).await.unwrap();
        let api: Api<DynamicObject> =
            Api::namespaced_with(world.client.clone(), &world.namespace, &resource);
        eventually(PATIENCE, async || api.list(&ListParams::default()).await).await;
    }
}

/// Names of the objects of both kinds.
async fn told(world: &World) -> Vec<String> {
    let mut names = Vec::new();
    for resource in monitoring_resources() {
        let api: Api<DynamicObject> =
            Api::namespaced_with(world.client.clone(), &world.namespace, &resource);
        for object in api.list(&ListParams::default()).await.unwrap() {
            names.push(format!(
                "{} {}",
                resource.kind,
                object.metadata.name.unwrap()
            ));
        }
    }
    names
}

#[tokio::test]
async fn prometheus_is_told_once_the_cluster_knows_of_it() {
    let world = World::with_operator().await;
    let asked =
        "  networkPolicy: {metricsNamespaces: [monitoring]}\n  monitoring: {enabled: true}\n";
    world.apply(&format!("{TRIAL}{asked}")).await;
    // All else is as it would be.
    world.settle_trial("chat").await;
    let missed = world
        .condition("chat", "Monitored", "False", "NoPrometheusOperator")
        .await;
    assert!(
        missed.message.contains("ServiceMonitor and PrometheusRule"),
        "{}",
        missed.message
    );
    world.condition("chat", "Ready", "True", "Serving").await;
    world
        .condition("chat", "Degraded", "False", "NoTrouble")
        .await;
    world.find::<Service>("chat-publisher").await;

    install(&world).await;
    // It would look again by itself, somewhat later.
    let sooner = json!({"monitoring": {"interval": "15s"}});
    world.change("chat", sooner).await;
    world.condition("chat", "Monitored", "True", "Told").await;
    let both = ["ServiceMonitor chat", "PrometheusRule chat"];
    assert_eq!(told(&world).await, both);

    world
        .change("chat", json!({"monitoring": {"alerts": false}}))
        .await;
    eventually(PATIENCE, async || told(&world).await == both[..1]).await;
    world
        .change("chat", json!({"monitoring": {"enabled": false}}))
        .await;
    world
        .condition("chat", "Monitored", "False", "Disabled")
        .await;
    eventually(PATIENCE, async || told(&world).await.is_empty()).await;
    eventually(PATIENCE, async || {
        !world
            .names::<Service>()
            .await
            .contains(&"chat-publisher".to_owned())
    })
    .await;
}
