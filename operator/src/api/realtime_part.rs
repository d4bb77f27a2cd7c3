//! How the two parts run that real time is made of. They scale on what hurts
//! people: the operator reads their metrics itself.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::component::{ComponentSpec, EnvVar, Resources, Scheduling};

/// The messages-publisher.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[x_kube(validation = Rule::new("!(has(self.replicas) && has(self.autoscaling))")
    .message("set replicas or autoscaling, not both: with autoscaling, its minReplicas is the least number"))]
#[serde(rename_all = "camelCase")]
pub struct PublisherSpec {
    /// How many pods. Default: 1, or what autoscaling finds.
    #[schemars(range(min = 1, max = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Let the operator choose the number of pods by how long events wait for
    /// them. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<LagAutoscaling>,
    /// CPU and memory of one pod. Default: requests of 50m and 64Mi and a limit
    /// of 256Mi of memory.
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

/// Centrifugo.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[x_kube(validation = Rule::new("!(has(self.replicas) && has(self.autoscaling))")
    .message("set replicas or autoscaling, not both: with autoscaling, its minReplicas is the least number"))]
#[serde(rename_all = "camelCase")]
pub struct CentrifugoSpec {
    /// How many pods. Default: 1, or what autoscaling finds.
    #[schemars(range(min = 1, max = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Let the operator choose the number of pods by their connections.
    /// Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<ConnectionsAutoscaling>,
    /// CPU and memory of one pod. Default: requests of 100m and 128Mi and a
    /// limit of 1Gi of memory, about 50,000 idle connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Which nodes it may run on. Default: any.
    #[serde(default)]
    pub scheduling: Scheduling,
    /// Further settings as environment variables: `CENTRIFUGO_…`. Default:
    /// none.
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvVar>,
}

/// Bounds and aim of the number of publishers.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[x_kube(validation = Rule::new("self.minReplicas <= self.maxReplicas")
    .message("autoscaling.minReplicas must not be above maxReplicas"))]
#[serde(rename_all = "camelCase")]
pub struct LagAutoscaling {
    /// The least number of pods. Default: 2.
    #[schemars(range(min = 1, max = 16))]
    #[serde(default = "min_replicas")]
    pub min_replicas: i32,
    /// The largest number of pods: they share 16 partitions.
    #[schemars(range(min = 1, max = 16))]
    pub max_replicas: i32,
    /// How long an event may wait in the streams before more pods are wanted
    /// (s). Default: 5.
    #[schemars(range(min = 2, max = 300))]
    #[serde(default = "target_lag_seconds")]
    pub target_lag_seconds: i32,
    /// How long fewer pods were wanted all the time, before there is one less
    /// (s). Default: 300.
    #[schemars(range(min = 15, max = 3600))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_down_stabilization_seconds: Option<i32>,
}

/// Bounds and aim of the number of Centrifugos.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[x_kube(validation = Rule::new("self.minReplicas <= self.maxReplicas")
    .message("autoscaling.minReplicas must not be above maxReplicas"))]
#[serde(rename_all = "camelCase")]
pub struct ConnectionsAutoscaling {
    /// The least number of pods. Default: 2.
    #[schemars(range(min = 1, max = 100))]
    #[serde(default = "min_replicas")]
    pub min_replicas: i32,
    /// The largest number of pods.
    #[schemars(range(min = 1, max = 100))]
    pub max_replicas: i32,
    /// Connections of one pod at which more pods are wanted. Default: 20000.
    #[schemars(range(min = 1, max = 1_000_000))]
    #[serde(default = "target_connections")]
    pub target_connections: i32,
    /// How long fewer pods were wanted all the time, before there is one less
    /// (s). Default: 300.
    #[schemars(range(min = 15, max = 3600))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_down_stabilization_seconds: Option<i32>,
}

fn min_replicas() -> i32 {
    2
}

fn target_lag_seconds() -> i32 {
    5
}

fn target_connections() -> i32 {
    20_000
}

impl PublisherSpec {
    /// As a part that no HorizontalPodAutoscaler touches.
    pub fn as_component(&self) -> ComponentSpec {
        let least = self.autoscaling.as_ref().map(|wanted| wanted.min_replicas);
        ComponentSpec {
            replicas: self.replicas.or(least),
            autoscaling: None,
            resources: self.resources.clone(),
            scheduling: self.scheduling.clone(),
            env: self.env.clone(),
        }
    }
}

impl CentrifugoSpec {
    /// As a part that no HorizontalPodAutoscaler touches.
    pub fn as_component(&self) -> ComponentSpec {
        let least = self.autoscaling.as_ref().map(|wanted| wanted.min_replicas);
        ComponentSpec {
            replicas: self.replicas.or(least),
            autoscaling: None,
            resources: self.resources.clone(),
            scheduling: self.scheduling.clone(),
            env: self.env.clone(),
        }
    }
}
