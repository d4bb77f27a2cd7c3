//! Where images come from.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which images run.
#[derive(Clone, Debug, Default, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Images {
    /// Registry and path in front of the images that are not named below: a
    /// mirror. Default: the operator's own setting (`PLAZA_IMAGE_REGISTRY`).
    #[schemars(
        length(min = 1, max = 255),
        regex(pattern = r"^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*$")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// The whole name of Plaza's image. Default: `plaza` of the registry, with
    /// the version as its tag.
    #[schemars(length(min = 1, max = 512))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plaza: Option<String>,
    /// The whole name of Centrifugo's image; Plaza is tested with 6.9.1.
    /// Default: `centrifugo` of the registry, at that version.
    #[schemars(length(min = 1, max = 512))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centrifugo: Option<String>,
    /// The whole name of the image of a managed PostgreSQL, 15 or later, with
    /// `sh`, `flock`, `sha256sum`, and PostgreSQL's server and client programs
    /// in it. Default: `plaza-postgres` of
    /// the registry, at 15.
    #[schemars(length(min = 1, max = 512))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<String>,
    /// The whole name of the image of a managed Redis, 7.0 or later, with `sh`
    /// in it. Default: `plaza-redis` of the registry, at 7.0.
    #[schemars(length(min = 1, max = 512))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<String>,
    /// When nodes pull images. Default: IfNotPresent.
    #[serde(default)]
    pub pull_policy: PullPolicy,
    /// Names of Secrets that nodes pull images with. Default: none.
    #[schemars(
        length(max = 16),
        inner(length(min = 1, max = 253)),
        extend("x-kubernetes-list-type" = "set")
    )]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pull_secrets: Vec<String>,
}

/// When nodes pull images.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum PullPolicy {
    /// At every start of a pod.
    Always,
    /// When the node does not have them.
    #[default]
    IfNotPresent,
    /// Never: the nodes have them.
    Never,
}

impl PullPolicy {
    /// As pods name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}
