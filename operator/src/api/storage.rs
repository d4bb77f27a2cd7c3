//! Volumes.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What Kubernetes takes as an amount.
pub(super) const QUANTITY: &str = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$";

/// A volume.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[x_kube(
    validation = Rule::new("self.size == oldSelf.size")
        .message("storage.size is only read when the volume is made: to grow it, change spec.resources.requests.storage of the PersistentVolumeClaim itself"),
    validation = Rule::new("has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)")
        .message("storage.storageClassName is only read when the volume is made: restore a backup into a new ChatDeployment to change it")
)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// Its size (bytes), such as `10Gi`. Default: 10Gi for PostgreSQL and for its
    /// backups, 1Gi for Redis.
    #[schemars(length(max = 32), regex(pattern = QUANTITY))]
    pub size: String,
    /// Its StorageClass. Default: the cluster's.
    #[schemars(length(min = 1, max = 253))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class_name: Option<String>,
    /// What becomes of it when the ChatDeployment is deleted. Default: Retain.
    #[serde(default)]
    pub retention: Retention,
}

/// What becomes of a volume when the ChatDeployment is deleted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Retention {
    /// It stays, and a ChatDeployment of the same name takes it up again.
    #[default]
    Retain,
    /// It is deleted too.
    Delete,
}

impl Retention {
    /// As a StatefulSet names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Retain => "Retain",
            Self::Delete => "Delete",
        }
    }
}

impl Storage {
    /// Of PostgreSQL, when nothing is said.
    pub fn of_postgres() -> Self {
        Self::of("10Gi")
    }

    /// Of backups, when nothing is said.
    pub fn of_backups() -> Self {
        Self::of("10Gi")
    }

    /// Of Redis, when nothing is said.
    pub fn of_redis() -> Self {
        Self::of("1Gi")
    }

    fn of(size: &str) -> Self {
        Self {
            size: size.to_owned(),
            storage_class_name: None,
            retention: Retention::Retain,
        }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self::of_postgres()
    }
}
