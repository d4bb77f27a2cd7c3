//! Signing keys and passwords are rotated.

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    batch::v1::Job,
    core::v1::Secret,
};
use kube::{
    Resource,
    api::{DeleteParams, Patch, PatchParams},
    core::NamespaceResourceScope,
};
use plaza_operator::api::ChatDeployment;
use plaza_testkit::eventually;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::world::{PATIENCE, World};

async fn ask(world: &World, request: &str) {
    let asked = json!({"metadata": {"annotations": {"plaza.dev/rotate-keys": request}}});
    world
        .api::<ChatDeployment>()
        .patch("chat", &PatchParams::default(), &Patch::Merge(asked))
        .await
        .unwrap();
}

/// The Job of a rotation, when there is one alone, and it is not this one.
async fn job(world: &World, not: &str) -> String {
    eventually(PATIENCE, async || {
        let mut all = world.names::<Job>().await;
        all.retain(|name| name.contains("-rotate-keys-"));
        match all.as_slice() {
            [one] if one != not => Ok(one.clone()),
            _ => Err(all),
        }
    })
    .await
}

#[tokio::test]
async fn signing_keys_are_rotated_once_a_word() {
    let world = World::with_trial().await;
    ask(&world, "2026-01").await;
    let first = job(&world, "").await;
    world
        .condition("chat", "KeysRotated", "False", "Rotating")
        .await;
    let spec = world.find::<Job>(&first).await.spec.unwrap();
    let container = spec.template.spec.unwrap().containers.remove(0);
    assert_eq!(container.args.unwrap(), ["admin", "rotate-keys"]);
    world.job_ends(&first, true).await;
    world
        .condition("chat", "KeysRotated", "True", "Rotated")
        .await;

    // Another change is no other request, and another word is.
    world
        .change("chat", json!({"registration": "Closed"}))
        .await;
    world.condition("chat", "Ready", "True", "Serving").await;
    assert_eq!(job(&world, "").await, first);
    ask(&world, "2026-02").await;
    let second = job(&world, &first).await;
    world.job_ends(&second, false).await;
    let told = world
        .condition("chat", "KeysRotated", "False", "RotationFailed")
        .await;
    assert!(told.message.contains(&second), "{}", told.message);
    world.condition("chat", "Ready", "True", "Serving").await;
}

/// What its pods are marked with: with another mark they are started anew.
async fn mark<K>(world: &World, name: &str) -> String
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Serialize,
{
    let object = serde_json::to_value(world.find::<K>(name).await).unwrap();
    object["spec"]["template"]["metadata"]["annotations"].to_string()
}

#[tokio::test]
async fn a_secret_that_is_deleted_is_made_anew_and_what_has_it_starts_anew() {
    let world = World::with_trial().await;
    let secrets = world.api::<Secret>();
    for (secret, store, part, other) in [
        (
            "chat-postgres",
            "chat-postgres",
            "chat-messages",
            "chat-gateway",
        ),
        ("chat-redis", "chat-redis", "chat-publisher", "chat-gateway"),
    ] {
        let before: Secret = world.find(secret).await;
        let marks = (
            mark::<StatefulSet>(&world, store).await,
            mark::<Deployment>(&world, part).await,
            mark::<Deployment>(&world, other).await,
        );
        secrets
            .delete(secret, &DeleteParams::default())
            .await
            .unwrap();
        eventually(PATIENCE, async || {
            let now = secrets.get_opt(secret).await.unwrap();
            now.is_some_and(|now| now.data != before.data)
        })
        .await;
        eventually(PATIENCE, async || {
            mark::<StatefulSet>(&world, store).await != marks.0
                && mark::<Deployment>(&world, part).await != marks.1
        })
        .await;
        assert_eq!(mark::<Deployment>(&world, other).await, marks.2, "{other}");
    }
}
