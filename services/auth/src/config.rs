//! Configuration: what can be set, and its check before anything starts.

use std::{path::PathBuf, time::Duration};

use plaza_centrifugo::{Client, ClientArgs};
use plaza_kit::{
    config::{self, ConfigError, InternalSecretArgs, ListenArgs, OpsArgs, PoolArgs},
    token::ServiceTokens,
};
use secrecy::SecretString;

use crate::{
    domain::refresh_token::RefreshKey,
    guesses::GuessArgs,
    passwords::{PasswordCost, PasswordLimits, Passwords},
};

/// The database's URL.
pub(crate) const DATABASE_URL: &str = "PLAZA_AUTH_DATABASE_URL";
const COST: &str = "PLAZA_PASSWORD_MEMORY_KIB, _PASSES, _LANES";
const REFRESH_KEY: &str = "PLAZA_AUTH_REFRESH_KEY";

/// Who may open an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Registration {
    /// Everybody who reaches the service.
    Open,
    /// Nobody: accounts are made by an administrator.
    Closed,
}

/// Settings of auth.
#[derive(Debug, Clone, clap::Args)]
pub struct AuthArgs {
    #[command(flatten)]
    /// Its API.
    pub listen: ListenArgs<8081>,
    #[command(flatten)]
    /// Health and metrics.
    pub ops: OpsArgs<9081>,
    #[command(flatten)]
    /// The secret between services.
    pub internal_secret: InternalSecretArgs,
    #[command(flatten)]
    /// The database's pool.
    pub pool: PoolArgs,
    /// PostgreSQL URL of auth's own database
    #[arg(long, env = "PLAZA_AUTH_DATABASE_URL", hide_env_values = true)]
    pub auth_database_url: Option<SecretString>,
    /// File that holds it
    #[arg(long, env = "PLAZA_AUTH_DATABASE_URL_FILE")]
    pub auth_database_url_file: Option<PathBuf>,
    /// Key that refresh tokens are derived with, at least 32 bytes; another one ends all sessions
    #[arg(long, env = "PLAZA_AUTH_REFRESH_KEY", hide_env_values = true)]
    pub auth_refresh_key: Option<SecretString>,
    /// File that holds it
    #[arg(long, env = "PLAZA_AUTH_REFRESH_KEY_FILE")]
    pub auth_refresh_key_file: Option<PathBuf>,
    #[command(flatten)]
    /// Where connections are closed; not needed with real time off.
    pub centrifugo: ClientArgs,
    /// Whether there is real time. Without it there are no connections to close, and Centrifugo is not needed
    #[arg(long, env = "PLAZA_REALTIME_ENABLED", default_value_t = true, action = clap::ArgAction::Set)]
    pub realtime_enabled: bool,
    /// Who may open an account
    #[arg(long, env = "PLAZA_REGISTRATION", value_enum, default_value_t = Registration::Open)]
    pub registration: Registration,
    /// How long an access token is valid (s); below the 15 minutes that revocations are kept
    #[arg(long, env = "PLAZA_ACCESS_TOKEN_LIFETIME_S", default_value_t = 600,
          value_parser = clap::value_parser!(u32).range(10..=840))]
    pub access_token_lifetime_s: u32,
    /// How long a session lives without being used (s)
    #[arg(long, env = "PLAZA_REFRESH_TOKEN_LIFETIME_S", default_value_t = 30 * 86_400,
          value_parser = clap::value_parser!(u32).range(60..=31_622_400))]
    pub refresh_token_lifetime_s: u32,
    /// How long a token can be used that opens a connection to Centrifugo or one of its channels (s)
    #[arg(long, env = "PLAZA_CONNECTION_TOKEN_LIFETIME_S", default_value_t = 6,
          value_parser = clap::value_parser!(u32).range(1..=60))]
    pub connection_token_lifetime_s: u32,
    /// How long a connection to Centrifugo, and a channel that a token opened, may live before it needs another token (s); spread by a fifth either way
    #[arg(long, env = "PLAZA_CONNECTION_LIFETIME_S", default_value_t = 3_600,
          value_parser = clap::value_parser!(u32).range(60..=86_400))]
    pub connection_lifetime_s: u32,
    #[command(flatten)]
    /// What a password hash costs.
    pub passwords: PasswordArgs,
    #[command(flatten)]
    /// How guessing passwords is throttled.
    pub guesses: GuessArgs,
}

/// What a password hash costs, and how many are made at once.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct PasswordArgs {
    /// Memory of one password hash (KiB)
    #[arg(long, env = "PLAZA_PASSWORD_MEMORY_KIB", default_value_t = 19_456)]
    pub password_memory_kib: u32,
    /// Passes of one password hash
    #[arg(long, env = "PLAZA_PASSWORD_PASSES", default_value_t = 2)]
    pub password_passes: u32,
    /// Lanes of one password hash
    #[arg(long, env = "PLAZA_PASSWORD_LANES", default_value_t = 1)]
    pub password_lanes: u32,
    /// How many passwords are hashed at once, each on a thread of its own
    #[arg(long, env = "PLAZA_PASSWORD_THREADS", default_value_t = 2,
          value_parser = clap::value_parser!(u16).range(1..=64))]
    pub password_threads: u16,
    /// How many more wait for a thread before RATE_LIMITED is answered
    #[arg(long, env = "PLAZA_PASSWORD_QUEUE", default_value_t = 64,
          value_parser = clap::value_parser!(u16).range(0..=4_096))]
    pub password_queue: u16,
}

impl PasswordArgs {
    /// Hashes as configured.
    pub fn passwords(&self) -> Result<Passwords, ConfigError> {
        Passwords::new(self.cost()?, self.limits()).map_err(|error| ConfigError::Invalid {
            name: COST,
            why: error.to_string(),
        })
    }

    pub(crate) fn cost(&self) -> Result<PasswordCost, ConfigError> {
        PasswordCost::new(
            self.password_memory_kib,
            self.password_passes,
            self.password_lanes,
        )
        .map_err(|error| ConfigError::Invalid {
            name: COST,
            why: error.to_string(),
        })
    }

    fn limits(&self) -> PasswordLimits {
        PasswordLimits {
            threads: self.password_threads.into(),
            queue: self.password_queue.into(),
        }
    }
}

/// Lifetimes and rules that requests are answered by.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Who may open an account.
    pub registration: Registration,
    /// Of an access token.
    pub access_lifetime: Duration,
    /// Of a session that is not used.
    pub session_lifetime: Duration,
    /// During which a token that opens a connection or a channel can be used.
    pub connection_token_lifetime: Duration,
    /// Of a connection, and of a channel that a token opened, before the spread.
    pub connection_lifetime: Duration,
}

impl Policy {
    pub(crate) fn from_args(args: &AuthArgs) -> Self {
        let seconds = |s: u32| Duration::from_secs(s.into());
        Self {
            registration: args.registration,
            access_lifetime: seconds(args.access_token_lifetime_s),
            session_lifetime: seconds(args.refresh_token_lifetime_s),
            connection_token_lifetime: seconds(args.connection_token_lifetime_s),
            connection_lifetime: seconds(args.connection_lifetime_s),
        }
    }
}

impl AuthArgs {
    pub(crate) fn database_url(&self) -> Result<SecretString, ConfigError> {
        config::secret(
            DATABASE_URL,
            self.auth_database_url.as_ref(),
            self.auth_database_url_file.as_ref(),
        )
    }

    pub(crate) fn refresh_key(&self) -> Result<RefreshKey, ConfigError> {
        let secret = config::secret(
            REFRESH_KEY,
            self.auth_refresh_key.as_ref(),
            self.auth_refresh_key_file.as_ref(),
        )?;
        RefreshKey::new(&secret).map_err(|error| ConfigError::Invalid {
            name: REFRESH_KEY,
            why: error.to_string(),
        })
    }

    /// Of Centrifugo; none with real time off.
    pub(crate) fn centrifugo(&self) -> Result<Option<Client>, ConfigError> {
        self.realtime_enabled
            .then(|| self.centrifugo.client())
            .transpose()
    }

    pub(crate) fn service_tokens(&self) -> Result<ServiceTokens, ConfigError> {
        ServiceTokens::from_args("auth", &self.internal_secret)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: AuthArgs,
    }

    fn parse(line: &[&str]) -> AuthArgs {
        Line::try_parse_from(std::iter::once("auth").chain(line.iter().copied()))
            .unwrap()
            .args
    }

    #[test]
    fn secrets_are_not_shown() {
        let args = parse(&[
            "--auth-refresh-key",
            "hush-hush",
            "--auth-database-url",
            "postgres://plaza:hush-hush@127.0.0.1/plaza",
            "--internal-secret",
            "hush-hush",
        ]);
        assert!(!format!("{args:?}").contains("hush-hush"));
    }

    #[test]
    fn an_access_token_never_outlives_the_revocations() {
        let line = ["auth", "--access-token-lifetime-s", "900"];
        assert!(Line::try_parse_from(line).is_err());
    }

    #[test]
    fn a_short_refresh_key_is_refused_with_what_would_be_right() {
        let error = parse(&["--auth-refresh-key", "short"])
            .refresh_key()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(REFRESH_KEY) && error.contains("32"),
            "{error}"
        );
    }

    #[test]
    fn impossible_hashing_costs_are_refused() {
        assert!(parse(&[]).passwords.cost().is_ok());
        assert!(
            parse(&["--password-memory-kib", "1"])
                .passwords
                .cost()
                .is_err()
        );
        assert!(parse(&["--password-passes", "0"]).passwords.cost().is_err());
    }
}
