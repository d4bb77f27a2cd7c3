//! Who may connect to what.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// NetworkPolicies of the chat's pods: parts are reached by those parts alone
/// that need them.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicySpec {
    /// Whether there are any. Default: true.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Namespaces from which people's requests come in: the ingress
    /// controller's. Default: everywhere.
    #[schemars(length(max = 32), inner(length(min = 1, max = 63)))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ingress_namespaces: Vec<String>,
    /// Namespaces from which metrics may be read: Prometheus'. Default: none.
    #[schemars(length(max = 32), inner(length(min = 1, max = 63)))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics_namespaces: Vec<String>,
}

impl Default for NetworkPolicySpec {
    fn default() -> Self {
        Self {
            enabled: true,
            ingress_namespaces: Vec::new(),
            metrics_namespaces: Vec::new(),
        }
    }
}

fn yes() -> bool {
    true
}
