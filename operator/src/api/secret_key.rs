//! A value in a Secret.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// One key of a Secret in the namespace of the ChatDeployment.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
    /// The key in it. Default: the usual one for what it holds.
    #[schemars(length(min = 1, max = 253))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl SecretKey {
    /// The key, or the usual one.
    pub fn key_or<'a>(&'a self, usual: &'a str) -> &'a str {
        self.key.as_deref().unwrap_or(usual)
    }
}
