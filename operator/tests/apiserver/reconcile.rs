//! What the controller makes, keeps, mends and removes.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::Job,
    core::v1::{ConfigMap, Secret, Service, ServiceAccount},
    events::v1::Event,
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use plaza_operator::{api::ChatDeployment, controller};
use plaza_testkit::eventually;
use serde_json::json;

use crate::{
    cluster::As,
    world::{PARTS, PATIENCE, TRIAL, World},
};

/// The resource version of every object of a namespace.
async fn versions(world: &World) -> BTreeMap<String, String> {
    macro_rules! of {
        ($versions:ident, $($kind:ident),+) => {
            $(for object in world.api::<$kind>().list(&ListParams::default()).await.unwrap() {
                let name = format!("{} {}", stringify!($kind), object.name_any());
                $versions.insert(name, object.resource_version().unwrap());
            })+
        };
    }
    let mut versions = BTreeMap::new();
    of!(
        versions,
        ChatDeployment,
        ServiceAccount,
        Secret,
        NetworkPolicy,
        Service,
        ConfigMap,
        StatefulSet,
        Job,
        Deployment,
        PodDisruptionBudget,
        HorizontalPodAutoscaler,
        Ingress
    );
    versions
}

#[tokio::test]
async fn a_trial_comes_up_in_order() {
    let world = World::with_operator().await;
    world.apply(TRIAL).await;
    world
        .condition("chat", "Progressing", "True", "WaitingForDatabase")
        .await;
    assert!(
        world.names::<Job>().await.is_empty(),
        "not before the database"
    );
    assert!(
        world.names::<Deployment>().await.is_empty(),
        "not before the migration"
    );
    world.store_is_ready("chat-postgres", 1).await;
    let job = world.new_job(&[]).await;
    world
        .condition("chat", "MigrationsApplied", "False", "Migrating")
        .await;
    world.job_ends(&job, true).await;
    for part in ["auth", "rooms", "messages", "publisher", "gateway"] {
        let _: Deployment = world.find(&format!("chat-{part}")).await;
    }
    assert!(
        !world
            .names::<Deployment>()
            .await
            .contains(&"chat-centrifugo".to_owned()),
        "not before Redis"
    );
    world.store_is_ready("chat-redis", 1).await;
    for part in PARTS {
        world.part_is_ready(&format!("chat-{part}"), true).await;
    }
    world.condition("chat", "Ready", "True", "Serving").await;
    world
        .condition("chat", "RealtimeReady", "True", "PartsReady")
        .await;
    world
        .condition("chat", "Degraded", "False", "NoTrouble")
        .await;
    let chat: ChatDeployment = world.find("chat").await;
    let status = chat.status.unwrap();
    assert_eq!(status.version.as_deref(), Some("0.1.0"));
    assert_eq!(status.endpoint.as_deref(), Some("http://chat.example.org"));
    assert_eq!(status.observed_generation, chat.metadata.generation);
    assert_eq!(status.components.len(), 8);
    assert!(
        status
            .components
            .iter()
            .all(|part| part.desired == 1 && part.ready == 1 && part.updated == 1)
    );
}

#[tokio::test]
async fn a_second_reconciliation_writes_nothing() {
    let mut world = World::with_trial().await;
    world.condition("chat", "Ready", "True", "Serving").await;
    world.stop().await;
    let context = world.context(As::Operator, "0.1.0").await;
    let chat = || async { std::sync::Arc::new(world.find::<ChatDeployment>("chat").await) };
    // What the stopped one may have left to say.
    controller::reconcile(chat().await, context.clone())
        .await
        .unwrap();
    let before = versions(&world).await;
    assert!(before.len() > 35, "{}", before.len());
    for _ in 0..3 {
        controller::reconcile(chat().await, context.clone())
            .await
            .unwrap();
    }
    assert_eq!(before, versions(&world).await);
}

#[tokio::test]
async fn drift_is_mended_at_once() {
    let world = World::with_trial().await;
    let services = world.api::<Service>();
    services
        .delete("chat-rooms", &DeleteParams::default())
        .await
        .unwrap();
    let fast = Duration::from_secs(5);
    eventually(fast, async || services.get("chat-rooms").await).await;
    let deployments = world.api::<Deployment>();
    let wrong = json!({"spec": {"replicas": 7, "template": {"spec": {"containers": [{"name": "rooms", "image": "other"}]}}}});
    deployments
        .patch(
            "chat-rooms",
            &PatchParams::default(),
            &Patch::Strategic(wrong),
        )
        .await
        .unwrap();
    eventually(fast, async || {
        let spec = deployments.get("chat-rooms").await.unwrap().spec.unwrap();
        let image = spec.template.spec.unwrap().containers[0]
            .image
            .clone()
            .unwrap();
        spec.replicas == Some(1) && image == "registry.example.org/plaza/plaza:0.1.0"
    })
    .await;
    let config_maps = world.api::<ConfigMap>();
    let wrong = json!({"data": {"PLAZA_LISTEN": "nowhere"}});
    config_maps
        .patch("chat-auth", &PatchParams::default(), &Patch::Merge(wrong))
        .await
        .unwrap();
    eventually(fast, async || {
        config_maps.get("chat-auth").await.unwrap().data.unwrap()["PLAZA_LISTEN"] == "0.0.0.0:8081"
    })
    .await;
}

#[tokio::test]
async fn generated_secrets_are_never_rewritten() {
    let world = World::with_operator().await;
    world.apply(TRIAL).await;
    let before: Secret = world.find("chat-keys").await;
    world.settle_trial("chat").await;
    world
        .change("chat", json!({"realtime": {"fanoutThreshold": 70}}))
        .await;
    let config_maps = world.api::<ConfigMap>();
    eventually(PATIENCE, async || {
        config_maps.get("chat-rooms").await.unwrap().data.unwrap()["PLAZA_ROOMS_FANOUT_THRESHOLD"]
            == "70"
    })
    .await;
    let after: Secret = world.find("chat-keys").await;
    assert_eq!(before.resource_version(), after.resource_version());
    // Somebody's own value stays, and who reads it starts again.
    let annotation = |deployment: Deployment| {
        let metadata = deployment.spec.unwrap().template.metadata.unwrap();
        metadata.annotations.unwrap()["plaza.dev/secrets-checksum"].clone()
    };
    let old = annotation(world.find("chat-auth").await);
    let own =
        json!({"stringData": {"refresh-key": "a key of somebody's own, which is long enough"}});
    let secrets = world.api::<Secret>();
    secrets
        .patch("chat-keys", &PatchParams::default(), &Patch::Merge(own))
        .await
        .unwrap();
    eventually(PATIENCE, async || {
        annotation(world.find("chat-auth").await) != old
    })
    .await;
    let kept: Secret = world.find("chat-keys").await;
    assert!(kept.data.unwrap()["refresh-key"].0.starts_with(b"a key of"));
}

#[tokio::test]
async fn what_is_no_longer_asked_for_is_removed() {
    let world = World::with_trial().await;
    // Of somebody else, though it looks like one of ours.
    let foreign: ConfigMap = serde_json::from_value(json!({"metadata": {
        "name": "chat-notes",
        "labels": {"app.kubernetes.io/instance": "chat", "app.kubernetes.io/managed-by": "plaza-operator"},
    }}))
    .unwrap();
    world
        .api::<ConfigMap>()
        .create(&PostParams::default(), &foreign)
        .await
        .unwrap();
    world
        .change(
            "chat",
            json!({"realtime": {"enabled": false}, "ingress": {"enabled": false}}),
        )
        .await;
    eventually(PATIENCE, async || {
        let deployments = world.names::<Deployment>().await;
        let gone = !deployments
            .iter()
            .any(|name| name.ends_with("publisher") || name.ends_with("centrifugo"));
        let stores = world.names::<StatefulSet>().await;
        (gone && stores == ["chat-postgres"] && world.names::<Ingress>().await.is_empty())
            .then_some(())
            .ok_or((deployments, stores))
    })
    .await;
    eventually(PATIENCE, async || {
        !world
            .names::<Secret>()
            .await
            .contains(&"chat-redis".to_owned())
    })
    .await;
    assert!(
        world
            .names::<ConfigMap>()
            .await
            .contains(&"chat-notes".to_owned())
    );
    world
        .condition("chat", "RealtimeReady", "False", "Disabled")
        .await;
}

#[tokio::test]
async fn two_chats_in_one_namespace_keep_out_of_each_others_way() {
    let world = World::with_operator().await;
    world.apply(TRIAL).await;
    world
        .apply(&TRIAL.replace("name: chat\n", "name: other\n"))
        .await;
    for name in ["chat-postgres", "other-postgres"] {
        let _: StatefulSet = world.find(name).await;
        world.store_is_ready(name, 1).await;
    }
    let first = world.new_job(&[]).await;
    let second = world.new_job(std::slice::from_ref(&first)).await;
    assert!(first.starts_with("chat-") != second.starts_with("chat-"));
    let other = if first.starts_with("chat-") {
        second
    } else {
        first
    };
    world.job_ends(&other, true).await;
    let _: Deployment = world.find("other-gateway").await;
    assert!(
        !world
            .names::<Deployment>()
            .await
            .iter()
            .any(|name| name.starts_with("chat-"))
    );
}

#[tokio::test]
async fn an_autoscaler_takes_the_number_over_as_it_is() {
    let world = World::with_trial().await;
    world
        .change("chat", json!({"rooms": {"replicas": 3}}))
        .await;
    let deployments = world.api::<Deployment>();
    let replicas = async || {
        deployments
            .get("chat-rooms")
            .await
            .unwrap()
            .spec
            .unwrap()
            .replicas
    };
    eventually(PATIENCE, async || replicas().await == Some(3)).await;
    world.part_is_ready("chat-rooms", true).await;
    world
        .change("chat", json!({"rooms": {"replicas": null, "autoscaling": {"minReplicas": 2, "maxReplicas": 5}}}))
        .await;
    let _: HorizontalPodAutoscaler = world.find("chat-rooms").await;
    assert_eq!(replicas().await, Some(3), "not 1 in between");
    // As the autoscaler would.
    let scaled = json!({"spec": {"replicas": 5}});
    deployments
        .patch_scale("chat-rooms", &PatchParams::default(), &Patch::Merge(scaled))
        .await
        .unwrap();
    world
        .change("chat", json!({"messages": {"replicas": 2}}))
        .await;
    eventually(PATIENCE, async || {
        deployments
            .get("chat-messages")
            .await
            .unwrap()
            .spec
            .unwrap()
            .replicas
            == Some(2)
    })
    .await;
    assert_eq!(replicas().await, Some(5), "the operator leaves it");
}

#[tokio::test]
async fn transitions_are_told_as_events() {
    let world = World::with_trial().await;
    world.condition("chat", "Ready", "True", "Serving").await;
    let events = world.api::<Event>();
    let told = eventually(PATIENCE, async || {
        let list = events.list(&ListParams::default()).await.unwrap();
        let told: Vec<(String, String)> = list
            .into_iter()
            .map(|event| {
                (
                    event.reason.unwrap_or_default(),
                    event.type_.unwrap_or_default(),
                )
            })
            .collect();
        told.iter()
            .any(|(reason, _)| reason == "Serving")
            .then_some(told)
    })
    .await;
    assert!(
        told.iter().all(|(_, kind)| kind == "Normal"),
        "nothing was bad: {told:?}"
    );
    assert!(
        told.iter().any(|(reason, _)| reason == "Applied"),
        "{told:?}"
    );
}

#[tokio::test]
async fn an_operator_of_one_namespace_needs_no_more_than_its_role() {
    let mut world = World::named("plaza").await;
    world.start(As::Namespaced).await;
    world.apply(TRIAL).await;
    world.settle_trial("chat").await;
    world.condition("chat", "Ready", "True", "Serving").await;
}
