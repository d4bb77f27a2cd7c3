//! A chat is installed, put to sleep, left alone, and deleted.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::Job,
    core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Resource, ResourceExt,
    api::{DeleteParams, ListParams},
    core::NamespaceResourceScope,
};
use plaza_operator::api::ChatDeployment;
use plaza_testkit::eventually;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::{
    chat::{Chat, NAME, READY_WITHIN},
    listener::{Listener, heard_after},
    node::{self, PATIENCE, alone, measured},
    writer::{Writer, all_there},
};

#[tokio::test]
async fn a_trial_is_ready_and_a_message_arrives() {
    let _turn = alone().await;
    let client = node::client().await;
    node::uninstall(&client).await;
    let installed = Instant::now();
    node::install(&client).await;
    measured("the chart, from helm to ready", installed, READY_WITHIN);
    let began = Instant::now();
    let chat = Chat::apply().await;
    chat.settled(READY_WITHIN).await;
    measured("a trial, from its ten lines to ready", began, READY_WITHIN);
    measured("the chart and the trial", installed, READY_WITHIN);
    for pod in chat.list::<Pod>().await {
        let status = pod.status.clone().unwrap_or_default();
        let containers = status.container_statuses.unwrap_or_default();
        let restarts: i32 = containers.iter().map(|one| one.restart_count).sum();
        assert_eq!(restarts, 0, "{} started again", pod.name_any());
    }

    let (ada, ben, room) = chat.people().await;
    let listener = Listener::of(&ben);
    let writer = Writer::start(&ada, &room);
    heard_after(&writer, &listener, began, PATIENCE).await;
    let accepted = writer.stop().await;
    all_there(&ada, &room, &accepted).await;
    chat.remove().await;
}

#[tokio::test]
async fn a_hibernated_chat_wakes_with_its_data() {
    let _turn = alone().await;
    let chat = Chat::shared().await;
    let (ada, _, room) = chat.people().await;
    let message = ada
        .sends(&room, "0193a5d2-0000-7000-8000-000000000001")
        .await;

    let began = Instant::now();
    chat.change(json!({"hibernated": true})).await;
    eventually(PATIENCE, async || {
        let running = chat.list::<Pod>().await;
        let running = running.iter().filter(|pod| !has_finished(pod));
        let names: Vec<String> = running.map(ResourceExt::name_any).collect();
        names.is_empty().then_some(()).ok_or(names)
    })
    .await;
    measured("hibernated", began, PATIENCE);
    assert_eq!(chat.list::<PersistentVolumeClaim>().await.len(), 2);

    let began = Instant::now();
    chat.change(json!({"hibernated": false})).await;
    chat.settled(READY_WITHIN).await;
    measured("awake", began, READY_WITHIN);
    let history = eventually(PATIENCE, async || ada.history(&room).await).await;
    assert_eq!(history, vec![message.unwrap()]);
}

/// The Job that migrates leaves its pod.
fn has_finished(pod: &Pod) -> bool {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    phase == Some("Succeeded")
}

#[tokio::test]
async fn a_paused_chat_is_left_as_it_is() {
    let _turn = alone().await;
    let chat = Chat::shared().await;
    chat.change(json!({"paused": true})).await;
    chat.condition("Paused", "True", PATIENCE).await;
    let policies = chat.api::<NetworkPolicy>();
    let name = format!("{NAME}-publisher");
    policies
        .delete(&name, &DeleteParams::default())
        .await
        .unwrap();
    // Another pass: it has seen this change.
    chat.change(json!({"registration": "Closed"})).await;
    chat.condition("Paused", "True", PATIENCE).await;
    assert!(policies.get_opt(&name).await.unwrap().is_none());

    chat.change(json!({"paused": false, "registration": null}))
        .await;
    eventually(PATIENCE, async || policies.get(&name).await).await;
    chat.settled(PATIENCE).await;
}

#[tokio::test]
async fn a_deleted_chat_leaves_its_volumes_which_another_takes_up() {
    let _turn = alone().await;
    let chat = Chat::running().await;
    let (ada, _, room) = chat.people().await;
    let message = ada
        .sends(&room, "0193a5d2-0000-7000-8000-000000000002")
        .await
        .unwrap();

    let began = Instant::now();
    chat.delete().await;
    measured("deleted", began, PATIENCE);
    assert_eq!(chat.list::<PersistentVolumeClaim>().await.len(), 2);

    let began = Instant::now();
    chat.create().await;
    chat.settled(READY_WITHIN).await;
    measured("another, with the same volumes", began, READY_WITHIN);
    let (somebody, _, _) = chat.people().await;
    let history = eventually(Duration::from_secs(10), async || {
        somebody.history(&room).await
    })
    .await;
    assert_eq!(history, vec![message]);
    chat.remove().await;
}

impl Chat {
    /// Deletes the chat, and waits until all that belongs to it is gone, but
    /// for its volumes.
    pub(crate) async fn delete(&self) {
        self.api::<ChatDeployment>()
            .delete(NAME, &DeleteParams::default())
            .await
            .unwrap();
        eventually(PATIENCE, async || {
            let left = self.everything().await;
            left.is_empty().then_some(()).ok_or(left)
        })
        .await;
    }

    /// Objects of a kind that belong to the chat.
    async fn list<K>(&self) -> Vec<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let own = ListParams::default().labels(&format!("app.kubernetes.io/instance={NAME}"));
        self.api::<K>().list(&own).await.unwrap().items
    }

    /// Names of all that belongs to the chat, but for its volumes.
    async fn everything(&self) -> Vec<String> {
        let mut names = Vec::new();
        macro_rules! add {
            ($($kind:ty),*) => { $(
                let objects = self.list::<$kind>().await;
                names.extend(objects.iter().map(|one| format!("{} {}", <$kind as Resource>::kind(&()), one.name_any())));
            )* };
        }
        add!(
            Deployment,
            StatefulSet,
            HorizontalPodAutoscaler,
            Job,
            ConfigMap,
            Pod,
            Secret,
            Service,
            ServiceAccount,
            Ingress,
            NetworkPolicy,
            PodDisruptionBudget
        );
        names
    }

    /// The pods that there are now, by what no other pod will ever have.
    pub(crate) async fn all_pods(&self) -> Vec<String> {
        let pods = self.list::<Pod>().await;
        let mut uids: Vec<String> = pods.iter().filter_map(ResourceExt::uid).collect();
        uids.sort();
        uids
    }
}
