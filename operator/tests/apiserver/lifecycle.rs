//! Upgrades, pauses, hibernation, and an operator that was away.

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    batch::v1::Job,
    core::v1::Service,
};
use kube::api::DeleteParams;
use plaza_operator::api::ChatDeployment;
use plaza_testkit::eventually;
use serde_json::json;

use crate::{
    cluster::As,
    world::{PARTS, PATIENCE, World},
};

async fn image(world: &World, part: &str) -> String {
    let deployment: Deployment = world.find(&format!("chat-{part}")).await;
    let pod = deployment.spec.unwrap().template.spec.unwrap();
    pod.containers[0].image.clone().unwrap()
}

#[tokio::test]
async fn an_upgrade_migrates_and_then_goes_from_part_to_part() {
    let world = World::with_trial().await;
    let known = world.names::<Job>().await;
    world.change("chat", json!({"version": "0.1.1"})).await;
    let job = world.new_job(&known).await;
    world
        .condition("chat", "Progressing", "True", "Migrating")
        .await;
    assert!(
        image(&world, "auth").await.ends_with(":0.1.0"),
        "not before the migration"
    );
    world.job_ends(&job, true).await;
    let own = ["auth", "rooms", "messages", "publisher", "gateway"];
    for (place, part) in own.iter().enumerate() {
        eventually(PATIENCE, async || {
            image(&world, part).await.ends_with(":0.1.1")
        })
        .await;
        for later in &own[place + 1..] {
            assert!(
                image(&world, later).await.ends_with(":0.1.0"),
                "{later} waits for {part}"
            );
        }
        let chat: ChatDeployment = world.find("chat").await;
        assert_eq!(
            chat.status.unwrap().version.as_deref(),
            Some("0.1.0"),
            "not all of it runs"
        );
        world.part_is_ready(&format!("chat-{part}"), true).await;
    }
    world
        .condition("chat", "Progressing", "False", "Settled")
        .await;
    let chat: ChatDeployment = world.find("chat").await;
    assert_eq!(chat.status.unwrap().version.as_deref(), Some("0.1.1"));
    eventually(PATIENCE, async || {
        world.names::<Job>().await == [job.clone()]
    })
    .await;
}

#[tokio::test]
async fn a_failed_migration_leaves_the_old_version_serving() {
    let world = World::with_trial().await;
    let known = world.names::<Job>().await;
    world.change("chat", json!({"version": "0.1.1"})).await;
    let job = world.new_job(&known).await;
    world.job_ends(&job, false).await;
    let told = world
        .condition("chat", "MigrationsApplied", "False", "MigrationFailed")
        .await;
    assert!(
        told.message.contains(&job) && told.message.contains("delete the Job"),
        "{}",
        told.message
    );
    world
        .condition("chat", "Degraded", "True", "MigrationFailed")
        .await;
    world.condition("chat", "Ready", "True", "Serving").await;
    for part in PARTS {
        assert!(!image(&world, part).await.ends_with(":0.1.1"), "{part}");
    }
    // Mended, and tried again.
    world
        .api::<Job>()
        .delete(&job, &DeleteParams::background())
        .await
        .unwrap();
    eventually(PATIENCE, async || {
        let found = world
            .api::<Job>()
            .get(&job)
            .await
            .map_err(|error| error.to_string())?;
        let conditions = found.status.and_then(|status| status.conditions);
        conditions
            .is_none()
            .then_some(())
            .ok_or_else(|| "the old one".to_owned())
    })
    .await;
    world.job_ends(&job, true).await;
    eventually(PATIENCE, async || {
        image(&world, "auth").await.ends_with(":0.1.1")
    })
    .await;
}

#[tokio::test]
async fn a_version_that_cannot_be_is_refused_and_what_runs_goes_on() {
    let world = World::with_trial().await;
    world.change("chat", json!({"version": "7.0.0"})).await;
    let told = world
        .condition("chat", "Degraded", "True", "UnknownVersion")
        .await;
    assert!(told.message.contains("knows"), "{}", told.message);
    world
        .condition("chat", "Ready", "True", "SpecNotApplied")
        .await;
    world.change("chat", json!({"version": "0.1.0"})).await;
    world.condition("chat", "Ready", "True", "Serving").await;
    world
        .condition("chat", "Degraded", "False", "NoTrouble")
        .await;
}

#[tokio::test]
async fn a_paused_chat_is_left_alone() {
    let world = World::with_trial().await;
    world.change("chat", json!({"paused": true})).await;
    world.condition("chat", "Paused", "True", "Paused").await;
    let services = world.api::<Service>();
    services
        .delete("chat-rooms", &DeleteParams::default())
        .await
        .unwrap();
    world
        .change("chat", json!({"rooms": {"replicas": 2}}))
        .await;
    // It has seen the change, and has done nothing.
    let chats = world.api::<ChatDeployment>();
    eventually(PATIENCE, async || {
        let chat = chats.get("chat").await.unwrap();
        chat.status.unwrap().observed_generation == chat.metadata.generation
    })
    .await;
    assert!(services.get_opt("chat-rooms").await.unwrap().is_none());
    world.change("chat", json!({"paused": false})).await;
    let _: Service = world.find("chat-rooms").await;
    world
        .condition("chat", "Paused", "False", "NotPaused")
        .await;
}

#[tokio::test]
async fn a_hibernated_chat_runs_nothing_and_wakes() {
    let world = World::with_trial().await;
    world.change("chat", json!({"hibernated": true})).await;
    world
        .condition("chat", "Ready", "False", "Hibernated")
        .await;
    let replicas = async |part: &str| {
        let deployment: Deployment = world.find(&format!("chat-{part}")).await;
        deployment.spec.unwrap().replicas
    };
    for part in PARTS {
        eventually(PATIENCE, async || replicas(part).await == Some(0)).await;
    }
    let store: StatefulSet = world.find("chat-postgres").await;
    assert_eq!(store.spec.unwrap().replicas, Some(0));
    world.store_is_ready("chat-redis", 0).await;
    world.change("chat", json!({"hibernated": false})).await;
    eventually(PATIENCE, async || replicas("gateway").await == Some(1)).await;
    // It would end without Redis. Gateway is the last of a rollout.
    assert_eq!(replicas("centrifugo").await, Some(0));
    world.store_is_ready("chat-redis", 1).await;
    eventually(PATIENCE, async || replicas("centrifugo").await == Some(1)).await;
}

#[tokio::test]
async fn a_new_operator_takes_up_what_changed_while_there_was_none() {
    let mut world = World::with_trial().await;
    world.stop().await;
    world
        .api::<Service>()
        .delete("chat-auth", &DeleteParams::default())
        .await
        .unwrap();
    world
        .change("chat", json!({"gateway": {"replicas": 2}}))
        .await;
    world.start(As::Operator).await;
    let _: Service = world.find("chat-auth").await;
    eventually(PATIENCE, async || {
        let deployment: Deployment = world.find("chat-gateway").await;
        deployment.spec.unwrap().replicas == Some(2)
    })
    .await;
}
