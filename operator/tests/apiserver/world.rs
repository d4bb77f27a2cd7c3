//! A namespace of a test's own, and what the controllers of Kubernetes would
//! do in it.

use std::{fmt::Debug, sync::Arc, time::Duration};

use futures::future::Either;
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, StatefulSet},
        batch::v1::Job,
        core::v1::{Namespace, Secret},
    },
    apimachinery::pkg::apis::meta::v1::Condition,
};
use kube::{
    Api, Client, Resource, ResourceExt as _,
    api::{ListParams, Patch, PatchParams, PostParams},
    core::NamespaceResourceScope,
};
use plaza_operator::{
    api::ChatDeployment,
    controller::{self, Context, Scope},
    validate::Settings,
};
use plaza_testkit::eventually;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::{
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, watch},
    task::JoinHandle,
};

use crate::cluster::{As, cluster};

/// How long a condition may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
/// A CR of a trial.
pub(crate) const TRIAL: &str = include_str!("../../../k8s/samples/trial.yaml");

/// The API server and the processors, which worlds share.
static MACHINE: RwLock<()> = RwLock::const_new(());

/// A world's share of them: with others, or all.
type Share = Either<RwLockReadGuard<'static, ()>, RwLockWriteGuard<'static, ()>>;

/// A namespace, and clients of it. A test has one.
pub(crate) struct World {
    pub(crate) namespace: String,
    /// Who may do everything.
    pub(crate) client: Client,
    operator: Option<Operator>,
    _share: Share,
}

/// A running controller.
struct Operator {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

fn new_name() -> String {
    format!("test-{}", plaza_local::random_hex(4).unwrap())
}

impl World {
    /// A new namespace, without an operator.
    pub(crate) async fn new() -> Self {
        Self::named(&new_name()).await
    }

    /// The same for what is measured: no other world is there meanwhile.
    pub(crate) async fn alone() -> Self {
        Self::make(&new_name(), Either::Right(MACHINE.write().await)).await
    }

    /// This namespace, without an operator.
    pub(crate) async fn named(namespace: &str) -> Self {
        Self::make(namespace, Either::Left(MACHINE.read().await)).await
    }

    async fn make(namespace: &str, share: Share) -> Self {
        let client = cluster().await.client(As::Admin).await;
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let object = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace},
        });
        namespaces
            .patch(
                namespace,
                &PatchParams::apply("test").force(),
                &Patch::Apply(object),
            )
            .await
            .unwrap();
        Self {
            namespace: namespace.to_owned(),
            client,
            operator: None,
            _share: share,
        }
    }

    /// A new namespace, with an operator that has the rights of its role alone.
    pub(crate) async fn with_operator() -> Self {
        let mut world = Self::new().await;
        world.start(As::Operator).await;
        world
    }

    /// The same, with a trial named `chat` that is ready.
    pub(crate) async fn with_trial() -> Self {
        let world = Self::with_operator().await;
        world.apply(TRIAL).await;
        world.settle_trial("chat").await;
        world
    }

    /// Starts an operator that looks after this namespace.
    pub(crate) async fn start(&mut self, who: As) {
        let context = self.context(who, "0.1.0").await;
        self.start_with(context);
    }

    /// What an operator of this version works with.
    pub(crate) async fn context(&self, who: As, version: &str) -> Arc<Context> {
        Arc::new(self.new_context(who, version).await)
    }

    /// The same, to be changed.
    pub(crate) async fn new_context(&self, who: As, version: &str) -> Context {
        let client = cluster().await.client(who).await;
        let settings = Settings {
            version: version.parse().unwrap(),
            image_registry: "registry.example.org/plaza".to_owned(),
            own_namespace: None,
        };
        let scope = Scope::Namespace(self.namespace.clone());
        Context::new(client, scope, settings, "test").unwrap()
    }

    /// Starts an operator with this.
    pub(crate) fn start_with(&mut self, context: Arc<Context>) {
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let stopping = async move {
                let _ = stopped.wait_for(|stopped| *stopped).await.is_ok();
            };
            controller::run(context, stopping).await.unwrap();
        });
        self.operator = Some(Operator { stop, task });
    }

    /// Stops the operator, and waits until it has finished.
    pub(crate) async fn stop(&mut self) {
        let operator = self.operator.take().unwrap();
        operator.stop.send(true).unwrap();
        operator.task.await.unwrap();
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Applies a CR as `kubectl apply` would.
    pub(crate) async fn apply(&self, yaml: &str) -> ChatDeployment {
        self.try_apply(yaml).await.unwrap()
    }

    /// The same, which may be refused.
    pub(crate) async fn try_apply(&self, yaml: &str) -> Result<ChatDeployment, kube::Error> {
        let object: Value = serde_saphyr::from_str(yaml).unwrap();
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        self.api::<ChatDeployment>()
            .patch(
                &name,
                &PatchParams::apply("test").force(),
                &Patch::Apply(object),
            )
            .await
    }

    /// Changes the spec of a chat.
    pub(crate) async fn change(&self, name: &str, spec: Value) {
        self.api::<ChatDeployment>()
            .patch(
                name,
                &PatchParams::default(),
                &Patch::Merge(json!({"spec": spec})),
            )
            .await
            .unwrap();
    }

    /// Makes a Secret.
    pub(crate) async fn secret(&self, name: &str, values: &[(&str, &str)]) {
        let secret: Secret = serde_json::from_value(json!({
            "metadata": {"name": name},
            "stringData": values.iter().copied().collect::<std::collections::BTreeMap<_, _>>(),
        }))
        .unwrap();
        self.api::<Secret>()
            .create(&PostParams::default(), &secret)
            .await
            .unwrap();
    }

    /// Waits for an object.
    pub(crate) async fn find<K>(&self, name: &str) -> K
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let api = self.api::<K>();
        eventually(PATIENCE, async || api.get(name).await).await
    }

    /// Names of all objects of a kind.
    pub(crate) async fn names<K>(&self) -> Vec<String>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let list = self.api::<K>().list(&ListParams::default()).await.unwrap();
        list.into_iter().map(|object| object.name_any()).collect()
    }

    /// Waits until a condition says this.
    pub(crate) async fn condition(
        &self,
        chat: &str,
        kind: &str,
        status: &str,
        reason: &str,
    ) -> Condition {
        let api = self.api::<ChatDeployment>();
        eventually(PATIENCE, async || {
            let chat = api.get(chat).await.map_err(|error| error.to_string())?;
            let conditions = chat.status.unwrap_or_default().conditions;
            let found = conditions.iter().find(|condition| {
                condition.type_ == kind && condition.status == status && condition.reason == reason
            });
            found.cloned().ok_or_else(|| {
                let told: Vec<String> = conditions
                    .iter()
                    .map(|condition| {
                        format!(
                            "{} {} {}: {}",
                            condition.type_, condition.status, condition.reason, condition.message
                        )
                    })
                    .collect();
                format!("not {kind} {status} {reason} but {told:?}")
            })
        })
        .await
    }

    /// As the StatefulSet's controller would, once its pod is ready.
    pub(crate) async fn store_is_ready(&self, name: &str, ready: i32) {
        let set: StatefulSet = self.find(name).await;
        let status = json!({"status": {
            "observedGeneration": set.metadata.generation,
            "replicas": 1, "readyReplicas": ready, "updatedReplicas": 1, "currentReplicas": 1,
        }});
        self.api::<StatefulSet>()
            .patch_status(name, &PatchParams::default(), &Patch::Merge(status))
            .await
            .unwrap();
    }

    /// As the Deployment's controller would, once its pods are ready.
    pub(crate) async fn part_is_ready(&self, name: &str, ready: bool) {
        let deployment: Deployment = self.find(name).await;
        let replicas = deployment.spec.as_ref().unwrap().replicas.unwrap();
        let ready = if ready { replicas } else { 0 };
        let status = json!({"status": {
            "observedGeneration": deployment.metadata.generation,
            "replicas": replicas, "updatedReplicas": replicas,
            "readyReplicas": ready, "availableReplicas": ready,
        }});
        self.api::<Deployment>()
            .patch_status(name, &PatchParams::default(), &Patch::Merge(status))
            .await
            .unwrap();
    }

    /// The Job that is there and not in `known`.
    pub(crate) async fn new_job(&self, known: &[String]) -> String {
        eventually(PATIENCE, async || {
            self.names::<Job>()
                .await
                .into_iter()
                .find(|name| !known.contains(name))
        })
        .await
    }

    /// As the Job's controller would, once it is done.
    pub(crate) async fn job_ends(&self, name: &str, well: bool) {
        self.job_ends_at(name, well, "2026-01-01T00:00:00Z").await;
    }

    /// The same, at this time.
    pub(crate) async fn job_ends_at(&self, name: &str, well: bool, now: &str) {
        let status = if well {
            json!({
                "startTime": now, "completionTime": now, "succeeded": 1,
                "conditions": [
                    {"type": "SuccessCriteriaMet", "status": "True", "lastTransitionTime": now},
                    {"type": "Complete", "status": "True", "lastTransitionTime": now},
                ],
            })
        } else {
            json!({
                "startTime": now, "failed": 5,
                "conditions": [
                    {"type": "FailureTarget", "status": "True", "lastTransitionTime": now},
                    {"type": "Failed", "status": "True", "lastTransitionTime": now,
                     "reason": "BackoffLimitExceeded", "message": "it was tried too often"},
                ],
            })
        };
        self.api::<Job>()
            .patch_status(
                name,
                &PatchParams::default(),
                &Patch::Merge(json!({"status": status})),
            )
            .await
            .unwrap();
    }

    /// Brings a trial of this name to where everything is ready.
    pub(crate) async fn settle_trial(&self, name: &str) {
        self.store_is_ready(&format!("{name}-postgres"), 1).await;
        self.store_is_ready(&format!("{name}-redis"), 1).await;
        let prefix = format!("{name}-migrate-");
        let job = eventually(PATIENCE, async || {
            let names = self.names::<Job>().await;
            names.into_iter().find(|job| job.starts_with(&prefix))
        });
        self.job_ends(&job.await, true).await;
        for part in PARTS {
            self.part_is_ready(&format!("{name}-{part}"), true).await;
        }
        self.condition(name, "Progressing", "False", "Settled")
            .await;
    }
}

/// In the order of a rollout.
pub(crate) const PARTS: [&str; 6] = [
    "auth",
    "rooms",
    "messages",
    "publisher",
    "centrifugo",
    "gateway",
];
