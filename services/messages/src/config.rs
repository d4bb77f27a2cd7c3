//! Configuration.

use std::path::PathBuf;

use plaza_clients::PeersArgs;
use plaza_events::relay::RelayArgs;
use plaza_kit::{
    config::{ConfigError, InternalSecretArgs, ListenArgs, OpsArgs, PoolArgs, secret},
    redis::RedisArgs,
};
use secrecy::SecretString;

use crate::access::MemoryArgs;

/// The database's URL in the environment.
pub(crate) const DATABASE_URL: &str = "PLAZA_MESSAGES_DATABASE_URL";

/// Everything that messages is told.
#[derive(Debug, Clone, clap::Args)]
pub struct MessagesArgs {
    /// The API's listener.
    #[command(flatten)]
    pub listen: ListenArgs<8083>,
    /// The operations listener.
    #[command(flatten)]
    pub ops: OpsArgs<9083>,
    /// How services know each other.
    #[command(flatten)]
    pub internal_secret: InternalSecretArgs,
    /// PostgreSQL of messages, such as postgres://user:password@host:5432/plaza_messages
    #[arg(long, env = DATABASE_URL, hide_env_values = true)]
    pub messages_database_url: Option<SecretString>,
    /// File that holds the URL
    #[arg(long, env = "PLAZA_MESSAGES_DATABASE_URL_FILE")]
    pub messages_database_url_file: Option<PathBuf>,
    /// Bounds of the pool.
    #[command(flatten)]
    pub pool: PoolArgs,
    /// Where auth and rooms are.
    #[command(flatten)]
    pub peers: PeersArgs,
    /// Most sends of one partition of rooms that wait while those before them are committed; further ones are
    /// refused as UNAVAILABLE
    #[arg(long, env = "PLAZA_MESSAGES_MAX_WAITING_SENDS", default_value_t = 4_096,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub messages_max_waiting_sends: u32,
    /// Bounds of what is remembered about members.
    #[command(flatten)]
    pub memory: MemoryArgs,
    /// Whether changes are made known in real time. Without it no event is
    /// written, nothing is relayed and Redis is not needed: clients poll
    #[arg(long, env = "PLAZA_REALTIME_ENABLED", default_value_t = true, action = clap::ArgAction::Set)]
    pub realtime_enabled: bool,
    /// Between two signs of life that tell clients they are live (ms); clients
    /// take 12 s of silence as not live
    #[arg(long, env = "PLAZA_PULSE_EVERY_MS", default_value_t = 5_000,
          value_parser = clap::value_parser!(u64).range(100..=10_000))]
    pub pulse_every_ms: u64,
    /// Where the event streams are; not needed with real time off.
    #[command(flatten)]
    pub redis: RedisArgs,
    /// Bounds of the relay.
    #[command(flatten)]
    pub relay: RelayArgs,
}

impl MessagesArgs {
    pub(crate) fn database_url(&self) -> Result<SecretString, ConfigError> {
        secret(
            DATABASE_URL,
            self.messages_database_url.as_ref(),
            self.messages_database_url_file.as_ref(),
        )
    }
}
