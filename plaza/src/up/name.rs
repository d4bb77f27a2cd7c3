//! The parts of a local Plaza by name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A part of a local Plaza that can be started and stopped by itself. In the
/// order in which they start; they stop in the reverse.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    clap::ValueEnum,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PartName {
    /// The PostgreSQL server
    Postgres,
    /// The Redis server
    Redis,
    /// Accounts and tokens
    Auth,
    /// The Centrifugo server
    Centrifugo,
    /// Rooms and members
    Rooms,
    /// Messages
    Messages,
    /// The messages-publisher
    Publisher,
    /// The GraphQL API and the web app
    Gateway,
    /// All of Plaza's own in one process
    Standalone,
}

impl PartName {
    /// Whether it is one of Plaza's own processes.
    pub(crate) fn is_own(self) -> bool {
        !matches!(self, Self::Postgres | Self::Redis | Self::Centrifugo)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Auth => "auth",
            Self::Centrifugo => "centrifugo",
            Self::Rooms => "rooms",
            Self::Messages => "messages",
            Self::Publisher => "publisher",
            Self::Gateway => "gateway",
            Self::Standalone => "standalone",
        }
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
