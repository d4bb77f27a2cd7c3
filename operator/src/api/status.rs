//! What is there.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
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
    /// Ready, Progressing, Degraded, Paused, DatabaseReady, MigrationsApplied,
    /// RealtimeReady and Scaling, each with a reason for programs and a message
    /// for people that names the object at fault.
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
