//! A chat in a namespace of its own.

use std::time::Duration;

use k8s_openapi::{
    api::core::v1::{Namespace, Pod, Service},
    apimachinery::pkg::apis::meta::v1::Condition,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
    core::NamespaceResourceScope,
};
use plaza_operator::api::ChatDeployment;
use plaza_testkit::eventually;
use serde_json::{Value, json};
use tokio::{process::Command, sync::OnceCell};

use crate::{
    node::{self, PATIENCE},
    people::{Person, Room},
};

/// The name of every chat here.
pub(crate) const NAME: &str = "chat";
/// From the CR to a chat that people can use.
pub(crate) const READY_WITHIN: Duration = Duration::from_mins(2);
/// What somebody who tries it out applies.
const TRIAL: &str = include_str!("../../../k8s/samples/trial.yaml");

/// What serves people, and has no data of its own.
pub(crate) const STATELESS: [&str; 6] = [
    "gateway",
    "auth",
    "rooms",
    "messages",
    "publisher",
    "centrifugo",
];

/// A pod, and how often it has started.
type Start = (Option<String>, i32);

/// What was killed.
pub(crate) struct Killed {
    part: String,
    /// How many pods the part has.
    pods: usize,
    /// Those of the pods that were.
    starts: Vec<Start>,
}

/// A chat.
pub(crate) struct Chat {
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

impl Chat {
    /// A trial that was just applied.
    pub(crate) async fn apply() -> Self {
        Self::apply_with(json!({})).await
    }

    /// The same with more in its spec.
    pub(crate) async fn apply_with(more: Value) -> Self {
        let client = node::client().await;
        let namespace = node::namespace(&client).await;
        let chat = Self { client, namespace };
        chat.create_with(more).await;
        chat
    }

    /// Makes the trial in its namespace, as `kubectl apply` does.
    pub(crate) async fn create(&self) {
        self.create_with(json!({})).await;
    }

    /// The same with more in its spec.
    pub(crate) async fn create_with(&self, more: Value) {
        let mut lines: Value = serde_saphyr::from_str(TRIAL).unwrap();
        lines["spec"] = with(lines["spec"].take(), &more);
        self.api::<ChatDeployment>()
            .patch(NAME, &PatchParams::apply("e2e"), &Patch::Apply(lines))
            .await
            .unwrap();
    }

    /// A trial in which everything runs.
    pub(crate) async fn running() -> Self {
        let chat = Self::apply().await;
        chat.settled(READY_WITHIN).await;
        chat
    }

    /// The trial that tests have together, which each of them leaves running.
    pub(crate) async fn shared() -> Self {
        static NAMESPACE: OnceCell<String> = OnceCell::const_new();
        let namespace = NAMESPACE.get_or_init(async || {
            let parts = of_each(&json!({"resources": small()}));
            let chat = Self::apply_with(with(small_stores(), &parts)).await;
            chat.settled(READY_WITHIN).await;
            chat.namespace
        });
        let namespace = namespace.await.clone();
        let client = node::client().await;
        Self { client, namespace }
    }

    /// The trial with two pods of all that has no data, which tests have
    /// together, too.
    pub(crate) async fn of_two() -> Self {
        static NAMESPACE: OnceCell<String> = OnceCell::const_new();
        let namespace = NAMESPACE.get_or_init(async || {
            let chat = Self::apply_with(small_stores()).await;
            let two = json!({"replicas": 2, "resources": small()});
            chat.change(of_each(&two)).await;
            chat.settled(READY_WITHIN).await;
            chat.namespace
        });
        let namespace = namespace.await.clone();
        let client = node::client().await;
        Self { client, namespace }
    }

    /// Until people can use it, live, and nothing changes any more.
    pub(crate) async fn settled(&self, patience: Duration) {
        for (condition, status) in [
            ("Ready", "True"),
            ("RealtimeReady", "True"),
            ("Progressing", "False"),
        ] {
            self.condition(condition, status, patience).await;
        }
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Until a condition says this of the present spec.
    pub(crate) async fn condition(&self, kind: &str, status: &str, patience: Duration) {
        let api = self.api::<ChatDeployment>();
        eventually(patience, async || {
            let chat = api.get(NAME).await.map_err(|error| error.to_string())?;
            let generation = chat.metadata.generation;
            let found = chat.status.unwrap_or_default();
            if found.observed_generation != generation {
                return Err("the spec is newer than the status".to_owned());
            }
            let holds = |one: &&Condition| one.type_ == kind && one.status == status;
            let told: Vec<String> = found.conditions.iter().map(in_words).collect();
            let condition = found.conditions.iter().find(holds);
            condition.map(|_| ()).ok_or(format!("{told:#?}"))
        })
        .await;
    }

    /// Changes the spec.
    pub(crate) async fn change(&self, spec: Value) {
        let change = Patch::Merge(json!({ "spec": spec }));
        self.api::<ChatDeployment>()
            .patch(NAME, &PatchParams::default(), &change)
            .await
            .unwrap();
    }

    /// The address of a part's Service.
    pub(crate) async fn address(&self, part: &str) -> String {
        self.address_of(NAME, part).await
    }

    /// The same of another chat in the namespace.
    pub(crate) async fn address_of(&self, chat: &str, part: &str) -> String {
        let service: Service = self.api().get(&format!("{chat}-{part}")).await.unwrap();
        let spec = service.spec.unwrap();
        let number = spec.ports.unwrap()[0].port;
        format!("{}:{number}", spec.cluster_ip.unwrap())
    }

    /// The pods of a part that are not on their way out.
    pub(crate) async fn pods(&self, part: &str) -> Vec<Pod> {
        let of_part =
            format!("app.kubernetes.io/instance={NAME},app.kubernetes.io/component={part}");
        let list = self
            .api::<Pod>()
            .list(&ListParams::default().labels(&of_part))
            .await
            .unwrap();
        let stays = |pod: &Pod| pod.metadata.deletion_timestamp.is_none();
        list.items.into_iter().filter(stays).collect()
    }

    /// What no other pod will ever have, of each pod of a part.
    pub(crate) async fn uids(&self, part: &str) -> Vec<String> {
        let pods = self.pods(part).await;
        pods.iter().filter_map(ResourceExt::uid).collect()
    }

    /// How many pods of a part are ready, and not on their way out.
    pub(crate) async fn ready(&self, part: &str) -> usize {
        let pods = self.pods(part).await;
        pods.iter().filter(|pod| is_ready(pod)).count()
    }

    /// The pods of a part, and how often each has started: of what is ready,
    /// or what is not.
    async fn starts(&self, part: &str) -> Result<Vec<Start>, String> {
        let mut starts = Vec::new();
        for pod in self.pods(part).await {
            let (name, uid) = (pod.name_any(), pod.uid());
            let status = pod.status.unwrap_or_default();
            let container = status.container_statuses.unwrap_or_default().pop();
            let container = container.ok_or_else(|| format!("{name} has no container"))?;
            if !container.ready {
                return Err(format!("{name}: {:?}", container.state));
            }
            starts.push((uid, container.restart_count));
        }
        Ok(starts)
    }

    /// Kills processes of a part, this many at most, with all that they had in
    /// hand.
    pub(crate) async fn kill(&self, part: &str, most: usize) -> Killed {
        let mut killed = eventually(PATIENCE, async || self.starts(part).await).await;
        let pods = killed.len();
        killed.truncate(most);
        for pod in self.pods(part).await {
            if killed.iter().any(|(uid, _)| *uid == pod.uid()) {
                self.kill_one(pod).await;
            }
        }
        Killed {
            part: part.to_owned(),
            pods,
            starts: killed,
        }
    }

    /// With SIGKILL, by `PLAZA_E2E_KILL CONTAINER`; where that is not known,
    /// with its pod, one second after SIGTERM.
    async fn kill_one(&self, pod: Pod) {
        let name = pod.name_any();
        let Ok(command) = std::env::var("PLAZA_E2E_KILL") else {
            let (pods, uid) = (self.api::<Pod>(), pod.uid());
            pods.delete(&name, &DeleteParams::default().grace_period(1))
                .await
                .unwrap();
            eventually(PATIENCE, async || {
                let now = pods.get_opt(&name).await.unwrap();
                now.is_none_or(|now| now.uid() != uid)
            })
            .await;
            return;
        };
        let status = pod.status.unwrap().container_statuses.unwrap();
        let container = status[0].container_id.clone().unwrap();
        let mut words = command.split(' ');
        let done = Command::new(words.next().unwrap())
            .args(words)
            .arg(container)
            .status()
            .await
            .unwrap();
        assert!(done.success(), "{command}: {done}");
    }

    /// Until what was killed has started again, and is ready.
    pub(crate) async fn back(&self, killed: &Killed, patience: Duration) {
        eventually(patience, async || {
            let now = self.starts(&killed.part).await?;
            let again =
                now.len() == killed.pods && now.iter().all(|start| !killed.starts.contains(start));
            again.then_some(()).ok_or(format!("{now:?}"))
        })
        .await;
    }

    /// Two people in a room.
    pub(crate) async fn people(&self) -> (Person, Person, Room) {
        let gateway = self.address("gateway").await;
        let realtime = self.address("centrifugo").await;
        let ada = Person::register(&gateway, &realtime).await;
        let ben = Person::register(&gateway, &realtime).await;
        let room = ada.creates_room().await;
        ben.joins(&room).await;
        (ada, ben, room)
    }

    /// Removes all of it.
    pub(crate) async fn remove(self) {
        Api::<Namespace>::all(self.client.clone())
            .delete(&self.namespace, &DeleteParams::default())
            .await
            .unwrap();
        let namespaces = Api::<Namespace>::all(self.client.clone());
        eventually(PATIENCE, async || {
            namespaces.get_opt(&self.namespace).await.unwrap().is_none()
        })
        .await;
    }
}

/// Whether a pod serves.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|one| one.conditions.as_ref());
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|one| one.type_ == "Ready" && one.status == "True")
}

/// Of a pod that has its place beside all others on a node of two processors.
fn small() -> Value {
    json!({"requests": {"cpu": "10m"}})
}

/// The stores of such a chat.
fn small_stores() -> Value {
    let managed = json!({"managed": {"resources": small()}});
    json!({"postgres": managed, "redis": managed})
}

/// A change of the spec that says the same of every part.
pub(crate) fn of_each(what: &Value) -> Value {
    let parts = STATELESS.map(|part| (part.to_owned(), what.clone()));
    Value::Object(parts.into_iter().collect())
}

/// A spec with more fields.
pub(crate) fn with(mut spec: Value, more: &Value) -> Value {
    for (field, value) in more.as_object().unwrap() {
        spec[field] = value.clone();
    }
    spec
}

fn in_words(condition: &Condition) -> String {
    format!(
        "{} {} {}: {}",
        condition.type_, condition.status, condition.reason, condition.message
    )
}
