//! What the publisher has to know of an event; the rest is passed through
//! unread. Pure: no I/O.

use chrono::{DateTime, Utc};
use plaza_events::{Kind, LeaveReason, stream::Entry};
use plaza_types::{Epoch, Role, RoomId, UserId, Version};
use serde::Deserialize;

/// Where an event belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Incoming {
    /// To the room's readers.
    Room {
        /// The room.
        room: RoomId,
        /// The version of the room's change, where rooms made it.
        version: Option<Version>,
    },
    /// Of a room, and replaced by another event: nobody is told.
    Passed {
        /// The room.
        room: RoomId,
        /// The version of the room's change, where rooms made it.
        version: Option<Version>,
    },
    /// A change of who the readers are.
    Member(MemberChange),
    /// To one person alone.
    Person(UserId),
    /// To everybody.
    Pulse,
    /// A sign of life that comes too late to be one.
    Late,
    /// Of a type that this release does not know.
    Unknown,
}

/// A member's state after a change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct MemberChange {
    pub(super) room: RoomId,
    pub(super) epoch: Epoch,
    pub(super) time: DateTime<Utc>,
    pub(super) version: Version,
    pub(super) user: Who,
    /// None: no longer a member.
    pub(super) role: Option<Role>,
    /// Why, when no longer a member.
    pub(super) reason: Option<LeaveReason>,
    /// Whether the room's other readers are told, too.
    #[serde(skip, default = "yes")]
    pub(super) to_others: bool,
}

const fn yes() -> bool {
    true
}

/// Of a person, the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Who {
    pub(super) id: UserId,
}

/// Why an event has no place.
#[derive(Debug, thiserror::Error)]
pub(super) enum Malformed {
    /// It lacks what every event of its type has.
    #[error("the event is not one of its type")]
    Event(#[from] serde_json::Error),
    /// It is for one person, and its key names none.
    #[error("the key is not the id of a user")]
    Key,
}

impl Incoming {
    /// Reads as much of an event as its way depends on.
    pub(super) fn parse(entry: &Entry) -> Result<Self, Malformed> {
        #[derive(Deserialize)]
        struct Head {
            r#type: Kind,
        }
        #[derive(Deserialize)]
        struct OfRoom {
            room: RoomId,
            version: Option<Version>,
        }
        let event = entry.event.get();
        Ok(match serde_json::from_str::<Head>(event)?.r#type {
            Kind::MessageCreated
            | Kind::MessageEdited
            | Kind::MessageDeleted
            | Kind::Head
            | Kind::RoomUpdated => {
                let OfRoom { room, version } = serde_json::from_str(event)?;
                Self::Room { room, version }
            }
            Kind::MemberUpdated => Self::Member(serde_json::from_str(event)?),
            // `left` comes from rooms only when Redis may have forgotten it.
            Kind::Read | Kind::Left => Self::Person(entry.key.parse().map_err(|_| Malformed::Key)?),
            Kind::Tick => Self::Pulse,
            // The publisher makes `joined` itself.
            Kind::Joined | Kind::Fanout | Kind::Unknown => Self::Unknown,
        })
    }

    /// The room whose readers it goes to.
    pub(super) fn room(&self) -> Option<RoomId> {
        match self {
            Self::Room { room, .. } => Some(*room),
            Self::Member(change) => Some(change.room),
            Self::Passed { .. } | Self::Person(_) | Self::Pulse | Self::Late | Self::Unknown => {
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plaza_events::{Source, stream::EntryId};
    use serde_json::{json, value::to_raw_value};

    fn parse(key: &str, event: &serde_json::Value) -> Result<Incoming, Malformed> {
        Incoming::parse(&Entry {
            id: EntryId::ZERO,
            source: Source::Messages,
            key: key.to_owned(),
            event: to_raw_value(event).unwrap(),
            traceparent: None,
            at_ms: 0,
        })
    }

    #[test]
    fn events_of_a_room_go_to_the_room() {
        let room = RoomId::new();
        let created = parse(
            "",
            &json!({ "type": "message.created", "room": room, "seq": 4 }),
        );
        let expected = Incoming::Room {
            room,
            version: None,
        };
        assert_eq!(created.unwrap(), expected);
        let updated = parse(
            "",
            &json!({ "type": "room.updated", "room": room, "version": 4 }),
        );
        let version = Version::try_from(4).ok();
        assert_eq!(updated.unwrap(), Incoming::Room { room, version });
    }

    #[test]
    fn a_read_mark_goes_to_the_person_of_its_key() {
        let user = UserId::new();
        let read = json!({ "type": "read", "number": 4 });
        assert_eq!(
            parse(&user.to_string(), &read).unwrap(),
            Incoming::Person(user)
        );
        assert!(matches!(parse("somebody", &read), Err(Malformed::Key)));
    }

    #[test]
    fn a_type_of_a_newer_release_is_no_error() {
        let event = json!({ "type": "room.painted", "room": 7, "version": "two" });
        assert_eq!(parse("", &event).unwrap(), Incoming::Unknown);
        assert!(parse("", &json!({ "type": 4 })).is_err());
        assert!(parse("", &json!({ "type": "message.created" })).is_err());
    }
}
