//! Connections to Redis.

use std::{path::PathBuf, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection},
};
use secrecy::{ExposeSecret, SecretString};

use crate::config::{ConfigError, secret};

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Where the streams are.
#[derive(Debug, Clone, clap::Args)]
pub struct RedisArgs {
    /// Redis of the event streams, such as redis://:password@host:6379/0
    #[arg(long, env = "PLAZA_REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<SecretString>,
    /// File that holds the URL
    #[arg(long, env = "PLAZA_REDIS_URL_FILE")]
    pub redis_url_file: Option<PathBuf>,
}

impl RedisArgs {
    /// The configured Redis; no connection is made yet.
    pub fn client(&self) -> Result<Client, ConfigError> {
        let url = secret(
            "PLAZA_REDIS_URL",
            self.redis_url.as_ref(),
            self.redis_url_file.as_ref(),
        )?;
        client(url.expose_secret()).map_err(|error| ConfigError::Invalid {
            name: "PLAZA_REDIS_URL",
            // The error's detail may repeat the URL with its password.
            why: format!("not a Redis URL ({:?})", error.kind()),
        })
    }
}

/// A client with small writes sent at once and a dead peer noticed in seconds.
pub fn client(url: &str) -> RedisResult<Client> {
    let info = url.into_connection_info()?;
    let tcp = info
        .tcp_settings()
        .clone()
        .set_nodelay(true)
        .set_user_timeout(Duration::from_secs(3));
    Client::open(info.set_tcp_settings(tcp))
}

/// A shared connection that comes back by itself; `timeout` bounds each
/// answer. Never for blocking reads: they would block everybody on it.
pub fn shared(client: &Client, timeout: Duration) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(timeout))
        .set_number_of_retries(1);
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}

/// A connection of one's own for blocking reads of `block` at most.
pub async fn blocking(client: &Client, block: Duration) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(block + Duration::from_secs(2)));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}
