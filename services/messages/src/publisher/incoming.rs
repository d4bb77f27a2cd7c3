//! What the publisher has to know of an event; the rest is passed through
//! unread. Pure: no I/O.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use plaza_events::{Kind, LeaveReason, stream::Entry};
use plaza_types::{
    Epoch, FanoutMode, Generation, Number, Role, RoomId, Seq, UserId, Version, Visibility,
};
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
        /// What it says about where the room stands.
        stands: Stands,
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
    /// A change of the channels that they read.
    Fanout(FanoutChange),
    /// To one person alone.
    Person(UserId),
    /// To everybody.
    Pulse,
    /// A sign of life that comes too late to be one.
    Late,
    /// Of a type that this release does not know.
    Unknown,
}

/// What an event says about where its room stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stands {
    /// The newest change of its messages.
    pub(super) seq: Option<Seq>,
    /// The message that it is about, or the newest one.
    pub(super) number: Option<Number>,
    /// Whether it has that message's state.
    pub(super) has_message: bool,
    /// How many members the room has.
    pub(super) member_count: Option<i64>,
}

/// The way of a room's events from a version on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct FanoutChange {
    pub(super) room: RoomId,
    pub(super) time: DateTime<Utc>,
    pub(super) version: Version,
    pub(super) mode: FanoutMode,
    pub(super) visibility: Visibility,
    pub(super) generation: Generation,
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
    /// How many members the room has now.
    #[serde(rename = "memberCount")]
    pub(super) member_count: Option<i64>,
    /// Whether the room's other readers are told, too.
    #[serde(skip, default = "yes")]
    pub(super) to_others: bool,
    /// Whether this person came back later in what was read together.
    #[serde(skip)]
    pub(super) came_back: bool,
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
        let event = entry.event.get();
        let kind = serde_json::from_str::<Head>(event)?.r#type;
        Ok(match kind {
            Kind::MessageCreated
            | Kind::MessageEdited
            | Kind::MessageDeleted
            | Kind::Head
            | Kind::RoomUpdated => serde_json::from_str::<OfRoom>(event)?.into_one_of(kind),
            Kind::Fanout => Self::Fanout(serde_json::from_str(event)?),
            Kind::MemberUpdated => Self::Member(serde_json::from_str(event)?),
            // `left` comes from rooms only when Redis may have forgotten it.
            Kind::Read | Kind::Left => Self::Person(entry.key.parse().map_err(|_| Malformed::Key)?),
            Kind::Tick => Self::Pulse,
            // The publisher makes `joined` itself.
            Kind::Joined | Kind::Unknown => Self::Unknown,
        })
    }

    /// The room whose readers it goes to.
    pub(super) fn room(&self) -> Option<RoomId> {
        match self {
            Self::Room { room, .. } => Some(*room),
            Self::Member(change) => Some(change.room),
            Self::Fanout(change) => Some(change.room),
            Self::Passed { .. } | Self::Person(_) | Self::Pulse | Self::Late | Self::Unknown => {
                None
            }
        }
    }
}

/// Marks the departures of those who are members again behind all that was
/// read together.
pub(super) fn mark_who_came_back(entries: &mut [(Entry, Incoming)]) {
    let mut members: HashMap<(RoomId, UserId), bool> = HashMap::new();
    for (_, incoming) in entries.iter_mut().rev() {
        if let Incoming::Member(change) = incoming {
            let at_the_end = members.entry((change.room, change.user.id));
            change.came_back = *at_the_end.or_insert(change.role.is_some());
        }
    }
}

/// What is read of an event that goes to a room.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfRoom {
    room: RoomId,
    version: Option<Version>,
    seq: Option<Seq>,
    message: Option<Numbered>,
    head_seq: Option<Seq>,
    number: Option<Number>,
    member_count: Option<i64>,
}

#[derive(Deserialize)]
struct Numbered {
    number: Option<Number>,
}

impl OfRoom {
    fn into_one_of(self, kind: Kind) -> Incoming {
        let is_head = kind == Kind::Head;
        let of_message = self.message.as_ref().and_then(|message| message.number);
        Incoming::Room {
            room: self.room,
            // That of a head is no change of its own.
            version: self.version.filter(|_| !is_head),
            stands: Stands {
                seq: if is_head { self.head_seq } else { self.seq },
                number: if is_head { self.number } else { of_message },
                has_message: self.message.is_some(),
                member_count: self.member_count,
            },
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
            stands: Stands {
                seq: Seq::try_from(4).ok(),
                ..Stands::default()
            },
        };
        assert_eq!(created.unwrap(), expected);
        let updated = parse(
            "",
            &json!({ "type": "room.updated", "room": room, "version": 4 }),
        );
        let version = Version::try_from(4).ok();
        let stands = Stands::default();
        let expected = Incoming::Room {
            room,
            version,
            stands,
        };
        assert_eq!(updated.unwrap(), expected);
    }

    #[test]
    fn the_version_of_a_head_is_no_change() {
        let head = json!({ "type": "head", "room": RoomId::new(), "headSeq": 4, "number": 3,
            "version": 9, "memberCount": 2 });
        let Incoming::Room {
            version, stands, ..
        } = parse("", &head).unwrap()
        else {
            panic!("a head goes to the room");
        };
        assert_eq!(version, None);
        assert_eq!(stands.seq, Seq::try_from(4).ok());
        assert_eq!(stands.number, Number::try_from(3).ok());
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
