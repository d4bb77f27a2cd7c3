//! The names of channels.

use std::{fmt, str::FromStr};

use plaza_types::{Generation, RoomId, UserId, Visibility};
use serde::{Serialize, Serializer};

/// Namespace of the channels that one person's connections get.
pub(crate) const PERSONAL: &str = "personal";
/// Namespace of the sign of life.
pub(crate) const PULSE: &str = "pulse";
/// Namespace of the events of large public rooms.
pub(crate) const ROOM: &str = "room";
/// Namespace of where large public rooms stand.
pub(crate) const HEAD: &str = "head";
/// Namespace of the events of large private rooms.
pub(crate) const PRIVATE: &str = "private";
/// Namespace of where large private rooms stand.
pub(crate) const PRIVATE_HEAD: &str = "privatehead";
/// Namespace of what is said of open rooms and kept nowhere.
pub(crate) const LIVE: &str = "live";

/// A channel of Plaza; its text form is Centrifugo's name of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// `personal:<user>`: what concerns one person, in every tab and on every device.
    Personal(UserId),
    /// `pulse:all`: the tick that says that the whole path works.
    Pulse,
    /// `room:<room>.<generation>`: the events of a public room in room mode.
    Room(RoomId, Generation),
    /// `head:<room>.<generation>`: where such a room stands, for lists.
    Head(RoomId, Generation),
    /// `private:<room>.<generation>`: the events of a private room in room mode.
    Private(RoomId, Generation),
    /// `privatehead:<room>.<generation>`: where such a room stands, for lists.
    PrivateHead(RoomId, Generation),
    /// `live:<room>.<generation>`: who is here and who types, in both modes.
    Live(RoomId, Generation),
}

impl Channel {
    /// The channel of a room's events in room mode.
    pub const fn of_room(visibility: Visibility, room: RoomId, generation: Generation) -> Self {
        match visibility {
            Visibility::Public => Self::Room(room, generation),
            Visibility::Private => Self::Private(room, generation),
        }
    }

    /// The channel that says where a room in room mode stands.
    pub const fn head_of(visibility: Visibility, room: RoomId, generation: Generation) -> Self {
        match visibility {
            Visibility::Public => Self::Head(room, generation),
            Visibility::Private => Self::PrivateHead(room, generation),
        }
    }

    /// Every channel that somebody may be subscribed to because of a room, in
    /// whichever mode.
    pub const fn all_of(visibility: Visibility, room: RoomId, generation: Generation) -> [Self; 3] {
        [
            Self::Live(room, generation),
            Self::of_room(visibility, room, generation),
            Self::head_of(visibility, room, generation),
        ]
    }

    /// The room and the generation in its name.
    pub const fn room(self) -> Option<(RoomId, Generation)> {
        match self {
            Self::Personal(_) | Self::Pulse => None,
            Self::Room(room, generation)
            | Self::Head(room, generation)
            | Self::Private(room, generation)
            | Self::PrivateHead(room, generation)
            | Self::Live(room, generation) => Some((room, generation)),
        }
    }

    /// Whether a subscription token may open it; others open by the proxy or
    /// with the connection.
    pub const fn opens_by_token(self) -> bool {
        matches!(self, Self::Room(..) | Self::Head(..))
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (namespace, (room, generation)) = match self {
            Self::Personal(user) => return write!(f, "{PERSONAL}:{user}"),
            Self::Pulse => return write!(f, "{PULSE}:all"),
            Self::Room(room, generation) => (ROOM, (room, generation)),
            Self::Head(room, generation) => (HEAD, (room, generation)),
            Self::Private(room, generation) => (PRIVATE, (room, generation)),
            Self::PrivateHead(room, generation) => (PRIVATE_HEAD, (room, generation)),
            Self::Live(room, generation) => (LIVE, (room, generation)),
        };
        write!(f, "{namespace}:{room}.{generation}")
    }
}

/// A text that is not the name of a channel, to the letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such channel")]
pub struct NoChannel;

impl FromStr for Channel {
    type Err = NoChannel;

    fn from_str(text: &str) -> Result<Self, NoChannel> {
        let (namespace, name) = text.split_once(':').ok_or(NoChannel)?;
        let of_room = || {
            let (room, generation) = name.split_once('.').ok_or(NoChannel)?;
            let generation: i64 = generation.parse().map_err(|_| NoChannel)?;
            Ok((
                room.parse().map_err(|_| NoChannel)?,
                Generation::try_from(generation).map_err(|_| NoChannel)?,
            ))
        };
        let made = match namespace {
            PERSONAL => Self::Personal(name.parse().map_err(|_| NoChannel)?),
            PULSE => Self::Pulse,
            ROOM => of_room().map(|(room, generation)| Self::Room(room, generation))?,
            HEAD => of_room().map(|(room, generation)| Self::Head(room, generation))?,
            PRIVATE => of_room().map(|(room, generation)| Self::Private(room, generation))?,
            PRIVATE_HEAD => {
                of_room().map(|(room, generation)| Self::PrivateHead(room, generation))?
            }
            LIVE => of_room().map(|(room, generation)| Self::Live(room, generation))?,
            _ => return Err(NoChannel),
        };
        // One channel has one name: ids and numbers have several spellings.
        if made.to_string() == text {
            Ok(made)
        } else {
            Err(NoChannel)
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

    fn first() -> Generation {
        Generation::ZERO.next()
    }

    #[test]
    fn names_are_those_that_tokens_open() {
        let (user, room) = (UserId::new(), RoomId::new());
        for (channel, name) in [
            (Channel::Personal(user), format!("personal:{user}")),
            (Channel::Pulse, "pulse:all".into()),
            (Channel::Room(room, first()), format!("room:{room}.1")),
            (Channel::Head(room, first()), format!("head:{room}.1")),
            (Channel::Private(room, first()), format!("private:{room}.1")),
            (
                Channel::PrivateHead(room, first()),
                format!("privatehead:{room}.1"),
            ),
            (Channel::Live(room, first()), format!("live:{room}.1")),
        ] {
            assert_eq!(channel.to_string(), name);
            assert_eq!(name.parse(), Ok(channel));
        }
    }

    #[test]
    fn another_spelling_names_no_channel() {
        let room = RoomId::new();
        let shouted = format!("room:{}.1", room.to_string().to_uppercase());
        for name in [
            "",
            "room",
            "room:",
            "pulse:other",
            &format!("room:{room}"),
            &format!("room:{room}.01"),
            &format!("room:{room}.+1"),
            &format!("room:{room}.-1"),
            &format!("room:{room}.1 "),
            &format!("rooms:{room}.1"),
            &format!("$room:{room}.1"),
            &shouted,
        ] {
            assert_eq!(name.parse::<Channel>(), Err(NoChannel), "{name}");
        }
    }

    #[test]
    fn tokens_open_the_channels_of_public_rooms_alone() {
        let room = RoomId::new();
        let public = Channel::of_room(Visibility::Public, room, first());
        let private = Channel::of_room(Visibility::Private, room, first());
        assert!(public.opens_by_token() && !private.opens_by_token());
        assert!(!Channel::Live(room, first()).opens_by_token());
        assert!(!Channel::Personal(UserId::new()).opens_by_token());
    }
}
