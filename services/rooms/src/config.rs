use std::path::PathBuf;

use plaza_centrifugo::{Client, ClientArgs};
use plaza_clients::PeersArgs;
use plaza_events::relay::RelayArgs;
use plaza_kit::{
    config::{ConfigError, InternalSecretArgs, ListenArgs, OpsArgs, PoolArgs, secret},
    redis::RedisArgs,
};
use secrecy::SecretString;

use crate::{
    api::{PROXY_SECRET, ProxySecret},
    channels::ChannelArgs,
};

/// The environment variable of the database's URL.
pub(crate) const DATABASE_URL: &str = "PLAZA_ROOMS_DATABASE_URL";

/// Configuration of rooms.
#[derive(Debug, Clone, clap::Args)]
pub struct RoomsArgs {
    /// The API.
    #[command(flatten)]
    pub listen: ListenArgs<8082>,
    /// Health and metrics.
    #[command(flatten)]
    pub ops: OpsArgs<9082>,
    /// Calls between services.
    #[command(flatten)]
    pub internal: InternalSecretArgs,
    /// Where auth is.
    #[command(flatten)]
    pub peers: PeersArgs,
    /// URL of the rooms database, such as postgres://user:password@host:5432/plaza_rooms
    #[arg(long, env = "PLAZA_ROOMS_DATABASE_URL", hide_env_values = true)]
    pub rooms_database_url: Option<SecretString>,
    /// File that holds the URL
    #[arg(long, env = "PLAZA_ROOMS_DATABASE_URL_FILE")]
    pub rooms_database_url_file: Option<PathBuf>,
    /// Connections to the database.
    #[command(flatten)]
    pub pool: PoolArgs,
    /// Whether changes are pushed to browsers; without it Redis is not needed
    #[arg(long, env = "PLAZA_REALTIME_ENABLED", default_value_t = true,
          action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub realtime_enabled: bool,
    /// Redis of the event streams.
    #[command(flatten)]
    pub redis: RedisArgs,
    /// The relay of the outbox.
    #[command(flatten)]
    pub relay: RelayArgs,
    /// Centrifugo's server API; needed with real time on.
    #[command(flatten)]
    pub centrifugo: ClientArgs,
    /// What tells that Centrifugo asks about a channel, as its configuration has it; needed with real time on
    #[arg(long, env = "PLAZA_CENTRIFUGO_PROXY_SECRET", hide_env_values = true)]
    pub centrifugo_proxy_secret: Option<SecretString>,
    /// File that holds it
    #[arg(long, env = "PLAZA_CENTRIFUGO_PROXY_SECRET_FILE")]
    pub centrifugo_proxy_secret_file: Option<PathBuf>,
    /// Answers about channels.
    #[command(flatten)]
    pub channels: ChannelArgs,
    /// Members from which on a room's events travel by a channel of its own; no longer at half of it
    #[arg(long, env = "PLAZA_ROOMS_FANOUT_THRESHOLD", default_value_t = 50,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rooms_fanout_threshold: u32,
    /// Most rooms that one user may be a member of
    #[arg(long, env = "PLAZA_ROOMS_MAX_ROOMS_PER_USER", default_value_t = 1_000,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rooms_max_rooms_per_user: u32,
    /// Most invitations of one room that can be used at a time
    #[arg(long, env = "PLAZA_ROOMS_MAX_INVITATIONS_PER_ROOM", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rooms_max_invitations_per_room: u32,
}

impl RoomsArgs {
    /// The URL of the database.
    pub(crate) fn database_url(&self) -> Result<SecretString, ConfigError> {
        secret(
            DATABASE_URL,
            self.rooms_database_url.as_ref(),
            self.rooms_database_url_file.as_ref(),
        )
    }

    /// Centrifugo; none with real time off.
    pub(crate) fn centrifugo(&self) -> Result<Option<Client>, ConfigError> {
        self.realtime_enabled
            .then(|| self.centrifugo.client())
            .transpose()
    }

    /// What Centrifugo shows when it asks; none with real time off.
    pub(crate) fn proxy_secret(&self) -> Result<Option<ProxySecret>, ConfigError> {
        if !self.realtime_enabled {
            return Ok(None);
        }
        let secret = secret(
            PROXY_SECRET,
            self.centrifugo_proxy_secret.as_ref(),
            self.centrifugo_proxy_secret_file.as_ref(),
        )?;
        ProxySecret::new(secret).map(Some)
    }
}
