//! Centrifugo's configuration file, made from a few [`Settings`] so that each
//! installation has the channels, limits and token rules that Plaza relies on.

use plaza_kit::token::{CONNECTION_AUDIENCE, ISSUER};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{PERSONAL, PULSE};

/// Publications that a personal channel keeps for who was away for a moment.
const HISTORY_SIZE: u32 = 64;
/// How long it keeps them; whoever was away for longer asks the services.
const HISTORY_TTL: &str = "120s";
/// A Redis key a channel lives as long after its last use.
const HISTORY_META_TTL: &str = "24h";
/// Commands of one connection that are handled at once.
const CONCURRENCY: u32 = 16;
/// Bytes that may wait for one slow connection before it is closed.
const QUEUE_MAX_SIZE: u32 = 2 << 20;

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
    /// Redis of the engine; a URL, which may hold a password.
    pub redis_url: SecretString,
    /// Beginning of the engine's keys in Redis.
    pub redis_prefix: String,
    /// Key of the server API.
    pub api_key: SecretString,
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
                    address: [self.redis_url.expose_secret()],
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
                disallow_anonymous_connection_tokens: true,
                concurrency: CONCURRENCY,
                queue_max_size: QUEUE_MAX_SIZE,
            },
            channel: Channels {
                history_meta_ttl: HISTORY_META_TTL,
                namespaces: vec![
                    Namespace {
                        name: PERSONAL,
                        history: Some(History {
                            size: HISTORY_SIZE,
                            ttl: HISTORY_TTL,
                            force_recovery: true,
                        }),
                    },
                    Namespace {
                        name: PULSE,
                        history: None,
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
    channel: Channels,
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
    address: [&'a str; 1],
    prefix: &'a str,
}

#[derive(Serialize)]
struct Client<'a> {
    allowed_origins: &'a [String],
    token: Token<'a>,
    disallow_anonymous_connection_tokens: bool,
    concurrency: u32,
    queue_max_size: u32,
}

#[derive(Serialize)]
struct Token<'a> {
    jwks_public_endpoint: &'a str,
    audience: &'static str,
    issuer: &'static str,
}

#[derive(Serialize)]
struct Channels {
    history_meta_ttl: &'static str,
    namespaces: Vec<Namespace>,
}

#[derive(Serialize)]
struct Namespace {
    name: &'static str,
    #[serde(flatten)]
    history: Option<History>,
}

#[derive(Serialize)]
struct History {
    #[serde(rename = "history_size")]
    size: u32,
    #[serde(rename = "history_ttl")]
    ttl: &'static str,
    force_recovery: bool,
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
