//! From events to drafts: what goes to which channels. Pure: no I/O.

mod crossing;
mod membership;
#[cfg(test)]
mod testing;

use chrono::{DateTime, Utc};
use plaza_centrifugo::Channel;
use plaza_events::stream::Entry;
use plaza_types::{FanoutMode, RoomId, UserId, Version};
use serde_json::value::RawValue;

use self::membership::{to_person, told};
use super::{
    heads::{Heads, Said},
    incoming::{FanoutChange, Incoming, MemberChange, Stands},
    publication::{Content, Draft, Origin, Recipients},
    rooms::{Applied, Known, Room, Rooms},
};

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Routed {
    /// Its publications were added.
    Added,
    /// The room's readers have to be asked for first; nothing was added.
    Ask(Question),
    /// There is nobody to tell.
    Skipped(Skipped),
}

/// What rooms has to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    /// About which room.
    pub(super) room: RoomId,
    /// For those who were members by then, though it is in room mode.
    pub(super) joined_by: Option<DateTime<Utc>>,
}

/// What rooms was just asked about the room of an event, so that what is known
/// is as good as it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Nothing,
    /// Who reads it now.
    Readers,
    /// That, and who was a member when it came to room mode.
    EarlyMembers,
}

impl From<RoomId> for Routed {
    /// About the readers of the room as they are now.
    fn from(room: RoomId) -> Self {
        Self::Ask(Question {
            room,
            joined_by: None,
        })
    }
}

/// What is known of the rooms of a partition.
#[derive(Debug)]
pub(super) struct State {
    /// Who reads them.
    pub(super) rooms: Rooms,
    /// What is to be said of those in room mode.
    pub(super) heads: Heads,
}

/// Why nobody is told of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skipped {
    /// A type that this release does not know.
    UnknownType,
    /// The room does not exist any more.
    NoRoom,
    /// Something newer stands for it.
    Old,
    /// A sign of life, while partitions are not published.
    NotLively,
}

/// An event with what is known of its room, and where its drafts go.
struct Routing<'a> {
    entry: &'a Entry,
    known: &'a mut Room,
    heads: &'a mut Heads,
    asked: Asked,
    out: Out<'a>,
}

/// Where the drafts of one event go.
struct Out<'a> {
    drafts: &'a mut Vec<Draft>,
    origin: Origin,
    divides: bool,
}

impl Out<'_> {
    fn add(&mut self, to: Recipients, what: Content) {
        self.drafts.push(Draft {
            to,
            what,
            of: self.origin.clone(),
            divides: self.divides,
        });
    }

    fn add_event(&mut self, to: Recipients, event: &RawValue) {
        self.add(to, Content::Event(event.to_owned()));
    }
}

/// Applies an event to the state of its room and adds what is to be published.
pub(super) fn route(
    incoming: &Incoming,
    entry: &Entry,
    place: usize,
    state: &mut State,
    asked: Asked,
    drafts: &mut Vec<Draft>,
) -> serde_json::Result<Routed> {
    let mut out = Out {
        drafts,
        origin: Origin {
            place,
            at_ms: entry.at_ms,
            traceparent: entry.traceparent.clone(),
        },
        // Who came or went is told before anything later, and so is the way.
        divides: matches!(incoming, Incoming::Member(_) | Incoming::Fanout(_)),
    };
    let room = match incoming {
        Incoming::Unknown => return Ok(Routed::Skipped(Skipped::UnknownType)),
        Incoming::Late => return Ok(Routed::Skipped(Skipped::Old)),
        Incoming::Pulse => {
            out.add_event(Recipients::One(Channel::Pulse), &entry.event);
            return Ok(Routed::Added);
        }
        Incoming::Person(user) => {
            out.add_event(one(*user), &entry.event);
            return Ok(Routed::Added);
        }
        Incoming::Passed { room, version } => {
            if let (Known::Room(known), Some(version)) = (state.rooms.get_mut(*room), version) {
                known.apply_version(*version);
            }
            return Ok(Routed::Skipped(Skipped::Old));
        }
        Incoming::Room { room, .. }
        | Incoming::Member(MemberChange { room, .. })
        | Incoming::Fanout(FanoutChange { room, .. }) => *room,
    };
    let known = match state.rooms.get_mut(room) {
        Known::Room(known) => known,
        Known::Nothing => return Ok(Routed::from(room)),
        Known::Gone => {
            state.heads.forget(room);
            if let Incoming::Member(change) = incoming
                && let Some(body) = told(change, None)
            {
                out.add_event(one(change.user.id), &to_person(change, body)?);
                return Ok(Routed::Added);
            }
            return Ok(Routed::Skipped(Skipped::NoRoom));
        }
    };
    let mut routing = Routing {
        entry,
        known,
        heads: &mut state.heads,
        asked,
        out,
    };
    match incoming {
        Incoming::Member(change) => routing.member(change),
        Incoming::Fanout(change) => {
            let routed = routing.fanout(change);
            if !routing.known.is_complete() {
                state.rooms.forget(room);
            }
            Ok(routed)
        }
        Incoming::Room {
            version, stands, ..
        } => Ok(routing.room(*version, *stands)),
        _ => Ok(Routed::Skipped(Skipped::UnknownType)),
    }
}

impl Routing<'_> {
    fn ask(&self) -> Routed {
        Routed::from(self.known.way().room)
    }

    /// To the readers of the room.
    fn room(&mut self, version: Option<Version>, stands: Stands) -> Routed {
        let applied = version.map(|version| self.known.apply_version(version));
        if applied == Some(Applied::Gap) && self.asked == Asked::Nothing {
            return self.ask();
        }
        self.known.count(stands.member_count);
        self.out.add_event(readers(self.known), &self.entry.event);
        self.note(Said {
            stands,
            version,
            compares: true,
        });
        Routed::Added
    }

    /// Where a room stands is said in room mode only.
    fn note(&mut self, said: Said) {
        let way = self.known.way();
        match way.mode {
            FanoutMode::Personal => self.heads.forget(way.room),
            FanoutMode::Room => self.heads.note(way, self.entry, said),
        }
    }
}

/// The channels that the readers of a room have.
fn readers(room: &Room) -> Recipients {
    let way = room.way();
    match way.mode {
        FanoutMode::Personal => Recipients::Many(room.members()),
        FanoutMode::Room => Recipients::One(way.channel()),
    }
}

fn one(user: UserId) -> Recipients {
    Recipients::One(Channel::Personal(user))
}

#[cfg(test)]
mod tests {
    use plaza_centrifugo::Channel;
    use plaza_types::{FanoutMode, UserId};
    use serde_json::json;

    use super::{
        Asked, Routed, Skipped,
        testing::{Fixture, channels, known, removals},
    };

    #[test]
    fn in_room_mode_events_go_to_the_channel_and_the_person_alone_is_told_of_the_membership() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[]);
        let way = fixture.set(FanoutMode::Room, 1, &[]);
        let message = json!({ "type": "message.created", "room": fixture.room, "seq": 1 });
        let (_, out) = fixture.route(Asked::Nothing, &message);
        assert_eq!(out, [(vec![way.channel()], message)]);

        let join = fixture.member(2, ada, Some("member"));
        let (_, out) = fixture.route(Asked::Nothing, &join);
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].0, channels(&[ada]));
        assert_eq!(
            (&out[0].1["type"], &out[0].1["mode"]),
            (&json!("joined"), &json!("room"))
        );

        let leave = fixture.member(3, bob, None);
        let (_, out) = fixture.route(Asked::Nothing, &leave);
        assert_eq!(removals(&out), [(way.channel(), bob), (way.head(), bob)]);
        assert_eq!(out[2].0, channels(&[bob]));
        assert_eq!(out.len(), 3);
    }

    #[test]
    fn over_a_gap_rooms_are_asked_once() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[ada]);
        let join = fixture.member(4, bob, Some("member"));
        let ask = Routed::from(fixture.room);
        assert_eq!(fixture.route(Asked::Nothing, &join), (ask, vec![]));
        let renamed = json!({ "type": "room.updated", "room": fixture.room, "version": 3 });
        assert_eq!(fixture.route(Asked::Nothing, &renamed), (ask, vec![]));
        assert_eq!(fixture.route(Asked::Readers, &renamed).0, Routed::Added);
        let answer = known(fixture.room, 4, &[ada, bob]);
        fixture.state.rooms.insert(fixture.room, Some(answer));
        assert_eq!(fixture.route(Asked::Readers, &join).1.len(), 2);
    }

    #[test]
    fn an_unknown_room_is_asked_for_and_a_lost_one_has_nobody_to_tell() {
        let mut fixture = Fixture::new(1, &[]);
        let message = json!({ "type": "message.created", "room": fixture.room });
        fixture.state.rooms.clear();
        assert_eq!(
            fixture.route(Asked::Nothing, &message).0,
            Routed::from(fixture.room)
        );
        fixture.state.rooms.insert(fixture.room, None);
        let nobody = Routed::Skipped(Skipped::NoRoom);
        assert_eq!(fixture.route(Asked::Readers, &message), (nobody, vec![]));
        let leave = fixture.member(9, UserId::new(), None);
        assert_eq!(fixture.route(Asked::Readers, &leave).1[0].1["type"], "left");
    }

    #[test]
    fn the_sign_of_life_goes_to_everybody_and_new_types_to_nobody() {
        let mut fixture = Fixture::new(1, &[]);
        let (_, out) = fixture.route(Asked::Nothing, &json!({ "type": "tick" }));
        assert_eq!(out[0].0, [Channel::Pulse]);
        let (routed, out) = fixture.route(Asked::Nothing, &json!({ "type": "room.painted" }));
        assert_eq!(routed, Routed::Skipped(Skipped::UnknownType));
        assert!(out.is_empty());
    }
}
