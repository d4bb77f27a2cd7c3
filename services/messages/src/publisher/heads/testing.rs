//! What events say of a room, and what is said of it then.

use std::time::Duration;

use plaza_events::{
    Source,
    stream::{Entry, EntryId},
};
use plaza_types::{
    Epoch, FanoutMode, Generation, MessageId, Number, RoomId, Seq, UserId, Version, Visibility,
};
use serde_json::{Value, json, value::to_raw_value};
use tokio::time::Instant;

use super::{Heads, Said};
use crate::publisher::{incoming::Stands, rooms::Way};

pub(super) const EVERY: Duration = Duration::from_secs(1);

pub(super) fn way(room: RoomId) -> Way {
    Way {
        room,
        mode: FanoutMode::Room,
        visibility: Visibility::Public,
        generation: Generation::ZERO.next(),
    }
}

pub(super) fn entry(source: Source, ms: u64, mut event: Value) -> Entry {
    event["epoch"] = json!(Epoch::new());
    event["time"] = json!("2026-01-01T00:00:00Z");
    Entry {
        id: EntryId { ms, counter: 0 },
        source,
        key: String::new(),
        event: to_raw_value(&event).unwrap(),
        traceparent: None,
        at_ms: 0,
    }
}

pub(super) fn message(room: RoomId, number: i64, seq: i64, content: &str, deleted: bool) -> Value {
    let deleted_at = deleted.then_some("2026-01-01T00:00:02Z");
    json!({ "seq": seq, "message": {
        "id": MessageId::new(), "roomId": room, "seq": number, "number": number,
        "changedSeq": seq, "authorId": UserId::new(), "content": content,
        "createdAt": "2026-01-01T00:00:01Z", "editedAt": null, "deletedAt": deleted_at,
        "clientMessageId": "a", "replyTo": null,
    } })
}

/// What an event about a message says.
pub(super) fn of_message(number: i64, seq: i64) -> Said {
    Said {
        stands: Stands {
            seq: Seq::try_from(seq).ok(),
            number: Number::try_from(number).ok(),
            has_message: true,
            member_count: None,
        },
        ..Said::default()
    }
}

pub(super) fn of_members(version: i64, count: i64) -> Said {
    Said {
        stands: Stands {
            member_count: Some(count),
            ..Stands::default()
        },
        version: Version::try_from(version).ok(),
        compares: false,
    }
}

pub(super) fn spoken(heads: &mut Heads, now: Instant) -> Vec<Value> {
    heads.at(now);
    let words = heads.due(100).into_iter().map(|word| {
        heads.spoken(word.room, now);
        serde_json::from_str(word.event.get()).unwrap()
    });
    words.collect::<Vec<_>>()
}
