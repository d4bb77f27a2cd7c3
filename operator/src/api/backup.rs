//! Backups of a managed PostgreSQL, and beginning from one.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::Storage;

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
    /// How many backups are kept. An old one goes when a new one is whole, so
    /// the volume has to hold one more. Default: 7.
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

/// A backup that a new chat begins with.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreSpec {
    /// The claim that backups are on, in this namespace: `<name>-backup` of the
    /// chat that made them.
    #[schemars(length(min = 1, max = 253))]
    pub claim_name: String,
    /// Which backup: a folder's name, such as `20260131T030000Z`, or `latest`.
    /// Default: latest.
    #[schemars(regex(pattern = r"^(latest|[0-9]{8}T[0-9]{6}Z)$"))]
    #[serde(default = "latest")]
    pub backup: String,
}

impl RestoreSpec {
    /// The word for the newest backup.
    pub const LATEST: &str = "latest";
}

fn latest() -> String {
    RestoreSpec::LATEST.to_owned()
}
