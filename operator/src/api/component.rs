//! How one part runs.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A part that may be scaled on its CPU.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[x_kube(validation = Rule::new("!(has(self.replicas) && has(self.autoscaling))")
    .message("set replicas or autoscaling, not both: with autoscaling, its minReplicas is the least number"))]
#[serde(rename_all = "camelCase")]
pub struct ComponentSpec {
    /// How many pods. Default: 1, or what autoscaling finds.
    #[schemars(range(min = 1, max = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Let a HorizontalPodAutoscaler choose the number of pods by their CPU.
    /// Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
    /// CPU and memory of one pod. Default: requests of 50m and 64Mi and a limit
    /// of 256Mi of memory; auth has 256Mi and 512Mi, for password hashes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Which nodes it may run on. Default: any.
    #[serde(default)]
    pub scheduling: Scheduling,
    /// Further settings as environment variables (docs/configuration.md); those
    /// that the operator sets itself are refused. Default: none.
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvVar>,
}

/// Bounds and aim of a HorizontalPodAutoscaler; the cluster needs a metrics
/// server.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[x_kube(validation = Rule::new("self.minReplicas <= self.maxReplicas")
    .message("autoscaling.minReplicas must not be above maxReplicas"))]
#[serde(rename_all = "camelCase")]
pub struct Autoscaling {
    /// The least number of pods. Default: 2.
    #[schemars(range(min = 1, max = 100))]
    #[serde(default = "min_replicas")]
    pub min_replicas: i32,
    /// The largest number of pods.
    #[schemars(range(min = 1, max = 100))]
    pub max_replicas: i32,
    /// The CPU that pods are to use, in percent of what they request. Default:
    /// 70.
    #[schemars(range(min = 1, max = 1000))]
    #[serde(default = "target_cpu_percent")]
    pub target_cpu_percent: i32,
}

fn min_replicas() -> i32 {
    2
}

fn target_cpu_percent() -> i32 {
    70
}

/// CPU and memory of one pod, by the names `cpu` (cores, such as `500m`) and
/// `memory` (bytes, such as `256Mi`).
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// What a node must have free. Default: none of what is not named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "quantities")]
    pub requests: BTreeMap<String, String>,
    /// What the pod is held to. Default: none of what is not named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "quantities")]
    pub limits: BTreeMap<String, String>,
}

fn quantities(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 8,
        "additionalProperties": {
            "type": "string",
            "maxLength": 32,
            "pattern": super::storage::QUANTITY,
        },
    })
}

/// Which nodes pods may run on. Pods of one part are spread over nodes and
/// zones as far as these allow.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scheduling {
    /// Labels that a node must have. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that pods bear. Default: none.
    #[schemars(length(max = 32))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// The PriorityClass of the pods. Default: none.
    #[schemars(length(max = 253))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
}

/// A taint that pods bear, as Kubernetes has it.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Toleration {
    /// The taint's key. Default: every key, with the operator Exists.
    #[schemars(length(max = 317))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Exists` or `Equal`. Default: Equal.
    #[schemars(extend("enum" = ["Exists", "Equal"]))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The taint's value, with Equal. Default: none.
    #[schemars(length(max = 63))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`. Default: each of them.
    #[schemars(extend("enum" = ["NoSchedule", "PreferNoSchedule", "NoExecute"]))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// How long a NoExecute taint is borne (s). Default: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// One environment variable.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
pub struct EnvVar {
    /// Its name.
    #[schemars(length(max = 128), regex(pattern = r"^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub name: String,
    /// Its value, which is no secret.
    #[schemars(length(max = 4096))]
    pub value: String,
}
