//! Backups of a managed PostgreSQL, and beginning from one.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{Restored, S3Store, Storage};

/// Backups of the managed PostgreSQL to a volume of their own: the three
/// databases, by schedule, and whenever the annotation `plaza.dev/backup` of the
/// ChatDeployment gets another value.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[x_kube(validation = Rule::new("self.volume.retention == oldSelf.volume.retention")
    .message("backup.volume.retention is only read when the volume is made: change metadata.ownerReferences of the PersistentVolumeClaim itself"))]
#[serde(rename_all = "camelCase")]
pub struct BackupSpec {
    /// When, in UTC, as cron has it: minute, hour, day of month, month and day
    /// of week, such as `30 2 * * 0`, or a word such as `@daily`. Default: at
    /// 3:00 every day.
    #[schemars(length(min = 1, max = 128))]
    #[serde(default = "schedule")]
    pub schedule: String,
    /// The volume, by the claim `<name>-backup`. With a storage class that is
    /// not the database's own, a lost disk does not take both.
    #[serde(default = "Storage::of_backups")]
    pub volume: Storage,
    /// An S3-compatible store that every backup is brought to as well. Default:
    /// none, the volume alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3Store>,
    /// How many backups are kept, on the volume and in the store. An old one goes
    /// when a new one is whole, so the volume has to hold one more. Default: 7.
    #[schemars(range(min = 1, max = 1000))]
    #[serde(default = "keep")]
    pub keep: i32,
    /// Whether the schedule rests. Default: false.
    #[serde(default)]
    pub suspend: bool,
}

fn schedule() -> String {
    "0 3 * * *".to_owned()
}

fn keep() -> i32 {
    7
}

/// A backup that a new chat begins with: exactly one of claimName and s3.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[x_kube(validation = Rule::new("has(self.claimName) != has(self.s3)")
    .message("set exactly one of restore.claimName (the claim of backups in this namespace) and restore.s3 (the store that they were brought to)"))]
#[serde(rename_all = "camelCase")]
pub struct RestoreSpec {
    /// The claim that backups are on, in this namespace: `<name>-backup` of the
    /// chat that made them. Default: none, s3.
    #[schemars(length(min = 1, max = 253))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_name: Option<String>,
    /// The store that they were brought to. Its prefix is `<namespace>/<name>` of
    /// the chat that made them, unless that had another. Default: none,
    /// claimName.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3Store>,
    /// Which backup: a folder's name, such as `20260131T030000Z`, or `latest`.
    /// Default: latest.
    #[schemars(regex(pattern = r"^(latest|[0-9]{8}T[0-9]{6}Z)$"))]
    #[serde(default = "latest")]
    pub backup: String,
}

impl RestoreSpec {
    /// The word for the newest backup.
    pub const LATEST: &str = "latest";

    /// What a chat of this namespace and name has begun with, if it was this
    /// backup.
    pub fn done(&self, namespace: &str, name: &str, backup: String) -> Restored {
        Restored {
            claim_name: self.claim_name.clone(),
            store: self.s3.as_ref().map(|store| store.place(namespace, name)),
            backup,
        }
    }
}

fn latest() -> String {
    RestoreSpec::LATEST.to_owned()
}
