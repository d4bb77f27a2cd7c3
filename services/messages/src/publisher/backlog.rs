//! What is left of a backlog that is too old to be forwarded event by event.
//! Pure: no I/O.
//!
//! Whoever was away that long asks for what is missing anyway. So messages of a
//! room become one `head`, which tells where the room stands; of the room's own
//! attributes the newest state goes; of members, who came and who went.

use std::{
    collections::{HashMap, hash_map},
    time::Duration,
};

use chrono::{DateTime, Utc};
use plaza_events::{Body, Event, stream::Entry};
use plaza_types::{Epoch, Number, RoomId, Seq};
use serde::Deserialize;
use serde_json::value::to_raw_value;

use super::incoming::{Incoming, Stands};

/// The longest backlog that is forwarded event by event.
const FORWARDED: Duration = Duration::from_mins(10);

/// A sign of life that took longer than this on its way is none.
const LIVELY: Duration = Duration::from_secs(10);

/// What a `head` has to know of an event of messages.
#[derive(Deserialize)]
struct Place {
    epoch: Epoch,
    time: DateTime<Utc>,
    seq: Seq,
    message: Option<Numbered>,
}

#[derive(Deserialize)]
struct Numbered {
    number: Number,
}

/// The newest of a room in the backlog.
struct Head {
    /// Where it is to stand: at the first event that it replaces.
    first: usize,
    epoch: Epoch,
    time: DateTime<Utc>,
    seq: Seq,
    number: Option<Number>,
}

/// Replaces, among what was read together, what is too old. Answers how many
/// events were replaced or dropped.
pub(super) fn condense(entries: &mut [(Entry, Incoming)], now_ms: i64) -> usize {
    let is_older = |entry: &Entry, bound: Duration| {
        u128::try_from(now_ms - entry.at_ms).is_ok_and(|age| age > bound.as_millis())
    };
    let mut heads: HashMap<RoomId, Head> = HashMap::new();
    let mut newest: HashMap<RoomId, usize> = HashMap::new();
    let mut condensed = 0;
    for at in 0..entries.len() {
        let (entry, incoming) = &mut entries[at];
        if matches!(incoming, Incoming::Pulse) && is_older(entry, LIVELY) {
            *incoming = Incoming::Late;
            condensed += 1;
        }
        if !is_older(entry, FORWARDED) {
            continue;
        }
        match incoming {
            Incoming::Member(change) => change.to_others = false,
            Incoming::Room {
                room,
                version: Some(_),
                ..
            } => {
                let room = *room;
                if let Some(earlier) = newest.insert(room, at)
                    && let Incoming::Room { version, .. } = entries[earlier].1
                {
                    entries[earlier].1 = Incoming::Passed { room, version };
                    condensed += 1;
                }
            }
            Incoming::Room {
                room,
                version: None,
                ..
            } => {
                let Ok(place) = serde_json::from_str::<Place>(entry.event.get()) else {
                    continue;
                };
                let room = *room;
                let number = place.message.map(|message| message.number);
                match heads.entry(room) {
                    hash_map::Entry::Vacant(vacant) => {
                        vacant.insert(Head {
                            first: at,
                            epoch: place.epoch,
                            time: place.time,
                            seq: place.seq,
                            number,
                        });
                    }
                    hash_map::Entry::Occupied(mut head) => {
                        let head = head.get_mut();
                        head.seq = head.seq.max(place.seq);
                        head.time = head.time.max(place.time);
                        head.number = head.number.max(number);
                        *incoming = Incoming::Passed {
                            room,
                            version: None,
                        };
                        condensed += 1;
                    }
                }
            }
            _ => {}
        }
    }
    for (room, head) in heads {
        let event = to_raw_value(&Event {
            room: Some(room),
            epoch: head.epoch,
            time: head.time,
            body: Body::Head {
                head_seq: head.seq,
                version: None,
                number: head.number,
                last_message_at: None,
                preview: None,
                member_count: None,
            },
        });
        if let (Some((entry, incoming)), Ok(event)) = (entries.get_mut(head.first), event) {
            entry.event = event;
            *incoming = Incoming::Room {
                room,
                version: None,
                stands: Stands {
                    seq: Some(head.seq),
                    number: head.number,
                    ..Stands::default()
                },
            };
            condensed += 1;
        }
    }
    condensed
}

#[cfg(test)]
mod tests {
    use super::*;
    use plaza_events::{Source, stream::EntryId};
    use plaza_types::UserId;
    use serde_json::{Value, json};

    const NOW: i64 = 10_000_000;
    const OLD: i64 = NOW - 600_001;

    fn entry(at_ms: i64, mut event: Value) -> (Entry, Incoming) {
        event["epoch"] = json!(Epoch::new());
        event["time"] = json!("2026-01-01T00:00:00Z");
        let entry = Entry {
            id: EntryId::ZERO,
            source: Source::Messages,
            key: UserId::new().to_string(),
            event: to_raw_value(&event).unwrap(),
            traceparent: None,
            at_ms,
        };
        let incoming = Incoming::parse(&entry).unwrap();
        (entry, incoming)
    }

    fn message(at_ms: i64, room: RoomId, seq: i64) -> (Entry, Incoming) {
        entry(
            at_ms,
            json!({ "type": "message.created", "room": room, "seq": seq,
                    "message": { "number": seq - 1 } }),
        )
    }

    fn event(entry: &Entry) -> Value {
        serde_json::from_str(entry.event.get()).unwrap()
    }

    #[test]
    fn old_messages_become_one_head_a_room() {
        let (room, other) = (RoomId::new(), RoomId::new());
        let mut entries = vec![
            message(OLD, room, 4),
            message(OLD, other, 9),
            message(OLD, room, 5),
            message(NOW, room, 6),
        ];
        condense(&mut entries, NOW);
        let head = event(&entries[0].0);
        assert_eq!(head["type"], "head");
        assert_eq!((&head["headSeq"], &head["number"]), (&json!(5), &json!(4)));
        assert_eq!(event(&entries[1].0)["headSeq"], 9);
        let passed = Incoming::Passed {
            room,
            version: None,
        };
        assert_eq!(entries[2].1, passed);
        assert_eq!(event(&entries[3].0)["type"], "message.created");
    }

    #[test]
    fn what_is_young_enough_goes_as_it_is() {
        let mut entries = vec![message(NOW - 600_000, RoomId::new(), 4)];
        assert_eq!(condense(&mut entries, NOW), 0);
        assert_eq!(event(&entries[0].0)["type"], "message.created");
    }

    #[test]
    fn of_a_room_the_newest_state_goes_and_of_members_who_came_and_went() {
        let room = RoomId::new();
        let updated = |version| json!({ "type": "room.updated", "room": room, "version": version });
        let left = json!({
            "type": "member.updated", "room": room, "version": 4, "role": null,
            "user": { "id": UserId::new() },
        });
        let mut entries = vec![
            entry(OLD, updated(2)),
            entry(OLD, updated(3)),
            entry(OLD, left),
            entry(OLD, json!({ "type": "read", "room": room, "number": 1 })),
        ];
        condense(&mut entries, NOW);
        let version = Some(2.try_into().unwrap());
        assert_eq!(entries[0].1, Incoming::Passed { room, version });
        assert!(matches!(entries[1].1, Incoming::Room { .. }));
        assert!(matches!(&entries[2].1, Incoming::Member(change) if !change.to_others));
        assert!(matches!(entries[3].1, Incoming::Person(_)));
    }

    #[test]
    fn a_sign_of_life_that_is_late_is_none() {
        let tick = json!({ "type": "tick" });
        let mut entries = vec![entry(NOW - 10_001, tick.clone()), entry(NOW - 9_000, tick)];
        condense(&mut entries, NOW);
        assert_eq!(entries[0].1, Incoming::Late);
        assert_eq!(entries[1].1, Incoming::Pulse);
    }
}
