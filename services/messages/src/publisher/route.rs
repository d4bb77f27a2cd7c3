//! From events to publications: what goes to which channels. Pure: no I/O.

use std::{slice, sync::Arc};

use chrono::{DateTime, Utc};
use plaza_centrifugo::Channel;
use plaza_events::{Body, Event, LeaveReason, stream::Entry};
use plaza_types::{FanoutMode, RoomId, UserId, Version};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    heads::{Heads, Said},
    incoming::{FanoutChange, Incoming, MemberChange, Stands},
    rooms::{Applied, Known, Room, Rooms, Way},
};

/// What is done in some channels.
#[derive(Debug, Clone)]
pub(super) struct Publication {
    /// Each channel once; one alone for removals.
    pub(super) to: Recipients,
    /// What.
    pub(super) what: What,
    /// The events that it carries; none for one that only reveals gaps, and
    /// for where a room stands.
    pub(super) of: Vec<Origin>,
}

/// What is done in a channel.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// This is published: `{"v":1,"events":[…]}`.
    Data(Box<RawValue>),
    /// These are made to leave it; each has the event of the same place.
    Removals(Vec<UserId>),
}

/// One event and where it goes, before it is folded with others.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// Each channel once; one alone for a removal.
    pub(super) to: Recipients,
    /// What happens there.
    pub(super) what: Content,
    /// Where it comes from.
    pub(super) of: Origin,
    /// Whether nothing that comes later to its channel may stand before it.
    pub(super) divides: bool,
}

/// What one event does in a channel.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// It is published, as browsers get it.
    Event(Box<RawValue>),
    /// This person is made to leave.
    Removal(UserId),
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

/// The body of a publication that carries these events.
pub(super) fn data(events: &[&RawValue]) -> serde_json::Result<Box<RawValue>> {
    #[derive(Serialize)]
    struct Data<'a> {
        v: u8,
        events: &'a [&'a RawValue],
    }
    to_raw_value(&Data { v: 1, events })
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
        self.out.add_event(readers(self.known), &self.entry.event);
        self.note(Said {
            stands,
            version,
            compares: true,
        });
        Routed::Added
    }

    fn member(&mut self, change: &MemberChange) -> serde_json::Result<Routed> {
        let user = change.user.id;
        let was_member = self.known.has(user);
        let is_member = change.role.is_some();
        let applied = self.known.apply_member(change.version, user, is_member);
        if applied == Applied::Gap && self.asked == Asked::Nothing {
            return Ok(self.ask());
        }
        for channel in leaves(change, self.known.way()) {
            self.out
                .add(Recipients::One(channel), Content::Removal(user));
        }
        // A state that is newer than the change does not say whether the
        // person came with it: told once too often does no harm.
        let came_or_went = !is_member || !was_member || applied != Applied::New;
        if came_or_went && let Some(body) = told(change, Some(self.known)) {
            self.out.add_event(one(user), &to_person(change, body)?);
        }
        if change.reason == Some(LeaveReason::RoomDeleted) {
            // Who remains of a deleted room is told of the own departure
            // alone: to tell each of all departures would be N² deliveries.
            return Ok(Routed::Added);
        }
        if change.to_others && self.known.way().mode == FanoutMode::Personal {
            let members = Recipients::Many(self.known.members());
            self.out.add_event(members, &self.entry.event);
        }
        self.note(Said {
            stands: Stands {
                member_count: change.member_count,
                ..Stands::default()
            },
            version: Some(change.version),
            compares: false,
        });
        Ok(Routed::Added)
    }

    fn fanout(&mut self, change: &FanoutChange) -> Routed {
        let audience = match turn(change, self.known, self.asked) {
            Turned::Ask(question) => return Routed::Ask(question),
            Turned::Told(audience) => audience,
        };
        self.note(Said {
            version: Some(change.version),
            compares: true,
            ..Said::default()
        });
        if audience.is_empty() {
            return Routed::Skipped(Skipped::Old);
        }
        for channels in audience {
            let channels = Recipients::Many(channels);
            self.out.add_event(channels, &self.entry.event);
        }
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

/// The channels that a person has to leave, whatever the mode: who is hostile
/// stays in the room's channels when it goes down, and they may be used again.
/// In a deleted room nothing is said any more.
fn leaves(change: &MemberChange, way: Way) -> Vec<Channel> {
    let is_departure = change.role.is_none() && change.reason != Some(LeaveReason::RoomDeleted);
    if is_departure && !change.came_back {
        way.channels()
    } else {
        Vec::new()
    }
}

/// What became of a change of the way.
enum Turned {
    /// Rooms have to be asked first; nothing was applied.
    Ask(Question),
    /// These are to be told; nobody: a newer one stands.
    Told(Vec<Arc<Vec<Channel>>>),
}

/// Lets a room go its new way.
fn turn(change: &FanoutChange, known: &mut Room, asked: Asked) -> Turned {
    let from = known.way();
    let to = Way {
        room: change.room,
        mode: change.mode,
        visibility: change.visibility,
        generation: change.generation,
    };
    let ask = |joined_by| {
        Turned::Ask(Question {
            room: change.room,
            joined_by,
        })
    };
    let applied = known.compare(change.version);
    let needs_members = from.mode == FanoutMode::Room && to.mode == FanoutMode::Personal;
    match applied {
        Applied::Gap if asked == Asked::Nothing => ask(None),
        Applied::New if needs_members && asked == Asked::Nothing => ask(None),
        Applied::New | Applied::Gap => {
            // Those who read it until now.
            let audience = match from.mode {
                FanoutMode::Personal => known.members(),
                FanoutMode::Room => Arc::new(from.channels()),
            };
            known.turn(change.version, to);
            Turned::Told(vec![audience])
        }
        // What is known is as new or newer, so that it does not say who read
        // the room before: everybody who may have.
        Applied::Known => match to.mode {
            FanoutMode::Personal if from == to => {
                Turned::Told(vec![Arc::new(to.channels()), known.members()])
            }
            FanoutMode::Personal => Turned::Told(Vec::new()),
            FanoutMode::Room => {
                let mut audience = Vec::new();
                if from == to {
                    if asked != Asked::EarlyMembers {
                        return ask(Some(change.time));
                    }
                    audience.push(known.take_early_members());
                }
                // Who reads along in the channels of the generation before
                // hears of it even when there was another one since.
                audience.extend(to.before().map(|before| Arc::new(before.channels())));
                Turned::Told(audience)
            }
        },
    }
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
            mode: room.way().mode,
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
    use crate::publisher::incoming::mark_who_came_back;
    use chrono::Utc;
    use plaza_clients::rooms::Fanout;
    use plaza_events::{Source, stream::EntryId};
    use plaza_types::{Epoch, Generation, Visibility};
    use serde_json::{Value, json};
    use std::time::Duration;
    use tokio::time::Instant;

    struct Fixture {
        room: RoomId,
        state: State,
    }

    impl Fixture {
        fn new(version: i64, members: &[UserId]) -> Self {
            let room = RoomId::new();
            let mut state = State {
                rooms: Rooms::new(1_000),
                heads: Heads::new(Duration::from_secs(1), 100, Instant::now()),
            };
            state
                .rooms
                .insert(room, Some(known(room, version, members)));
            Self { room, state }
        }

        fn route(&mut self, asked: Asked, event: &Value) -> (Routed, Vec<(Vec<Channel>, Value)>) {
            let (entry, incoming) = self.read(event);
            let mut out = Vec::new();
            let routed = route(&incoming, &entry, 0, &mut self.state, asked, &mut out).unwrap();
            let out = out.into_iter().map(|draft| {
                let event = match draft.what {
                    Content::Event(event) => serde_json::from_str(event.get()).unwrap(),
                    Content::Removal(user) => json!({ "removes": user }),
                };
                (draft.to.channels().to_vec(), event)
            });
            (routed, out.collect())
        }

        fn read(&self, event: &Value) -> (Entry, Incoming) {
            let entry = Entry {
                id: EntryId::ZERO,
                source: Source::Rooms,
                key: self.room.to_string(),
                event: to_raw_value(event).unwrap(),
                traceparent: None,
                at_ms: 0,
            };
            let incoming = Incoming::parse(&entry).unwrap();
            (entry, incoming)
        }

        fn way(&self, mode: FanoutMode) -> Way {
            Way {
                room: self.room,
                mode,
                visibility: Visibility::Public,
                generation: Generation::ZERO.next(),
            }
        }

        /// Lets rooms say this.
        fn set(&mut self, mode: FanoutMode, version: i64, members: &[UserId]) -> Way {
            let way = self.way(mode);
            let answer = on_its_way(way, version, members);
            self.state.rooms.insert(self.room, Some(answer));
            way
        }

        fn fanout(&self, version: i64, mode: FanoutMode, generation: i64) -> Value {
            json!({
                "type": "fanout", "room": self.room, "epoch": Epoch::new(), "time": Utc::now(),
                "version": version, "mode": mode, "visibility": "public",
                "generation": generation,
            })
        }

        fn member(&self, version: i64, user: UserId, role: Option<&str>) -> Value {
            json!({
                "type": "member.updated", "room": self.room, "epoch": Epoch::new(),
                "time": Utc::now(), "version": version, "role": role, "memberCount": 2,
                "user": { "id": user, "username": "ada", "displayName": "Ada" },
            })
        }
    }

    fn known(room: RoomId, version: i64, members: &[UserId]) -> Room {
        let way = Way {
            room,
            mode: FanoutMode::Personal,
            visibility: Visibility::Public,
            generation: Generation::ZERO.next(),
        };
        on_its_way(way, version, members)
    }

    fn on_its_way(way: Way, version: i64, members: &[UserId]) -> Room {
        let fanout = Fanout {
            version: Version::try_from(version).unwrap(),
            mode: way.mode,
            visibility: way.visibility,
            generation: way.generation,
            members: members.to_vec(),
        };
        Room::new(way.room, fanout)
    }

    /// Who is made to leave which channel.
    fn removals(out: &[(Vec<Channel>, Value)]) -> Vec<(Channel, UserId)> {
        let removals = out.iter().filter_map(|(to, what)| {
            let user = what.get("removes")?;
            Some((to[0], serde_json::from_value(user.clone()).unwrap()))
        });
        removals.collect()
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
        let (_, out) = fixture.route(Asked::Nothing, &join);
        assert_eq!(out[0].0, channels(&[bob]));
        assert_eq!(out[0].1["type"], "joined");
        assert_eq!(out[0].1["mode"], "personal");
        assert_eq!(out[0].1["version"], 2);
        assert_eq!(out[1].0, channels(&[ada, bob]));
        assert_eq!(out[1].1, join, "passed through as it is");
        let message = json!({ "type": "message.created", "room": fixture.room, "seq": 1 });
        let (_, out) = fixture.route(Asked::Nothing, &message);
        assert_eq!(out[0].0, channels(&[ada, bob]));
    }

    #[test]
    fn who_left_is_told_and_gets_nothing_later() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[ada, bob]);
        let mut leave = fixture.member(2, bob, None);
        leave["reason"] = json!("kicked");
        let (_, out) = fixture.route(Asked::Nothing, &leave);
        let way = fixture.way(FanoutMode::Personal);
        assert_eq!(removals(&out), [(way.channel(), bob), (way.head(), bob)]);
        let told = &out[2..];
        assert_eq!(told[0].0, channels(&[bob]));
        assert_eq!(told[0].1["type"], "left");
        assert_eq!(told[0].1["reason"], "kicked");
        assert_eq!(told[1].0, channels(&[ada]));
    }

    #[test]
    fn who_is_back_already_is_not_made_to_leave() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[ada, bob]);
        let entries = [
            fixture.member(2, bob, None),
            fixture.member(3, bob, Some("member")),
        ];
        let mut entries = entries.map(|event| fixture.read(&event)).to_vec();
        mark_who_came_back(&mut entries);
        let mut out = Vec::new();
        let (entry, incoming) = &entries[0];
        route(
            incoming,
            entry,
            0,
            &mut fixture.state,
            Asked::Nothing,
            &mut out,
        )
        .unwrap();
        assert!(
            out.iter()
                .all(|draft| matches!(draft.what, Content::Event(_)))
        );
    }

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
    fn going_up_members_are_told_and_everything_later_goes_to_the_channel() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[ada, bob]);
        let fanout = fixture.fanout(2, FanoutMode::Room, 1);
        let (_, out) = fixture.route(Asked::Nothing, &fanout);
        assert_eq!(out, [(channels(&[ada, bob]), fanout.clone())]);
        let message = json!({ "type": "message.created", "room": fixture.room, "seq": 1 });
        let (_, out) = fixture.route(Asked::Nothing, &message);
        assert_eq!(out[0].0, [fixture.way(FanoutMode::Room).channel()]);
    }

    #[test]
    fn whoever_begins_behind_a_crossing_asks_whom_to_tell() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[]);
        fixture.set(FanoutMode::Room, 7, &[]);
        let fanout = fixture.fanout(5, FanoutMode::Room, 1);
        let (routed, out) = fixture.route(Asked::Nothing, &fanout);
        let Routed::Ask(Question {
            joined_by: Some(time),
            ..
        }) = routed
        else {
            panic!("{routed:?}");
        };
        assert_eq!(json!(time), fanout["time"]);
        assert_eq!(out, []);
        fixture.set(FanoutMode::Room, 7, &[ada, bob]);
        let (_, out) = fixture.route(Asked::EarlyMembers, &fanout);
        assert_eq!(out, [(channels(&[ada, bob]), fanout)]);
    }

    #[test]
    fn going_down_rooms_are_asked_and_everybody_is_told() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[]);
        let way = fixture.set(FanoutMode::Room, 1, &[]);
        let fanout = fixture.fanout(2, FanoutMode::Personal, 1);
        let ask = Routed::from(fixture.room);
        assert_eq!(fixture.route(Asked::Nothing, &fanout), (ask, vec![]));
        fixture.set(FanoutMode::Personal, 2, &[ada, bob]);
        let (_, out) = fixture.route(Asked::Readers, &fanout);
        assert_eq!(
            out,
            [
                (way.channels(), fanout.clone()),
                (channels(&[ada, bob]), fanout)
            ]
        );
    }

    #[test]
    fn of_a_change_of_visibility_the_channels_before_are_told() {
        let mut fixture = Fixture::new(1, &[]);
        let before = fixture.set(FanoutMode::Room, 1, &[]);
        let mut fanout = fixture.fanout(2, FanoutMode::Room, 2);
        fanout["visibility"] = json!("private");
        let (_, out) = fixture.route(Asked::Nothing, &fanout);
        assert_eq!(out, [(before.channels(), fanout.clone())]);
        let message = json!({ "type": "message.created", "room": fixture.room, "seq": 1 });
        let (_, out) = fixture.route(Asked::Nothing, &message);
        let generation = Generation::ZERO.next().next();
        assert_eq!(out[0].0, [Channel::Private(fixture.room, generation)]);
        // Told again by whoever knows the new state alone.
        let (_, out) = fixture.route(Asked::EarlyMembers, &fanout);
        assert_eq!(out.last(), Some(&(before.channels(), fanout)));
    }

    #[test]
    fn an_older_change_of_the_way_is_ignored() {
        let ada = UserId::new();
        let mut fixture = Fixture::new(9, &[ada]);
        let fanout = fixture.fanout(5, FanoutMode::Room, 1);
        let (routed, out) = fixture.route(Asked::Nothing, &fanout);
        assert_eq!((routed, out), (Routed::Skipped(Skipped::Old), vec![]));
        let message = json!({ "type": "message.created", "room": fixture.room, "seq": 1 });
        let (_, out) = fixture.route(Asked::Nothing, &message);
        assert_eq!(out[0].0, channels(&[ada]));
    }

    #[test]
    fn a_deleted_room_is_told_to_each_person_alone() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[ada, bob]);
        let mut leave = fixture.member(2, bob, None);
        leave["reason"] = json!("room_deleted");
        let (_, out) = fixture.route(Asked::Nothing, &leave);
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].0, channels(&[bob]));
        assert_eq!(out[0].1["reason"], "room_deleted");
    }

    #[test]
    fn another_role_is_no_join() {
        let ada = UserId::new();
        let mut fixture = Fixture::new(1, &[ada]);
        let promoted = fixture.member(2, ada, Some("admin"));
        let (_, out) = fixture.route(Asked::Nothing, &promoted);
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].1["type"], "member.updated");
    }

    #[test]
    fn a_join_that_is_in_the_state_already_is_still_told() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(5, &[ada, bob]);
        let join = fixture.member(4, bob, Some("member"));
        let (_, out) = fixture.route(Asked::Nothing, &join);
        assert_eq!(out[0].1["type"], "joined");
        assert_eq!(out[1].0, channels(&[ada, bob]));
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
