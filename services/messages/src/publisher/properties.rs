//! The way from streams to channels as a whole, against a model of rooms and
//! of clients that follow the rules: whatever comes in between, in whatever
//! order, members miss nothing and who left gets nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use plaza_centrifugo::Channel;
use plaza_clients::rooms::Fanout;
use plaza_events::{
    Source,
    stream::{Entry, EntryId},
};
use plaza_types::{Epoch, FanoutMode, Generation, RoomId, UserId, Version, Visibility};
use proptest::prelude::*;
use serde_json::{Value, json, value::to_raw_value};
use tokio::time::Instant;

use super::{
    fold::{FoldLimits, fold},
    heads::Heads,
    incoming::{Incoming, mark_who_came_back},
    plan::{BatchLimits, Window},
    publication::What,
    rooms::{Room, Rooms, Way},
    route::{Asked, Question, Routed, State, route},
};

const PEOPLE: usize = 4;

/// What happens, in the order of its commits.
#[derive(Debug, Clone)]
enum Step {
    /// Joins, or leaves when a member.
    JoinOrLeave(usize),
    Send,
    Edit,
    /// Up, or down.
    Cross,
    /// Public, or private.
    Flip,
    /// The publisher reads as many entries of each stream; what it knew is
    /// forgotten before, and it dies after so many answers.
    Publish {
        rooms: usize,
        messages: usize,
        forgets: bool,
        dies_after: Option<usize>,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let publish = (
        0_usize..6,
        0_usize..6,
        any::<bool>(),
        prop::option::of(0_usize..6),
    );
    let publish = publish.prop_map(|(rooms, messages, forgets, dies_after)| Step::Publish {
        rooms,
        messages,
        forgets,
        dies_after,
    });
    let step = prop_oneof![
        4 => (0..PEOPLE).prop_map(Step::JoinOrLeave),
        4 => Just(Step::Send),
        1 => Just(Step::Edit),
        2 => Just(Step::Cross),
        1 => Just(Step::Flip),
        5 => publish,
    ];
    prop::collection::vec(step, 1..60)
}

/// The services: what is true, and the streams.
struct Services {
    way: Way,
    version: i64,
    seq: i64,
    begun: DateTime<Utc>,
    /// Members, with the time of their joining.
    members: BTreeMap<usize, DateTime<Utc>>,
    /// The last message before each one's last joining.
    joined_after: HashMap<usize, i64>,
    /// The version of each one's last departure.
    left_at: HashMap<usize, i64>,
    streams: [Vec<Entry>; 2],
}

impl Services {
    fn new(way: Way) -> Self {
        Self {
            way,
            version: 1,
            seq: 0,
            begun: Utc::now(),
            members: BTreeMap::new(),
            joined_after: HashMap::new(),
            left_at: HashMap::new(),
            streams: [Vec::new(), Vec::new()],
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.begun + TimeDelta::seconds(self.version)
    }

    fn add(&mut self, source: Source, mut event: Value) {
        event["room"] = json!(self.way.room);
        event["epoch"] = json!(Epoch::new());
        event["time"] = json!(self.now());
        let stream = &mut self.streams[source as usize];
        stream.push(Entry {
            id: EntryId {
                ms: stream.len() as u64 + 1,
                counter: 0,
            },
            source,
            key: self.way.room.to_string(),
            event: to_raw_value(&event).unwrap(),
            traceparent: None,
            at_ms: 0,
        });
    }

    fn change(&mut self, mut event: Value) {
        self.version += 1;
        event["version"] = json!(self.version);
        self.add(Source::Rooms, event);
    }

    fn turn(&mut self) {
        let Way {
            mode,
            visibility,
            generation,
            ..
        } = self.way;
        self.change(
            json!({ "type": "fanout", "mode": mode, "visibility": visibility,
            "generation": generation }),
        );
    }

    fn join_or_leave(&mut self, people: &[UserId], who: usize) {
        let role = match self.members.remove(&who) {
            Some(_) => None,
            None => Some("member"),
        };
        self.change(json!({ "type": "member.updated", "role": role,
            "user": { "id": people[who] }, "memberCount": self.members.len() }));
        if role.is_some() {
            self.members.insert(who, self.now());
            self.joined_after.insert(who, self.seq);
        } else {
            self.left_at.insert(who, self.version);
        }
    }

    fn say(&mut self, kind: &str) {
        self.seq += 1;
        self.add(Source::Messages, json!({ "type": kind, "seq": self.seq }));
    }

    /// As rooms answers.
    fn answer(&self, people: &[UserId], joined_by: Option<DateTime<Utc>>) -> Room {
        let is_asked_for = |joined: &DateTime<Utc>| match self.way.mode {
            FanoutMode::Personal => true,
            FanoutMode::Room => joined_by.is_some_and(|by| *joined <= by),
        };
        let members = self.members.iter().filter(|(_, at)| is_asked_for(at));
        let fanout = Fanout {
            version: Version::try_from(self.version).unwrap(),
            mode: self.way.mode,
            visibility: self.way.visibility,
            generation: self.way.generation,
            members: members.map(|(who, _)| people[*who]).collect(),
            member_count: 0,
        };
        Room::new(self.way.room, fanout)
    }
}

/// What one person's client has.
struct Client {
    who: usize,
    channels: HashSet<Channel>,
    told: i64,
    has: BTreeSet<i64>,
    /// It subscribes whenever it may, and leaves nothing by itself.
    is_hostile: bool,
}

impl Client {
    fn takes(&mut self, event: &Value, services: &Services, read: i64) {
        let who = self.who;
        let is_member = services.members.contains_key(&who);
        if let Some(seq) = event["seq"].as_i64() {
            let is_out = !is_member && services.left_at.get(&who).is_some_and(|at| *at <= read);
            assert!(!is_out, "{who} has left and gets {seq}");
            self.has.insert(seq);
            return;
        }
        let personal = |channel: &Channel| matches!(channel, Channel::Personal(_));
        let version = event["version"].as_i64().unwrap_or(0);
        if self.is_hostile || version < self.told {
            return;
        }
        let is_way = event["type"] == "joined" || event["type"] == "fanout";
        if event["type"] == "left" {
            self.told = version;
            self.channels.retain(personal);
        } else if is_way && is_member {
            // It subscribes where the room is now, then asks for what it lacks.
            self.told = version;
            if event["mode"] == "personal" {
                self.channels.retain(personal);
            } else if services.way.mode == FanoutMode::Room {
                self.channels.insert(services.way.channel());
            }
            self.has.extend(1..=services.seq);
        }
    }
}

struct World {
    people: Vec<UserId>,
    services: Services,
    state: State,
    /// For each stream how much of it was dealt with.
    cursor: [usize; 2],
    clients: Vec<Client>,
    fates: std::vec::IntoIter<bool>,
}

impl World {
    fn new(fates: Vec<bool>) -> Self {
        let people: Vec<_> = (0..PEOPLE).map(|_| UserId::new()).collect();
        let clients = (0..2 * PEOPLE).map(|number| Client {
            who: number % PEOPLE,
            channels: [Channel::Personal(people[number % PEOPLE])].into(),
            told: 0,
            has: BTreeSet::new(),
            is_hostile: number >= PEOPLE,
        });
        let way = Way {
            room: RoomId::new(),
            mode: FanoutMode::Personal,
            visibility: Visibility::Private,
            generation: Generation::ZERO.next(),
        };
        Self {
            clients: clients.collect(),
            services: Services::new(way),
            state: nothing_known(),
            cursor: [0, 0],
            fates: fates.into_iter(),
            people,
        }
    }

    fn take(&mut self, step: &Step) {
        if self.services.way.mode == FanoutMode::Room {
            for client in &mut self.clients {
                if client.is_hostile && self.services.members.contains_key(&client.who) {
                    client.channels.insert(self.services.way.channel());
                }
            }
        }
        match step {
            Step::JoinOrLeave(who) => self.services.join_or_leave(&self.people, *who),
            Step::Send => self.services.say("message.created"),
            Step::Edit => self.services.say("message.edited"),
            Step::Cross => {
                let mode = &mut self.services.way.mode;
                *mode = match mode {
                    FanoutMode::Personal => FanoutMode::Room,
                    FanoutMode::Room => FanoutMode::Personal,
                };
                self.services.turn();
            }
            Step::Flip => {
                let way = &mut self.services.way;
                way.generation = way.generation.next();
                way.visibility = match way.visibility {
                    Visibility::Public => Visibility::Private,
                    Visibility::Private => Visibility::Public,
                };
                let visibility = way.visibility;
                self.services
                    .change(json!({ "type": "room.updated", "visibility": visibility }));
                self.services.turn();
            }
            Step::Publish {
                rooms,
                messages,
                forgets,
                dies_after,
            } => {
                if *forgets {
                    self.state = nothing_known();
                }
                self.publish([*rooms, *messages], dies_after.unwrap_or(usize::MAX));
            }
        }
    }

    /// What one read brings: rooms first.
    fn read(&self, counts: [usize; 2]) -> Vec<(Entry, Incoming)> {
        let streams = self.services.streams.iter().zip(self.cursor).zip(counts);
        let read = streams.flat_map(|((stream, from), count)| stream[from..].iter().take(count));
        let read = read.map(|entry| (entry.clone(), Incoming::parse(entry).unwrap()));
        let mut read: Vec<_> = read.collect();
        mark_who_came_back(&mut read);
        read
    }

    fn publish(&mut self, counts: [usize; 2], mut answers: usize) {
        let entries = self.read(counts);
        let last_read = self.last_read(&entries);
        let mut newest: HashMap<Channel, i64> = HashMap::new();
        let mut drafts = Vec::new();
        for (place, (entry, incoming)) in entries.iter().enumerate() {
            let mut asked = Asked::Nothing;
            loop {
                let state = &mut self.state;
                let routed = route(incoming, entry, place, state, asked, &mut drafts);
                let Routed::Ask(Question { room, joined_by }) = routed.unwrap() else {
                    break;
                };
                assert_ne!(asked, Asked::EarlyMembers, "asked for ever");
                asked = joined_by.map_or(Asked::Readers, |_| Asked::EarlyMembers);
                let answer = self.services.answer(&self.people, joined_by);
                self.state.rooms.insert(room, Some(answer));
            }
        }
        let limits = FoldLimits {
            events: 3,
            bytes: 1 << 20,
        };
        let mut window = Window::new(fold(drafts, limits).unwrap());
        let batch = BatchLimits {
            channels_per_command: 2,
            channels_per_batch: 4,
            commands: 3,
        };
        while !window.is_done() {
            let ready = window.ready(batch);
            for step in &ready {
                for (at, channel) in step.channels.iter().enumerate() {
                    if self.fates.next() == Some(false) {
                        window.hold(step, at);
                        continue;
                    }
                    if answers == 0 {
                        // Whoever comes next knows nothing, and reads it again.
                        self.state = nothing_known();
                        return;
                    }
                    answers -= 1;
                    let what = &window.publication(step.publication).what;
                    self.deliver(*channel, what, step.removal(), last_read);
                    for seq in seqs(what) {
                        let before = newest.insert(*channel, seq);
                        assert!(before < Some(seq), "{seq} behind {before:?} in {channel}");
                    }
                    window.answered(step, at);
                }
            }
            if ready.is_empty() {
                window.release();
            }
        }
        for (entry, _) in &entries {
            self.cursor[entry.source as usize] += 1;
        }
    }

    /// The version of the last change of rooms that was read.
    fn last_read(&self, entries: &[(Entry, Incoming)]) -> i64 {
        let before = &self.services.streams[0][..self.cursor[0]];
        let now = entries.iter().map(|(entry, _)| entry);
        let mut read = before.iter().chain(now);
        let last = read.rfind(|entry| entry.source == Source::Rooms);
        last.map_or(0, |entry| {
            value(entry.event.get())["version"].as_i64().unwrap()
        })
    }

    fn deliver(&mut self, channel: Channel, what: &What, removal: usize, read: i64) {
        let clients = self.clients.iter_mut();
        let subscribed = clients.filter(|client| client.channels.contains(&channel));
        match what {
            What::Removals(users) => {
                for client in subscribed {
                    if self.people[client.who] == users[removal] {
                        client.channels.remove(&channel);
                    }
                }
            }
            What::Data(data) => {
                for client in subscribed {
                    for event in value(data.get())["events"].as_array().unwrap() {
                        client.takes(event, &self.services, read);
                    }
                }
            }
        }
    }

    /// Publishes all that is left; then nobody lacks anything.
    fn end(mut self) {
        self.publish([usize::MAX; 2], usize::MAX);
        for client in self.clients.iter().filter(|client| !client.is_hostile) {
            let who = client.who;
            if self.services.members.contains_key(&who) {
                let first = self.services.joined_after[&who] + 1;
                let expected: BTreeSet<_> = (first..=self.services.seq).collect();
                let lacks: Vec<_> = expected.difference(&client.has).collect();
                assert!(lacks.is_empty(), "{who} lacks {lacks:?}");
            }
        }
    }
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn seqs(what: &What) -> Vec<i64> {
    let What::Data(data) = what else {
        return Vec::new();
    };
    let data = value(data.get());
    let events = data["events"].as_array().unwrap().iter();
    events.filter_map(|event| event["seq"].as_i64()).collect()
}

fn nothing_known() -> State {
    State {
        rooms: Rooms::new(1_000),
        heads: Heads::new(Duration::from_secs(1), 10, Instant::now()),
    }
}

/// The property has found this one: the gateway says where a room is before
/// the publisher does.
#[test]
fn who_comes_to_a_new_generation_ahead_of_the_word_of_it_lacks_nothing() {
    let publish = |rooms, messages| Step::Publish {
        rooms,
        messages,
        forgets: false,
        dies_after: None,
    };
    let mut world = World::new(Vec::new());
    for step in [
        Step::Cross,
        publish(1, 0),
        Step::JoinOrLeave(0),
        Step::Flip,
        Step::Flip,
        publish(1, 0),
        Step::Send,
        publish(0, 1),
    ] {
        world.take(&step);
    }
    world.end();
}

/// And this one: who is hostile stays in the channel of a room that went down,
/// leaves, and the room comes up again.
#[test]
fn who_left_a_small_room_that_was_a_large_one_gets_nothing_when_it_is_large_again() {
    let publish = Step::Publish {
        rooms: 9,
        messages: 9,
        forgets: false,
        dies_after: None,
    };
    let mut world = World::new(Vec::new());
    for step in [
        Step::JoinOrLeave(0),
        Step::Cross,
        publish.clone(),
        Step::Cross,
        publish.clone(),
        Step::JoinOrLeave(0),
        publish,
        Step::Cross,
        Step::Send,
    ] {
        world.take(&step);
    }
    world.end();
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(500),
        ..ProptestConfig::default()
    })]

    #[test]
    fn members_miss_nothing_and_who_left_gets_nothing_whatever_comes_in_between(
        steps in steps(),
        fates in prop::collection::vec(prop::bool::weighted(0.8), 0..60),
    ) {
        let mut world = World::new(fates);
        for step in &steps {
            world.take(step);
        }
        world.end();
    }
}
