//! From events to publications: what goes to which channels. Pure: no I/O.

use std::{slice, sync::Arc};

use plaza_centrifugo::Channel;
use plaza_events::{Body, Event, LeaveReason, stream::Entry};
use plaza_types::{RoomId, UserId};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    incoming::{Incoming, MemberChange},
    rooms::{Applied, Known, Room, Rooms},
};

/// What is published to some channels.
#[derive(Debug, Clone)]
pub(super) struct Publication {
    /// Each channel once.
    pub(super) to: Recipients,
    /// `{"v":1,"events":[…]}`.
    pub(super) data: Box<RawValue>,
    /// The events that it carries; none for one that only reveals gaps.
    pub(super) of: Vec<Origin>,
}

/// One event and where it goes, before it is folded with others.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// Each channel once.
    pub(super) to: Recipients,
    /// As browsers get it.
    pub(super) event: Box<RawValue>,
    /// Where it comes from.
    pub(super) of: Origin,
    /// Whether nothing that comes later to its channel may stand before it.
    pub(super) divides: bool,
}

/// The entry that an event comes from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// Its place among what was read together.
    pub(super) place: usize,
    /// When the change was made, in ms since the Unix epoch.
    pub(super) at_ms: i64,
    /// The trace that it was made in.
    pub(super) traceparent: Option<String>,
}

/// The channels that a publication goes to.
#[derive(Debug, Clone)]
pub(super) enum Recipients {
    /// One.
    One(Channel),
    /// Many, sorted, shared with the state that they come from.
    Many(Arc<Vec<Channel>>),
}

impl Recipients {
    pub(super) fn channels(&self) -> &[Channel] {
        match self {
            Self::One(channel) => slice::from_ref(channel),
            Self::Many(channels) => channels,
        }
    }
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Routed {
    /// Its publications were added.
    Added,
    /// The room's readers have to be asked for first; nothing was added.
    Ask(RoomId),
    /// There is nobody to tell.
    Skipped(Skipped),
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

/// The body of a publication that carries these events.
pub(super) fn data(events: &[&RawValue]) -> serde_json::Result<Box<RawValue>> {
    #[derive(Serialize)]
    struct Data<'a> {
        v: u8,
        events: &'a [&'a RawValue],
    }
    to_raw_value(&Data { v: 1, events })
}

/// Applies an event to the state of its room and adds what is to be published.
/// `asked`: rooms were just asked about the room, so that what is known is as
/// good as it gets.
pub(super) fn route(
    incoming: &Incoming,
    entry: &Entry,
    place: usize,
    rooms: &mut Rooms,
    asked: bool,
    out: &mut Vec<Draft>,
) -> serde_json::Result<Routed> {
    let origin = Origin {
        place,
        at_ms: entry.at_ms,
        traceparent: entry.traceparent.clone(),
    };
    // Who came or went is told before anything later.
    let divides = matches!(incoming, Incoming::Member(_));
    let mut add = |to: Recipients, event: &RawValue| {
        out.push(Draft {
            to,
            event: event.to_owned(),
            of: origin.clone(),
            divides,
        });
    };
    match incoming {
        Incoming::Unknown => return Ok(Routed::Skipped(Skipped::UnknownType)),
        Incoming::Late => return Ok(Routed::Skipped(Skipped::Old)),
        Incoming::Pulse => add(Recipients::One(Channel::Pulse), &entry.event),
        Incoming::Person(user) => add(one(*user), &entry.event),
        Incoming::Passed { room, version } => {
            if let (Known::Room(known), Some(version)) = (rooms.get_mut(*room), version) {
                known.apply_version(*version);
            }
            return Ok(Routed::Skipped(Skipped::Old));
        }
        Incoming::Room { room, version } => {
            let known = match rooms.get_mut(*room) {
                Known::Room(known) => known,
                Known::Gone => return Ok(Routed::Skipped(Skipped::NoRoom)),
                Known::Nothing => return Ok(Routed::Ask(*room)),
            };
            let applied = version.map(|version| known.apply_version(version));
            if applied == Some(Applied::Gap) && !asked {
                return Ok(Routed::Ask(*room));
            }
            add(Recipients::Many(known.members()), &entry.event);
        }
        Incoming::Member(change) => {
            let known = match rooms.get_mut(change.room) {
                Known::Room(known) => known,
                Known::Gone => {
                    let Some(body) = told(change, None) else {
                        return Ok(Routed::Skipped(Skipped::NoRoom));
                    };
                    add(one(change.user.id), &to_person(change, body)?);
                    return Ok(Routed::Added);
                }
                Known::Nothing => return Ok(Routed::Ask(change.room)),
            };
            let was_member = known.has(change.user.id);
            let is_member = change.role.is_some();
            let applied = known.apply_member(change.version, change.user.id, is_member);
            if applied == Applied::Gap && !asked {
                return Ok(Routed::Ask(change.room));
            }
            // A state that is newer than the change does not say whether the
            // person came with it: told once too often does no harm.
            let came_or_went = !is_member || !was_member || applied != Applied::New;
            if came_or_went && let Some(body) = told(change, Some(known)) {
                add(one(change.user.id), &to_person(change, body)?);
            }
            // Who remains of a deleted room is told of the own departure alone:
            // to tell each of all departures would be N² deliveries.
            if change.to_others && change.reason != Some(LeaveReason::RoomDeleted) {
                add(Recipients::Many(known.members()), &entry.event);
            }
        }
    }
    Ok(Routed::Added)
}

fn one(user: UserId) -> Recipients {
    Recipients::One(Channel::Personal(user))
}

/// What the person is told whose membership began or ended.
fn told(change: &MemberChange, room: Option<&Room>) -> Option<Body> {
    let version = change.version;
    match change.role {
        None => Some(Body::Left {
            version,
            reason: change.reason.unwrap_or(LeaveReason::Left),
        }),
        Some(_) => room.map(|room| Body::Joined {
            version,
            mode: room.mode(),
        }),
    }
}

fn to_person(change: &MemberChange, body: Body) -> serde_json::Result<Box<RawValue>> {
    to_raw_value(&Event {
        room: Some(change.room),
        epoch: change.epoch,
        time: change.time,
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;
    use plaza_clients::rooms::Fanout;
    use plaza_events::{Source, stream::EntryId};
    use plaza_types::{Epoch, FanoutMode, Generation, Version, Visibility};
    use serde_json::{Value, json};

    struct Fixture {
        room: RoomId,
        rooms: Rooms,
    }

    impl Fixture {
        fn new(version: i64, members: &[UserId]) -> Self {
            let room = RoomId::new();
            let mut rooms = Rooms::new(1_000);
            rooms.insert(room, Some(known(version, members)));
            Self { room, rooms }
        }

        fn route(&mut self, asked: bool, event: &Value) -> (Routed, Vec<(Vec<Channel>, Value)>) {
            let entry = Entry {
                id: EntryId::ZERO,
                source: Source::Rooms,
                key: self.room.to_string(),
                event: to_raw_value(event).unwrap(),
                traceparent: None,
                at_ms: 0,
            };
            let incoming = Incoming::parse(&entry).unwrap();
            let mut out = Vec::new();
            let routed = route(&incoming, &entry, 0, &mut self.rooms, asked, &mut out).unwrap();
            let out = out.into_iter().map(|publication| {
                let event: Value = serde_json::from_str(publication.event.get()).unwrap();
                (publication.to.channels().to_vec(), event)
            });
            (routed, out.collect())
        }

        fn member(&self, version: i64, user: UserId, role: Option<&str>) -> Value {
            json!({
                "type": "member.updated", "room": self.room, "epoch": Epoch::new(),
                "time": Utc::now(), "version": version, "role": role, "memberCount": 2,
                "user": { "id": user, "username": "ada", "displayName": "Ada" },
            })
        }
    }

    fn known(version: i64, members: &[UserId]) -> Room {
        Room::from(Fanout {
            version: Version::try_from(version).unwrap(),
            mode: FanoutMode::Personal,
            visibility: Visibility::Public,
            generation: Generation::ZERO.next(),
            members: members.to_vec(),
        })
    }

    fn channels(users: &[UserId]) -> Vec<Channel> {
        let mut channels: Vec<_> = users.iter().copied().map(Channel::Personal).collect();
        channels.sort();
        channels
    }

    #[test]
    fn a_newcomer_is_told_first_and_gets_everything_later() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[ada]);
        let join = fixture.member(2, bob, Some("member"));
        let (_, out) = fixture.route(false, &join);
        assert_eq!(out[0].0, channels(&[bob]));
        assert_eq!(out[0].1["type"], "joined");
        assert_eq!(out[0].1["mode"], "personal");
        assert_eq!(out[0].1["version"], 2);
        assert_eq!(out[1].0, channels(&[ada, bob]));
        assert_eq!(out[1].1, join, "passed through as it is");
        let message = json!({ "type": "message.created", "room": fixture.room, "seq": 1 });
        let (_, out) = fixture.route(false, &message);
        assert_eq!(out[0].0, channels(&[ada, bob]));
    }

    #[test]
    fn who_left_is_told_and_gets_nothing_later() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[ada, bob]);
        let mut leave = fixture.member(2, bob, None);
        leave["reason"] = json!("kicked");
        let (_, out) = fixture.route(false, &leave);
        assert_eq!(out[0].0, channels(&[bob]));
        assert_eq!(out[0].1["type"], "left");
        assert_eq!(out[0].1["reason"], "kicked");
        assert_eq!(out[1].0, channels(&[ada]));
    }

    #[test]
    fn a_deleted_room_is_told_to_each_person_alone() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[ada, bob]);
        let mut leave = fixture.member(2, bob, None);
        leave["reason"] = json!("room_deleted");
        let (_, out) = fixture.route(false, &leave);
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].0, channels(&[bob]));
        assert_eq!(out[0].1["reason"], "room_deleted");
    }

    #[test]
    fn another_role_is_no_join() {
        let ada = UserId::new();
        let mut fixture = Fixture::new(1, &[ada]);
        let promoted = fixture.member(2, ada, Some("admin"));
        let (_, out) = fixture.route(false, &promoted);
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].1["type"], "member.updated");
    }

    #[test]
    fn a_join_that_is_in_the_state_already_is_still_told() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(5, &[ada, bob]);
        let join = fixture.member(4, bob, Some("member"));
        let (_, out) = fixture.route(false, &join);
        assert_eq!(out[0].1["type"], "joined");
        assert_eq!(out[1].0, channels(&[ada, bob]));
    }

    #[test]
    fn over_a_gap_rooms_are_asked_once() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[ada]);
        let join = fixture.member(4, bob, Some("member"));
        let ask = Routed::Ask(fixture.room);
        assert_eq!(fixture.route(false, &join), (ask, vec![]));
        let renamed = json!({ "type": "room.updated", "room": fixture.room, "version": 3 });
        assert_eq!(fixture.route(false, &renamed), (ask, vec![]));
        assert_eq!(fixture.route(true, &renamed).0, Routed::Added);
        fixture
            .rooms
            .insert(fixture.room, Some(known(4, &[ada, bob])));
        assert_eq!(fixture.route(true, &join).1.len(), 2);
    }

    #[test]
    fn an_unknown_room_is_asked_for_and_a_lost_one_has_nobody_to_tell() {
        let mut fixture = Fixture::new(1, &[]);
        let message = json!({ "type": "message.created", "room": fixture.room });
        fixture.rooms.clear();
        assert_eq!(fixture.route(false, &message).0, Routed::Ask(fixture.room));
        fixture.rooms.insert(fixture.room, None);
        let nobody = Routed::Skipped(Skipped::NoRoom);
        assert_eq!(fixture.route(true, &message), (nobody, vec![]));
        let leave = fixture.member(9, UserId::new(), None);
        assert_eq!(fixture.route(true, &leave).1[0].1["type"], "left");
    }

    #[test]
    fn the_sign_of_life_goes_to_everybody_and_new_types_to_nobody() {
        let mut fixture = Fixture::new(1, &[]);
        let (_, out) = fixture.route(false, &json!({ "type": "tick" }));
        assert_eq!(out[0].0, [Channel::Pulse]);
        let (routed, out) = fixture.route(false, &json!({ "type": "room.painted" }));
        assert_eq!(routed, Routed::Skipped(Skipped::UnknownType));
        assert!(out.is_empty());
    }
}
