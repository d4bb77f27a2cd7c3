//! A room that a publisher knows, and events of it.

use std::time::Duration;

use chrono::Utc;
use plaza_centrifugo::Channel;
use plaza_clients::rooms::Fanout;
use plaza_events::{
    Source,
    stream::{Entry, EntryId},
};
use plaza_types::{Epoch, FanoutMode, Generation, RoomId, UserId, Version, Visibility};
use serde_json::{Value, json, value::to_raw_value};
use tokio::time::Instant;

use super::{Asked, Routed, State, route};
use crate::publisher::{
    heads::Heads,
    incoming::Incoming,
    publication::Content,
    rooms::{Room, Rooms, Way},
};

pub(super) struct Fixture {
    pub(super) room: RoomId,
    pub(super) state: State,
}

impl Fixture {
    pub(super) fn new(version: i64, members: &[UserId]) -> Self {
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

    pub(super) fn route(
        &mut self,
        asked: Asked,
        event: &Value,
    ) -> (Routed, Vec<(Vec<Channel>, Value)>) {
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

    pub(super) fn read(&self, event: &Value) -> (Entry, Incoming) {
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

    pub(super) fn way(&self, mode: FanoutMode) -> Way {
        Way {
            room: self.room,
            mode,
            visibility: Visibility::Public,
            generation: Generation::ZERO.next(),
        }
    }

    /// Lets rooms say this.
    pub(super) fn set(&mut self, mode: FanoutMode, version: i64, members: &[UserId]) -> Way {
        let way = self.way(mode);
        let answer = on_its_way(way, version, members);
        self.state.rooms.insert(self.room, Some(answer));
        way
    }

    pub(super) fn fanout(&self, version: i64, mode: FanoutMode, generation: i64) -> Value {
        json!({
            "type": "fanout", "room": self.room, "epoch": Epoch::new(), "time": Utc::now(),
            "version": version, "mode": mode, "visibility": "public",
            "generation": generation,
        })
    }

    pub(super) fn member(&self, version: i64, user: UserId, role: Option<&str>) -> Value {
        json!({
            "type": "member.updated", "room": self.room, "epoch": Epoch::new(),
            "time": Utc::now(), "version": version, "role": role, "memberCount": 2,
            "user": { "id": user, "username": "ada", "displayName": "Ada" },
        })
    }
}

pub(super) fn known(room: RoomId, version: i64, members: &[UserId]) -> Room {
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
        member_count: 0,
    };
    Room::new(way.room, fanout)
}

/// Who is made to leave which channel.
pub(super) fn removals(out: &[(Vec<Channel>, Value)]) -> Vec<(Channel, UserId)> {
    let removals = out.iter().filter_map(|(to, what)| {
        let user = what.get("removes")?;
        Some((to[0], serde_json::from_value(user.clone()).unwrap()))
    });
    removals.collect()
}

pub(super) fn channels(users: &[UserId]) -> Vec<Channel> {
    let mut channels: Vec<_> = users.iter().copied().map(Channel::Personal).collect();
    channels.sort();
    channels
}
