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
    /// The second process of auth
    #[value(name = "auth-2")]
    #[serde(rename = "auth-2")]
    Auth2,
    /// The Centrifugo server
    Centrifugo,
    /// The second node of Centrifugo
    #[value(name = "centrifugo-2")]
    #[serde(rename = "centrifugo-2")]
    Centrifugo2,
    /// Rooms and members
    Rooms,
    /// The second process of rooms
    #[value(name = "rooms-2")]
    #[serde(rename = "rooms-2")]
    Rooms2,
    /// Messages
    Messages,
    /// The second process of messages
    #[value(name = "messages-2")]
    #[serde(rename = "messages-2")]
    Messages2,
    /// The messages-publisher
    Publisher,
    /// The second messages-publisher
    #[value(name = "publisher-2")]
    #[serde(rename = "publisher-2")]
    Publisher2,
    /// The GraphQL API and the web app
    Gateway,
    /// The second process of the gateway
    #[value(name = "gateway-2")]
    #[serde(rename = "gateway-2")]
    Gateway2,
    /// All of Plaza's own in one process
    Standalone,
}

impl PartName {
    /// Whether it is one of Plaza's own processes.
    pub(crate) fn is_own(self) -> bool {
        !matches!(
            self.first(),
            Self::Postgres | Self::Redis | Self::Centrifugo
        )
    }

    /// What it is the second process of, or itself.
    pub(crate) fn first(self) -> Self {
        match self {
            Self::Auth2 => Self::Auth,
            Self::Centrifugo2 => Self::Centrifugo,
            Self::Rooms2 => Self::Rooms,
            Self::Messages2 => Self::Messages,
            Self::Publisher2 => Self::Publisher,
            Self::Gateway2 => Self::Gateway,
            first => first,
        }
    }

    /// Its second process; `None` of what has one process only.
    pub(crate) fn second(self) -> Option<Self> {
        let variants = <Self as clap::ValueEnum>::value_variants();
        let mut others = variants.iter().copied();
        others.find(|other| *other != self && other.first() == self)
    }

    /// Whether it is a second process.
    pub(crate) fn is_second(self) -> bool {
        self.first() != self
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Auth => "auth",
            Self::Auth2 => "auth-2",
            Self::Centrifugo => "centrifugo",
            Self::Centrifugo2 => "centrifugo-2",
            Self::Rooms => "rooms",
            Self::Rooms2 => "rooms-2",
            Self::Messages => "messages",
            Self::Messages2 => "messages-2",
            Self::Publisher => "publisher",
            Self::Publisher2 => "publisher-2",
            Self::Gateway => "gateway",
            Self::Gateway2 => "gateway-2",
            Self::Standalone => "standalone",
        }
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn a_part_has_one_name_everywhere() {
        for name in PartName::value_variants() {
            assert_eq!(serde_json::json!(name), name.as_str());
            let value = name.to_possible_value().unwrap();
            assert_eq!(value.get_name(), name.as_str());
        }
    }

    #[test]
    fn a_second_process_starts_right_after_its_first() {
        assert_eq!(PartName::Auth.second(), Some(PartName::Auth2));
        assert_eq!(PartName::Postgres.second(), None);
        for name in PartName::value_variants() {
            if let Some(second) = name.second() {
                assert!(second.is_second() && second.second().is_none());
                assert_eq!(second.as_str(), format!("{name}-2"));
                assert_eq!(second.is_own(), name.is_own());
                assert!(*name < second);
            }
        }
    }
}
