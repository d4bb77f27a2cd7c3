//! The names of channels.

use std::fmt;

use plaza_types::UserId;
use serde::{Serialize, Serializer};

/// Namespace of the channels that one person's connections get.
pub const PERSONAL: &str = "personal";
/// Namespace of the sign of life.
pub const PULSE: &str = "pulse";

/// A channel that Plaza publishes to; its text form is Centrifugo's name of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// `personal:<user>`: what concerns one person, in every tab and on every device.
    Personal(UserId),
    /// `pulse:all`: the tick that says that the whole path works.
    Pulse,
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Personal(user) => write!(f, "{PERSONAL}:{user}"),
            Self::Pulse => write!(f, "{PULSE}:all"),
        }
    }
}

impl Serialize for Channel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_tokens_open() {
        let user = UserId::new();
        assert_eq!(
            Channel::Personal(user).to_string(),
            format!("personal:{user}")
        );
        assert_eq!(Channel::Pulse.to_string(), "pulse:all");
    }
}
