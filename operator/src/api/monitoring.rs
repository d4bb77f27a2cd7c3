//! What Prometheus is told of.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A ServiceMonitor and a PrometheusRule for Prometheus' operator, whose CRDs
/// the cluster must have.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MonitoringSpec {
    /// Whether there are any. Default: false.
    #[serde(default)]
    pub enabled: bool,
    /// Whether there are alert rules, too. Default: true.
    #[serde(default = "yes")]
    pub alerts: bool,
    /// How often metrics are read, up to `60s`, which alert rules rely on.
    /// Default: 30s.
    #[schemars(length(max = 3), regex(pattern = r"^([1-9]|[1-5][0-9]|60)s$"))]
    #[serde(default = "interval")]
    pub interval: String,
    /// Further labels of both, by which your Prometheus selects them, such as
    /// `release: prometheus`. Default: none.
    #[schemars(extend("maxProperties" = 16))]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Default for MonitoringSpec {
    fn default() -> Self {
        Self {
            enabled: false,
            alerts: true,
            interval: interval(),
            labels: BTreeMap::new(),
        }
    }
}

fn yes() -> bool {
    true
}

fn interval() -> String {
    "30s".to_owned()
}
