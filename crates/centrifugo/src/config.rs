//! Centrifugo's configuration file, made from a few [`Settings`] so that each
//! installation has the channels, limits and token rules that Plaza relies on.

use std::collections::BTreeMap;

use plaza_kit::token::{CONNECTION_AUDIENCE, ISSUER, SUBSCRIPTION_AUDIENCE};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::channel::{HEAD, LIVE, PERSONAL, PRIVATE, PRIVATE_HEAD, PULSE, ROOM};

/// Name of the header in which a proxied request carries the proxy's secret.
pub const PROXY_SECRET_HEADER: &str = "X-Plaza-Proxy-Secret";

/// Path of the subscribe proxy at rooms.
pub const SUBSCRIBE_PATH: &str = "/internal/centrifugo/subscribe";

/// Publications that a channel keeps for who was away for a moment.
const HISTORY_SIZE: u32 = 64;
/// How long it keeps them; whoever was away for longer asks the services.
const HISTORY_TTL: &str = "120s";
/// A Redis key a channel lives as long after its last use.
const HISTORY_META_TTL: &str = "24h";
/// How long where a room stands is kept for who subscribes.
const HEAD_TTL: &str = "24h";
/// Longest wait for the answer of the subscribe proxy.
const PROXY_TIMEOUT: &str = "1s";
/// The one name in the namespace of the sign of life.
const PULSE_NAMES: &str = "^all$";
/// Channels of one connection: its own, the sign of life, the open room's and of lists.
const CHANNEL_LIMIT: u32 = 128;
/// Commands of one connection that are handled at once.
const CONCURRENCY: u32 = 16;
/// Bytes that may wait for one slow connection before it is closed.
const QUEUE_MAX_SIZE: u32 = 2 << 20;

/// Where the rooms at this base URL is asked about channels.
pub fn subscribe_proxy(rooms: &str) -> String {
    format!("{rooms}{SUBSCRIBE_PATH}")
}

/// What differs between installations.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address that browsers' connections come in at.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// Address of the server API, health and metrics.
    pub internal_address: String,
    /// Its port; never reachable from outside.
    pub internal_port: u16,
    /// Exact origins of the pages that may connect, such as `https://chat.example.org`.
    pub allowed_origins: Vec<String>,
    /// Where auth publishes its keys.
    pub jwks_endpoint: String,
    /// Redis of the engine as URLs of Centrifugo's, which may hold a password.
    /// Several are shards: each channel is at one of them by its name.
    pub redis_urls: Vec<SecretString>,
    /// Beginning of the engine's keys in Redis.
    pub redis_prefix: String,
    /// Key of the server API.
    pub api_key: SecretString,
    /// Where rooms is asked whether somebody may open a channel that no token
    /// opens, such as `http://rooms:8082/internal/centrifugo/subscribe`.
    pub subscribe_proxy: String,
    /// What tells rooms that Centrifugo asks; in [`PROXY_SECRET_HEADER`].
    pub proxy_secret: SecretString,
    /// debug, info, warn or error.
    pub log_level: String,
}

impl Settings {
    /// The configuration file's text. It holds the API key and the Redis
    /// password: write it where the server alone can read it.
    pub fn to_json(&self) -> Result<SecretString, serde_json::Error> {
        serde_json::to_string_pretty(&self.file()).map(Into::into)
    }

    fn file(&self) -> File<'_> {
        File {
            http_server: HttpServer {
                address: &self.address,
                port: self.port,
                internal_address: &self.internal_address,
                internal_port: self.internal_port.to_string(),
            },
            log: Log {
                level: &self.log_level,
            },
            engine: Engine {
                kind: "redis",
                redis: Redis {
                    address: self
                        .redis_urls
                        .iter()
                        .map(ExposeSecret::expose_secret)
                        .collect(),
                    prefix: &self.redis_prefix,
                },
            },
            client: Client {
                allowed_origins: &self.allowed_origins,
                token: Token {
                    jwks_public_endpoint: &self.jwks_endpoint,
                    audience: CONNECTION_AUDIENCE,
                    issuer: ISSUER,
                },
                subscription_token: SubscriptionToken {
                    enabled: true,
                    token: Token {
                        jwks_public_endpoint: &self.jwks_endpoint,
                        audience: SUBSCRIPTION_AUDIENCE,
                        issuer: ISSUER,
                    },
                },
                disallow_anonymous_connection_tokens: true,
                channel_limit: CHANNEL_LIMIT,
                concurrency: CONCURRENCY,
                queue_max_size: QUEUE_MAX_SIZE,
            },
            channel: Channels {
                history_meta_ttl: HISTORY_META_TTL,
                proxy: Proxies {
                    subscribe: Proxy {
                        endpoint: &self.subscribe_proxy,
                        timeout: PROXY_TIMEOUT,
                        include_connection_meta: true,
                        http: ProxyHttp {
                            static_headers: [(
                                PROXY_SECRET_HEADER,
                                self.proxy_secret.expose_secret(),
                            )]
                            .into(),
                        },
                    },
                },
                namespaces: vec![
                    Namespace::new(PERSONAL).with_history(),
                    Namespace::new(PULSE).open_to_all(PULSE_NAMES),
                    Namespace::new(ROOM).with_history(),
                    Namespace::new(PRIVATE).with_history().proxied(),
                    Namespace::new(HEAD).with_newest(),
                    Namespace::new(PRIVATE_HEAD).with_newest().proxied(),
                    Namespace {
                        presence: true,
                        ..Namespace::new(LIVE).proxied()
                    },
                ],
            },
            http_api: HttpApi {
                key: self.api_key.expose_secret(),
            },
            health: Switch { enabled: true },
            prometheus: Switch { enabled: true },
            usage_stats: UsageStats { disabled: true },
        }
    }
}

#[derive(Serialize)]
struct File<'a> {
    http_server: HttpServer<'a>,
    log: Log<'a>,
    engine: Engine<'a>,
    client: Client<'a>,
    channel: Channels<'a>,
    http_api: HttpApi<'a>,
    health: Switch,
    prometheus: Switch,
    usage_stats: UsageStats,
}

#[derive(Serialize)]
struct HttpServer<'a> {
    address: &'a str,
    port: u16,
    internal_address: &'a str,
    /// Centrifugo takes this one as a string.
    internal_port: String,
}

#[derive(Serialize)]
struct Log<'a> {
    level: &'a str,
}

#[derive(Serialize)]
struct Engine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    redis: Redis<'a>,
}

#[derive(Serialize)]
struct Redis<'a> {
    address: Vec<&'a str>,
    prefix: &'a str,
}

#[derive(Serialize)]
struct Client<'a> {
    allowed_origins: &'a [String],
    token: Token<'a>,
    subscription_token: SubscriptionToken<'a>,
    disallow_anonymous_connection_tokens: bool,
    channel_limit: u32,
    concurrency: u32,
    queue_max_size: u32,
}

#[derive(Serialize)]
struct Token<'a> {
    jwks_public_endpoint: &'a str,
    audience: &'static str,
    issuer: &'static str,
}

/// Centrifugo takes nothing from the other section: all of it is said again.
#[derive(Serialize)]
struct SubscriptionToken<'a> {
    enabled: bool,
    #[serde(flatten)]
    token: Token<'a>,
}

#[derive(Serialize)]
struct Channels<'a> {
    history_meta_ttl: &'static str,
    proxy: Proxies<'a>,
    namespaces: Vec<Namespace>,
}

#[derive(Serialize)]
struct Proxies<'a> {
    subscribe: Proxy<'a>,
}

#[derive(Serialize)]
struct Proxy<'a> {
    endpoint: &'a str,
    timeout: &'static str,
    include_connection_meta: bool,
    http: ProxyHttp<'a>,
}

#[derive(Serialize)]
struct ProxyHttp<'a> {
    static_headers: BTreeMap<&'static str, &'a str>,
}

#[derive(Serialize)]
struct Namespace {
    name: &'static str,
    #[serde(flatten)]
    history: Option<History>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    subscribe_proxy_enabled: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    presence: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    allow_subscribe_for_client: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_regex: Option<&'static str>,
}

impl Namespace {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            history: None,
            subscribe_proxy_enabled: false,
            presence: false,
            allow_subscribe_for_client: false,
            channel_regex: None,
        }
    }

    /// Whoever has a connection may subscribe to what has such a name.
    fn open_to_all(self, names: &'static str) -> Self {
        Self {
            allow_subscribe_for_client: true,
            channel_regex: Some(names),
            ..self
        }
    }

    /// Who was away for a moment gets what came meanwhile.
    fn with_history(self) -> Self {
        let history = History {
            size: HISTORY_SIZE,
            ttl: HISTORY_TTL,
            force_recovery: true,
            mode: None,
        };
        Self {
            history: Some(history),
            ..self
        }
    }

    /// Who subscribes gets the newest publication.
    fn with_newest(self) -> Self {
        let history = History {
            size: 1,
            ttl: HEAD_TTL,
            force_recovery: true,
            mode: Some("cache"),
        };
        Self {
            history: Some(history),
            ..self
        }
    }

    fn proxied(self) -> Self {
        Self {
            subscribe_proxy_enabled: true,
            ..self
        }
    }
}

#[derive(Serialize)]
struct History {
    #[serde(rename = "history_size")]
    size: u32,
    #[serde(rename = "history_ttl")]
    ttl: &'static str,
    force_recovery: bool,
    #[serde(
        rename = "force_recovery_mode",
        skip_serializing_if = "Option::is_none"
    )]
    mode: Option<&'static str>,
}

#[derive(Serialize)]
struct HttpApi<'a> {
    key: &'a str,
}

#[derive(Serialize)]
struct Switch {
    enabled: bool,
}

#[derive(Serialize)]
struct UsageStats {
    disabled: bool,
}
