//! What newcomers get wrong ends in a condition that names it and what to do.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::world::{TRIAL, World};

const EXTERNAL: &str = "
apiVersion: plaza.dev/v1alpha1
kind: ChatDeployment
metadata: {name: chat}
spec:
  host: chat.example.org
  realtime: {enabled: false}
  postgres:
    external:
      auth: {secretName: databases, key: auth}
      rooms: {secretName: databases, key: rooms}
      messages: {secretName: databases, key: messages}
";

/// The Secret that [`EXTERNAL`] names, as it should be.
async fn databases(world: &World) {
    let urls = [
        ("auth", "postgres://a@db/plaza_auth"),
        ("rooms", "postgres://b@db/plaza_rooms"),
        ("messages", "postgres://c@db/plaza_messages"),
    ];
    world.secret("databases", &urls).await;
}

#[tokio::test]
async fn secrets_are_missed_one_after_another_until_they_are_right() {
    let world = World::with_operator().await;
    world.apply(EXTERNAL).await;
    let told = world
        .condition("chat", "Ready", "False", "SecretNotFound")
        .await;
    assert!(
        told.message
            .contains("spec.postgres.external.auth names the Secret databases"),
        "{}",
        told.message
    );
    world
        .condition("chat", "DatabaseReady", "False", "SecretNotFound")
        .await;
    world
        .secret(
            "databases",
            &[
                ("auth", "postgres://a@db/plaza_auth"),
                ("rooms", "mysql://b@db/rooms"),
            ],
        )
        .await;
    let told = world
        .condition("chat", "Ready", "False", "SecretInvalid")
        .await;
    assert!(
        told.message.contains("is no PostgreSQL URL"),
        "{}",
        told.message
    );
    assert!(
        told.message.contains("names the key messages"),
        "{}",
        told.message
    );
    let right = json!({"stringData": {
        "rooms": "postgres://b@db/plaza_rooms", "messages": "postgres://c@db/plaza_messages",
    }});
    world
        .api::<k8s_openapi::api::core::v1::Secret>()
        .patch("databases", &PatchParams::default(), &Patch::Merge(right))
        .await
        .unwrap();
    // Nobody had to touch the chat: the Secret is watched.
    world
        .condition("chat", "MigrationsApplied", "False", "Migrating")
        .await;
}

/// A pod of a part that is as this status says.
async fn pod(world: &World, component: &str, status: Value) {
    let name = format!("chat-{component}-x");
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": name, "labels": labels(component)},
        "spec": {"containers": [{"name": component, "image": "plaza:1"}]},
    }))
    .unwrap();
    let pods = world.api::<Pod>();
    pods.create(&PostParams::default(), &pod).await.unwrap();
    pods.patch_status(
        &name,
        &PatchParams::default(),
        &Patch::Merge(json!({"status": status})),
    )
    .await
    .unwrap();
}

fn labels(component: &str) -> Value {
    json!({
        "app.kubernetes.io/instance": "chat",
        "app.kubernetes.io/managed-by": "plaza-operator",
        "app.kubernetes.io/component": component,
    })
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled() {
    let world = World::with_operator().await;
    world.apply(TRIAL).await;
    let status = json!({"containerStatuses": [{
        "name": "postgres", "image": "registry.example.org/plaza/plaza-postgres:15", "imageID": "",
        "ready": false, "restartCount": 0,
        "state": {"waiting": {"reason": "ErrImagePull", "message": "no such host"}},
    }]});
    pod(&world, "postgres", status).await;
    let told = world
        .condition("chat", "Ready", "False", "ImageCannotBePulled")
        .await;
    assert!(
        told.message.contains("plaza-postgres:15: no such host"),
        "{}",
        told.message
    );
    world
        .condition("chat", "DatabaseReady", "False", "ImageCannotBePulled")
        .await;
    world
        .condition("chat", "Degraded", "True", "ImageCannotBePulled")
        .await;
}

#[tokio::test]
async fn a_database_that_refuses() {
    let world = World::with_operator().await;
    databases(&world).await;
    world.apply(EXTERNAL).await;
    let job = world.new_job(&[]).await;
    let log = "plaza: PLAZA_AUTH_DATABASE_URL: cannot connect: password authentication failed";
    let status = json!({"phase": "Failed", "containerStatuses": [{
        "name": "migrate", "image": "plaza:1", "imageID": "", "ready": false, "restartCount": 0,
        "state": {"terminated": {"exitCode": 1, "reason": "Error", "message": log}},
    }]});
    pod(&world, "migrate", status).await;
    world.job_ends(&job, false).await;
    let told = world
        .condition("chat", "DatabaseReady", "False", "MigrationFailed")
        .await;
    assert!(
        told.message.contains("password authentication failed"),
        "{}",
        told.message
    );
    let told = world
        .condition("chat", "Ready", "False", "MigrationFailed")
        .await;
    assert!(told.message.contains(&job), "{}", told.message);
}

#[tokio::test]
async fn a_cluster_without_a_storage_class() {
    let world = World::with_operator().await;
    world.apply(TRIAL).await;
    let claim: PersistentVolumeClaim = serde_json::from_value(json!({
        "metadata": {"name": "data-chat-postgres-0", "labels": labels("postgres")},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
    }))
    .unwrap();
    let claims = world.api::<PersistentVolumeClaim>();
    claims.create(&PostParams::default(), &claim).await.unwrap();
    let status = json!({"status": {"phase": "Pending"}});
    claims
        .patch_status(
            "data-chat-postgres-0",
            &PatchParams::default(),
            &Patch::Merge(status),
        )
        .await
        .unwrap();
    let told = world
        .condition("chat", "Ready", "False", "NoStorageClass")
        .await;
    assert!(
        told.message.contains("data-chat-postgres-0"),
        "{}",
        told.message
    );
}

#[tokio::test]
async fn a_gateway_api_that_is_not_there() {
    let world = World::with_operator().await;
    world
        .apply(&EXTERNAL.replace(
            "  realtime:",
            "  httpRoute: {parentRefs: [{name: edge}]}\n  realtime:",
        ))
        .await;
    databases(&world).await;
    let job = world.new_job(&[]).await;
    world.job_ends(&job, true).await;
    let told = world
        .condition("chat", "Degraded", "True", "NotFound")
        .await;
    assert!(
        told.message.contains("HTTPRoute chat") && told.message.contains("install its CRDs"),
        "{}",
        told.message
    );
}
