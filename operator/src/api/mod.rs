//! The ChatDeployment resource: what is asked for ([`ChatDeploymentSpec`]) and
//! what is there ([`ChatDeploymentStatus`]). The CRD, with its rules, and its
//! reference page are generated from these types; their comments are what
//! `kubectl explain` shows.

#![allow(
    unreachable_pub,
    reason = "the derive of a schema repeats each struct inside a function"
)]

mod backup;
mod component;
mod exposure;
mod image;
mod monitoring;
mod network;
mod postgres;
mod realtime;
mod realtime_part;
mod redis;
mod s3;
mod secret_key;
mod status;
mod storage;

pub use backup::{BackupSpec, RestoreSpec};
pub use component::{Autoscaling, ComponentSpec, EnvVar, Resources, Scheduling, Toleration};
pub use exposure::{HttpRoute, IngressSpec, ParentRef, Tls};
pub use image::{Images, PullPolicy};
pub use monitoring::MonitoringSpec;
pub use network::NetworkPolicySpec;
pub use postgres::{ExternalPostgres, ManagedPostgres, PostgresSpec};
pub use realtime::RealtimeSpec;
pub use realtime_part::{CentrifugoSpec, ConnectionsAutoscaling, LagAutoscaling, PublisherSpec};
pub use redis::{ExternalRedis, ManagedRedis, RedisSpec};
pub use s3::S3Store;
pub use secret_key::SecretKey;
pub use status::{Backup, ChatDeploymentStatus, ComponentStatus, DatabaseConnections, Restored};
pub use storage::{Retention, Storage};

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a chat is to be: its version, where people reach it, how each part
/// runs, and where its data lives.
#[derive(CustomResource, KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[kube(
    group = "plaza.dev",
    version = "v1alpha1",
    kind = "ChatDeployment",
    plural = "chatdeployments",
    shortname = "chat",
    category = "all",
    namespaced,
    status = "ChatDeploymentStatus",
    derive = "PartialEq",
    doc = "A chat: every object that Plaza needs in a cluster follows from one of these.",
    printcolumn(name = "Version", type_ = "string", json_path = ".status.version", description = "The version that serves."),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#, description = "Whether people can use it."),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#, description = "Why, or why not."),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.endpoint", description = "Where people open it."),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Message", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].message"#, priority = "1"),
    validation = Rule::new("self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("metadata.name must have at most 40 lower-case letters, digits and '-', and begin with a letter: the names of all objects begin with it")
        .reason(kube::core::Reason::FieldValueInvalid)
)]
#[cfg_attr(test, kube(cel))]
#[x_kube(
    validation = Rule::new("has(self.redis) || (has(self.realtime) && has(self.realtime.enabled) && !self.realtime.enabled)")
        .message("real time needs a Redis: add `redis: {managed: {}}` or redis.external, or set realtime.enabled to false")
        .reason(kube::core::Reason::FieldValueRequired),
    validation = Rule::new("!(has(self.ingress) && has(self.httpRoute))")
        .message("set ingress or httpRoute, not both: one of them leads people to the chat"),
    validation = Rule::new("!self.host.matches('^[0-9]+([.][0-9]+){3}$') || (has(self.ingress) && !self.ingress.enabled)")
        .message("host is an address, and an Ingress or HTTPRoute needs a name: write one, or set ingress.enabled to false"),
    validation = Rule::new("!self.monitoring.enabled || !self.networkPolicy.enabled || (has(self.networkPolicy.metricsNamespaces) && self.networkPolicy.metricsNamespaces.size() > 0)")
        .message("monitoring needs networkPolicy.metricsNamespaces: name the namespace of Prometheus, which is kept out otherwise"),
    validation = Rule::new("has(self.postgres.managed) == has(oldSelf.postgres.managed)")
        .message("data does not move between postgres.managed and postgres.external by itself: make a new ChatDeployment and restore a backup into it"),
    validation = Rule::new("!has(self.backup) || has(self.postgres.managed)")
        .message("backup is for postgres.managed alone: remove it, and back up postgres.external by that database's own means"),
    validation = Rule::new("!has(self.restore) || has(self.postgres.managed)")
        .message("restore is for postgres.managed alone: remove it, and restore postgres.external by that database's own means, then run `plaza migrate --new-epoch`"),
    validation = Rule::new("!has(self.restore) || has(oldSelf.restore)")
        .message("restore is for a new ChatDeployment alone: make one of another name that has it from the beginning")
)]
#[serde(rename_all = "camelCase")]
pub struct ChatDeploymentSpec {
    /// The version of Plaza to run, such as `0.1.0`. Default: the version of
    /// the operator. An upgrade goes one minor version at a time and never back.
    #[schemars(
        length(max = 64),
        regex(pattern = r"^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,

    /// Where the images come from.
    #[serde(default)]
    pub image: Images,

    /// The host name under which people reach the chat, such as
    /// `chat.example.org`.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub host: String,

    /// TLS of the host: with it the chat is at `https://`, without it at
    /// `http://`, which is for trials. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,

    /// Lead people to the chat by an Ingress. Default: an Ingress of the
    /// cluster's default class, unless httpRoute is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<IngressSpec>,

    /// Lead people to the chat by an HTTPRoute of the Gateway API. Default:
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_route: Option<HttpRoute>,

    /// Further origins that browsers may open the chat at, such as
    /// `http://localhost:8080` for a port-forward. Default: none.
    #[schemars(
        length(max = 16),
        inner(length(max = 512), regex(pattern = r"^https?://[^/]+$"))
    )]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_origins: Vec<String>,

    /// Addresses or networks of the proxies in front, such as `10.0.0.0/8`,
    /// whose X-Forwarded-For is believed. Without them all people behind one
    /// proxy share its limits. Default: none.
    #[schemars(length(max = 32), inner(length(max = 64)))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_proxies: Vec<String>,

    /// Who may open an account. Default: Open.
    #[serde(default)]
    pub registration: Registration,

    /// The GraphQL API and the web app.
    #[serde(default)]
    pub gateway: ComponentSpec,

    /// Accounts, sessions and keys.
    #[serde(default)]
    pub auth: ComponentSpec,

    /// Rooms and their members.
    #[serde(default)]
    pub rooms: ComponentSpec,

    /// Messages and read marks.
    #[serde(default)]
    pub messages: ComponentSpec,

    /// What brings events from Redis to Centrifugo.
    #[serde(default)]
    pub publisher: PublisherSpec,

    /// What holds people's connections.
    #[serde(default)]
    pub centrifugo: CentrifugoSpec,

    /// The databases, which are the source of truth.
    pub postgres: PostgresSpec,

    /// Backups of the managed PostgreSQL. Default: none are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<BackupSpec>,

    /// The backup that a new chat begins with. It is read before the first
    /// start alone. Default: none, empty databases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore: Option<RestoreSpec>,

    /// What carries real time; nothing in it is the only copy. Default: none,
    /// which goes with realtime.enabled false alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<RedisSpec>,

    /// Real time: whether changes are pushed, and its limits.
    #[serde(default)]
    pub realtime: RealtimeSpec,

    /// Which connections between pods are allowed.
    #[serde(default)]
    pub network_policy: NetworkPolicySpec,

    /// What Prometheus is told of, where its operator is.
    #[serde(default)]
    pub monitoring: MonitoringSpec,

    /// Whether the operator leaves everything as it is, whatever the rest of
    /// the spec says. Default: false.
    #[serde(default)]
    pub paused: bool,

    /// Whether nothing runs while all data is kept. Default: false.
    #[serde(default)]
    pub hibernated: bool,
}

/// Who may open an account.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Registration {
    /// Everybody who reaches the chat.
    #[default]
    Open,
    /// Nobody: an administrator makes accounts.
    Closed,
}

impl ChatDeploymentSpec {
    /// The origin that people open, without a slash at its end.
    pub fn endpoint(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.host)
    }
}

#[cfg(test)]
mod tests;
