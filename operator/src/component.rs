//! The parts of a chat, by the names that their objects have.

use std::fmt;

/// One part.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Component {
    /// The GraphQL API and the web app.
    Gateway,
    /// Accounts.
    Auth,
    /// Rooms.
    Rooms,
    /// Messages.
    Messages,
    /// The messages-publisher.
    Publisher,
    /// Centrifugo.
    Centrifugo,
    /// A managed PostgreSQL.
    Postgres,
    /// A managed Redis.
    Redis,
    /// The Job that migrates the databases.
    Migrate,
    /// The Jobs that back up a managed PostgreSQL.
    Backup,
    /// The Job that restores one.
    Restore,
    /// The Job that has the next signing key sign.
    RotateKeys,
}

impl Component {
    /// What serves people, in the order in which an upgrade goes through it:
    /// whoever is asked before whoever asks.
    pub const ROLLOUT: [Self; 6] = [
        Self::Auth,
        Self::Rooms,
        Self::Messages,
        Self::Publisher,
        Self::Centrifugo,
        Self::Gateway,
    ];

    /// The services with a database each.
    pub const WITH_DATABASE: [Self; 3] = [Self::Auth, Self::Rooms, Self::Messages];

    /// The value of the label `app.kubernetes.io/component`, and the end of
    /// objects' names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Auth => "auth",
            Self::Rooms => "rooms",
            Self::Messages => "messages",
            Self::Publisher => "publisher",
            Self::Centrifugo => "centrifugo",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Migrate => "migrate",
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::RotateKeys => "rotate-keys",
        }
    }

    /// The port that others reach it at, with its name.
    pub fn api_port(self) -> Option<(&'static str, i32)> {
        match self {
            Self::Gateway => Some(("http", 8080)),
            Self::Auth => Some(("http", 8081)),
            Self::Rooms => Some(("http", 8082)),
            Self::Messages => Some(("http", 8083)),
            Self::Centrifugo => Some(("client", 8000)),
            Self::Postgres => Some(("postgres", 5432)),
            Self::Redis => Some(("redis", 6379)),
            Self::Publisher | Self::Migrate | Self::Backup | Self::Restore | Self::RotateKeys => {
                None
            }
        }
    }

    /// The port of health and metrics, with its name. Centrifugo's server API
    /// is there too.
    pub fn ops_port(self) -> Option<(&'static str, i32)> {
        match self {
            Self::Gateway => Some(("ops", 9080)),
            Self::Auth => Some(("ops", 9081)),
            Self::Rooms => Some(("ops", 9082)),
            Self::Messages => Some(("ops", 9083)),
            Self::Publisher => Some(("ops", 9084)),
            Self::Centrifugo => Some(("internal", 9000)),
            Self::Postgres
            | Self::Redis
            | Self::Migrate
            | Self::Backup
            | Self::Restore
            | Self::RotateKeys => None,
        }
    }

    /// Name of an object of this part.
    pub fn of(self, chat: &str) -> String {
        format!("{chat}-{}", self.name())
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
