//! What is there.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// What the operator found and did.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatDeploymentStatus {
    /// The generation of the spec that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The version that all parts run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where people open the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// How many pods each part has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub components: Vec<ComponentStatus>,
    /// How the database's connections are divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_connections: Option<DatabaseConnections>,
    /// The newest backup that is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_backup: Option<Backup>,
    /// The backup that the chat began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
    /// Ready, Progressing, Degraded, Paused, DatabaseReady, MigrationsApplied,
    /// RealtimeReady, Scaling, BackupSucceeded and, where they were asked
    /// for, Restored and KeysRotated, each with a reason for programs and a
    /// message for people that names the object at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// The pods of one part.
#[derive(Clone, Debug, Default, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentStatus {
    /// The part.
    pub name: String,
    /// How many pods there should be.
    pub desired: i32,
    /// How many are ready.
    pub ready: i32,
    /// How many are as the spec asks now.
    pub updated: i32,
}

/// How the database's connections are divided.
#[derive(Clone, Debug, Default, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseConnections {
    /// Connections that the services may take together.
    pub max: i32,
    /// Connections of one pod of auth, rooms or messages.
    pub per_pod: i32,
    /// Pods of these three at most, one more of each during a rollout.
    pub pods: i32,
}

/// A backup that was made.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// Its folder on the volume; none where the pod that made it was gone before
    /// it could be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The Job that made it.
    pub job: String,
    /// When it was whole.
    pub completed_at: Time,
}

/// A backup that a chat began with.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// The claim that it was on, if it was on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_name: Option<String>,
    /// The store that it was in, if it was in one: endpoint, bucket and folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Its folder there.
    pub backup: String,
}

impl Restored {
    /// Where it was, for people.
    pub fn place(&self) -> String {
        match (&self.claim_name, &self.store) {
            (Some(claim), _) => format!("the claim {claim}"),
            (None, store) => format!("the store {}", store.as_deref().unwrap_or_default()),
        }
    }

    /// Whether it was in the same place.
    pub fn is_of(&self, other: &Self) -> bool {
        self.claim_name == other.claim_name && self.store == other.store
    }
}
