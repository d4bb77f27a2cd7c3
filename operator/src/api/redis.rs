//! Where Redis is.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{Resources, Scheduling, SecretKey, Storage};

/// Redis of the event streams and of Centrifugo: exactly one of managed and
/// external.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[x_kube(validation = Rule::new("has(self.managed) != has(self.external)")
    .message("set exactly one of redis.managed (a Redis that the operator runs, for trials and small installations) and redis.external (your own)"))]
#[serde(rename_all = "camelCase")]
pub struct RedisSpec {
    /// One Redis with a volume, for trials and small installations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedRedis>,
    /// Redis 7.0 or later of your own, which Secrets tell about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalRedis>,
}

/// A Redis that the operator runs: one pod. While it is away nothing is pushed,
/// and nothing is lost.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedRedis {
    /// Its volume.
    #[serde(default = "Storage::of_redis")]
    pub storage: Storage,
    /// CPU and memory of its pod. Default: requests of 50m and 64Mi, and a limit
    /// of 1Gi of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Which nodes it may run on. Default: any.
    #[serde(default)]
    pub scheduling: Scheduling,
}

/// Redis of your own.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalRedis {
    /// The URL of the Redis of the event streams, which needs `appendonly yes`
    /// and `maxmemory-policy noeviction`: `redis://:password@host:6379/0`,
    /// `redis+cluster://…`, `redis+sentinel://…`, or the same with `rediss`. Its
    /// key is `url` unless named.
    pub streams: SecretKey,
    /// The URL of Centrifugo's Redis in Centrifugo's own form, or one a line
    /// for several shards. Its key is `url` unless named. Default: that of the
    /// streams, which then must begin with `redis://` or `rediss://`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centrifugo: Option<SecretKey>,
    /// Certificates (PEM) that TLS to the Redis of the streams trusts. The key
    /// is `ca.crt` unless named. Default: the public authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<SecretKey>,
}
