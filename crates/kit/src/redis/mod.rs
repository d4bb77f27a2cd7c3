//! Connections to Redis, whichever of its forms an installation has: one
//! server, a primary that sentinels name, or a cluster.
//!
//! A connection always leads to one process, and nothing replaces it silently:
//! who needs to know whether that process is still the right one, and whether
//! it may have forgotten something, sees it fail and asks for another.

mod cluster;
mod sentinel;
mod shared;
mod url;

use std::{path::PathBuf, sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError,
    RedisResult, Value, aio::MultiplexedConnection,
};
use secrecy::{ExposeSecret, SecretString};

use self::{cluster::Cluster, sentinel::Sentinel};
use crate::config::{ConfigError, secret};

pub use shared::Shared;
pub use url::RedisUrlError;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Where the streams are.
#[derive(Debug, Clone, clap::Args)]
pub struct RedisArgs {
    /// Redis of the event streams: redis://:password@host:6379/0, redis+cluster://host:6379,host:6379
    /// or redis+sentinel://:password@sentinel:26379,sentinel:26379/master-name/0; rediss… with TLS
    #[arg(long, env = "PLAZA_REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<SecretString>,
    /// File that holds the URL
    #[arg(long, env = "PLAZA_REDIS_URL_FILE")]
    pub redis_url_file: Option<PathBuf>,
    /// Certificates (PEM) that TLS to Redis trusts, in place of the system's
    #[arg(long, env = "PLAZA_REDIS_CA_FILE")]
    pub redis_ca_file: Option<PathBuf>,
}

impl RedisArgs {
    /// The configured Redis; no connection is made yet.
    pub fn redis(&self) -> Result<Redis, ConfigError> {
        let url = secret(
            "PLAZA_REDIS_URL",
            self.redis_url.as_ref(),
            self.redis_url_file.as_ref(),
        )?;
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|source| ConfigError::Unreadable {
                name: "PLAZA_REDIS_CA_FILE".to_owned(),
                path: path.clone(),
                source,
            })
        };
        let trusted = self.redis_ca_file.as_ref().map(read).transpose()?;
        let redis = Redis::trusting(url.expose_secret(), trusted.as_deref());
        redis.map_err(|error| ConfigError::Invalid {
            name: "PLAZA_REDIS_URL",
            why: error.to_string(),
        })
    }
}

/// Redis as an installation has it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Redis(Arc<Form>);

#[derive(Debug)]
enum Form {
    One(Client),
    Sentinel(Sentinel),
    Cluster(Cluster),
}

impl Redis {
    /// What the URL names; no connection is made yet.
    pub fn parse(url: &str) -> Result<Self, RedisUrlError> {
        Self::trusting(url, None)
    }

    /// The same, with certificates (PEM) that TLS trusts in place of the
    /// system's.
    pub fn trusting(url: &str, certificates: Option<&[u8]>) -> Result<Self, RedisUrlError> {
        url::parse(url, certificates).map(|form| Self(Arc::new(form)))
    }

    /// Whether keys live on several processes, so that a connection serves
    /// those of one hash slot only.
    pub fn is_divided(&self) -> bool {
        matches!(*self.0, Form::Cluster(_))
    }

    /// A new connection to the process that has the key; `answer_within` bounds
    /// each answer. For blocking reads, or for who looks after it.
    pub async fn connection(
        &self,
        key: &str,
        answer_within: Duration,
    ) -> RedisResult<MultiplexedConnection> {
        match &*self.0 {
            Form::One(client) => open(client, answer_within).await,
            Form::Cluster(cluster) => open(&cluster.owner(key).await?, answer_within).await,
            Form::Sentinel(sentinel) => {
                let mut connection = open(&sentinel.primary().await?, answer_within).await?;
                let role = redis::cmd("ROLE").query_async(&mut connection).await?;
                if is_replica(&role) {
                    return Err(trouble("what the sentinels name is a replica"));
                }
                Ok(connection)
            }
        }
    }

    /// A connection for the key that several tasks share and that comes back by
    /// itself. Never for blocking reads: they would block everybody on it.
    pub fn shared(&self, key: &str, answer_within: Duration) -> Shared {
        Shared::new(self.clone(), key.to_owned(), answer_within)
    }

    /// Asks whom the sentinels name. With every change of it the generation
    /// rises, and connections of earlier ones lead to who was it before. To be
    /// called each second or two; nothing with other forms.
    pub async fn follow(&self) -> RedisResult<()> {
        match &*self.0 {
            Form::Sentinel(sentinel) => sentinel.primary().await.map(drop),
            Form::One(_) | Form::Cluster(_) => Ok(()),
        }
    }

    /// The number of changes of the primary that are known of.
    pub fn generation(&self) -> u64 {
        match &*self.0 {
            Form::Sentinel(sentinel) => sentinel.generation(),
            Form::One(_) | Form::Cluster(_) => 0,
        }
    }
}

/// Whether an answer to `ROLE`, a list whose first element is the role, is
/// that of a replica.
pub fn is_replica(role: &Value) -> bool {
    let Value::Array(parts) = role else {
        return false;
    };
    match parts.first() {
        Some(Value::BulkString(name)) => name == b"slave",
        Some(Value::SimpleString(name)) => name == "slave",
        _ => false,
    }
}

async fn open(client: &Client, answer_within: Duration) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(answer_within));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

/// A client with small writes sent at once and a dead peer noticed in seconds.
fn prepared(info: ConnectionInfo) -> ConnectionInfo {
    let tcp = info
        .tcp_settings()
        .clone()
        .set_nodelay(true)
        .set_user_timeout(Duration::from_secs(3));
    info.set_tcp_settings(tcp)
}

/// The same at another address.
fn at(info: &ConnectionInfo, host: &str, port: u16) -> ConnectionInfo {
    let address = match info.addr() {
        ConnectionAddr::TcpTls {
            insecure,
            tls_params,
            ..
        } => ConnectionAddr::TcpTls {
            host: host.to_owned(),
            port,
            insecure: *insecure,
            tls_params: tls_params.clone(),
        },
        _ => ConnectionAddr::Tcp(host.to_owned(), port),
    };
    info.clone().set_addr(address)
}

/// Where it is; none of a socket in the file system.
fn place(info: &ConnectionInfo) -> Option<(&str, u16)> {
    match info.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            Some((host, *port))
        }
        _ => None,
    }
}

/// An error that is not Redis's own word.
fn trouble(what: &'static str) -> RedisError {
    (ErrorKind::Client, what).into()
}
