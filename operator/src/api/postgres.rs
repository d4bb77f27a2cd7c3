//! Where the databases are.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{Resources, Scheduling, SecretKey, Storage};

/// One database for each of auth, rooms and messages: exactly one of managed
/// and external.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[x_kube(validation = Rule::new("has(self.managed) != has(self.external)")
    .message("set exactly one of postgres.managed (a PostgreSQL that the operator runs, for trials and small installations) and postgres.external (your own)"))]
#[serde(rename_all = "camelCase")]
pub struct PostgresSpec {
    /// One PostgreSQL server with a volume, for trials and small installations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedPostgres>,
    /// PostgreSQL 15 or later of your own, which Secrets tell about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalPostgres>,
}

/// A PostgreSQL that the operator runs: one pod, so it is away while its node
/// is.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedPostgres {
    /// Its volume.
    #[serde(default = "Storage::of_postgres")]
    pub storage: Storage,
    /// CPU and memory of its pod. Default: requests of 250m and 512Mi, and a
    /// limit of 2Gi of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Which nodes it may run on. Default: any.
    #[serde(default)]
    pub scheduling: Scheduling,
    /// Connections that it accepts; the services share them. Default: 200.
    #[schemars(range(min = 40, max = 2000))]
    #[serde(default = "managed_max_connections")]
    pub max_connections: i32,
}

fn managed_max_connections() -> i32 {
    200
}

/// Databases of your own. Each Secret holds a URL such as
/// `postgres://user:password@host:5432/database?sslmode=verify-full`;
/// CloudNativePG and others make such Secrets.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[x_kube(validation = Rule::new("(self.auth.secretName + '/' + (has(self.auth.key) ? self.auth.key : 'uri')) != (self.rooms.secretName + '/' + (has(self.rooms.key) ? self.rooms.key : 'uri')) && (self.rooms.secretName + '/' + (has(self.rooms.key) ? self.rooms.key : 'uri')) != (self.messages.secretName + '/' + (has(self.messages.key) ? self.messages.key : 'uri')) && (self.auth.secretName + '/' + (has(self.auth.key) ? self.auth.key : 'uri')) != (self.messages.secretName + '/' + (has(self.messages.key) ? self.messages.key : 'uri'))")
    .message("auth, rooms and messages each need a database of their own: name three Secrets, or three keys of one"))]
#[serde(rename_all = "camelCase")]
pub struct ExternalPostgres {
    /// The URL of auth's database. Its key is `uri` unless named.
    pub auth: SecretKey,
    /// The URL of rooms' database. Its key is `uri` unless named.
    pub rooms: SecretKey,
    /// The URL of messages' database. Its key is `uri` unless named.
    pub messages: SecretKey,
    /// Certificates (PEM) that the server's is checked with. Pods find them at
    /// `/etc/plaza/postgres-ca/ca.crt`: put `sslrootcert=` and that path into
    /// the URLs. The key is `ca.crt` unless named. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<SecretKey>,
    /// Connections that the services may take of the server, all databases
    /// together; the operator divides them. Default: 100, as PostgreSQL's own.
    #[schemars(range(min = 20, max = 10000))]
    #[serde(default = "external_max_connections")]
    pub max_connections: i32,
}

fn external_max_connections() -> i32 {
    100
}
