//! Whether and how changes are pushed.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Real time.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RealtimeSpec {
    /// Whether changes are pushed. Without, neither the publisher nor
    /// Centrifugo nor Redis runs, and the web app polls. Default: true.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Members from which on a room's events travel by a channel of its own.
    /// Default: 50.
    #[schemars(range(min = 2, max = 10000))]
    #[serde(default = "fanout_threshold")]
    pub fanout_threshold: i32,
    /// How long a connection may live before it needs another token (s).
    /// Default: 3600.
    #[schemars(range(min = 60, max = 86400))]
    #[serde(default = "connection_lifetime_seconds")]
    pub connection_lifetime_seconds: i32,
}

impl Default for RealtimeSpec {
    fn default() -> Self {
        Self {
            enabled: yes(),
            fanout_threshold: fanout_threshold(),
            connection_lifetime_seconds: connection_lifetime_seconds(),
        }
    }
}

fn yes() -> bool {
    true
}

fn fanout_threshold() -> i32 {
    50
}

fn connection_lifetime_seconds() -> i32 {
    3600
}
