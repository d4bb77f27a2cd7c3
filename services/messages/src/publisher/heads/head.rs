//! One room in room mode: the newest of everything that was said of it, and
//! the word that has it all.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use plaza_centrifugo::Channel;
use plaza_events::{Body, Event};
use plaza_types::{Epoch, Message, Number, RoomId, Seq, Version, preview};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::Instant;

use super::First;
use crate::publisher::{
    incoming::Stands,
    publication::{Publication, Recipients, What, data},
};

/// What an event says of its room.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::publisher) struct Said {
    /// About messages and members.
    pub(in crate::publisher) stands: Stands,
    /// Its version, when rooms made the change.
    pub(in crate::publisher) version: Option<Version>,
    /// Whether clients compare that version.
    pub(in crate::publisher) compares: bool,
}

/// What was said last of a room, and what is to be said next.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) channel: Channel,
    seq: Option<Seq>,
    number: Option<Number>,
    /// The latest event with the state of the message of this number, unread.
    message: Option<Arc<str>>,
    version: Option<Version>,
    members: Option<(Version, i64)>,
    /// The latest event, unread: it has the epoch and the time.
    latest: Arc<str>,
    /// When, or until when somebody else may have spoken.
    pub(super) spoken: Instant,
    /// The entries that the next word waits for; none: nothing is to be said.
    pub(super) waits: Option<First>,
}

impl Head {
    /// Of a room of which nothing is known but its latest event.
    pub(super) fn new(channel: Channel, latest: Arc<str>, spoken: Instant) -> Self {
        Self {
            channel,
            seq: None,
            number: None,
            message: None,
            version: None,
            members: None,
            latest,
            spoken,
            waits: None,
        }
    }

    /// Takes what an event says.
    pub(super) fn take(&mut self, said: Said, event: Arc<str>) {
        let Said {
            stands,
            version,
            compares,
        } = said;
        self.seq = self.seq.max(stands.seq);
        // An older message may change, too; it is not what lists show.
        if stands.number.is_some() && stands.number >= self.number {
            if stands.has_message {
                self.message = Some(event.clone());
            } else if stands.number > self.number {
                self.message = None;
            }
            self.number = stands.number;
        }
        if compares {
            self.version = self.version.max(version);
        }
        if let (Some(version), Some(count)) = (version, stands.member_count)
            && self.members.is_none_or(|(known, _)| version >= known)
        {
            self.members = Some((version, count));
        }
        self.latest = event;
    }

    /// What is to be said of the room now.
    pub(super) fn word(&self, room: RoomId) -> serde_json::Result<Word> {
        #[derive(Deserialize)]
        struct Latest {
            epoch: Epoch,
            time: DateTime<Utc>,
        }
        #[derive(Deserialize)]
        struct OfMessage {
            message: Message,
        }
        let latest: Latest = serde_json::from_str(&self.latest)?;
        let message = self.message.as_deref().and_then(|event| {
            let event: Option<OfMessage> = serde_json::from_str(event).ok();
            event.map(|event| event.message)
        });
        let event = to_raw_value(&Event {
            room: Some(room),
            epoch: latest.epoch,
            time: latest.time,
            body: Body::Head {
                head_seq: self.seq.unwrap_or_default(),
                version: self.version,
                number: self.number,
                last_message_at: message.as_ref().map(|message| message.created_at),
                preview: message.as_ref().and_then(preview),
                member_count: self.members.map(|(_, count)| count),
            },
        })?;
        Ok(Word {
            room,
            channel: self.channel,
            data: data(&[&event])?,
            event,
        })
    }
}

/// What is to be said of a room.
#[derive(Debug)]
pub(in crate::publisher) struct Word {
    pub(in crate::publisher) room: RoomId,
    /// Where.
    pub(in crate::publisher) channel: Channel,
    /// The event.
    pub(in crate::publisher) event: Box<RawValue>,
    /// A publication of it alone.
    data: Box<RawValue>,
}

impl Word {
    /// It has no event of the streams: those that it waits for hold back the
    /// cursor until it is [spoken](super::Heads::spoken).
    pub(in crate::publisher) fn publication(&self) -> Publication {
        Publication {
            to: Recipients::One(self.channel),
            what: What::Data(self.data.clone()),
            of: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use plaza_events::Source;
    use plaza_types::RoomId;
    use serde_json::json;
    use tokio::time::Instant;

    use super::Said;
    use crate::publisher::heads::{
        Heads,
        testing::{EVERY, entry, message, of_members, of_message, spoken, way},
    };

    #[test]
    fn a_word_has_the_newest_of_everything() {
        let (room, start) = (RoomId::new(), Instant::now());
        let mut heads = Heads::new(EVERY, 10, start);
        let mut note = |source, ms, event, said| {
            heads.note(way(room), &entry(source, ms, event), said);
        };
        note(
            Source::Messages,
            1,
            message(room, 1, 1, "old", false),
            of_message(1, 1),
        );
        note(
            Source::Messages,
            2,
            message(room, 2, 2, "hello\nworld", false),
            of_message(2, 2),
        );
        // An older message was edited.
        note(
            Source::Messages,
            3,
            message(room, 1, 3, "older", false),
            of_message(1, 3),
        );
        note(Source::Rooms, 4, json!({}), of_members(9, 60));
        note(Source::Rooms, 5, json!({}), of_members(8, 59));
        let renamed = Said {
            compares: true,
            ..of_members(10, 61)
        };
        note(Source::Rooms, 6, json!({}), renamed);
        let words = spoken(&mut heads, start + EVERY);
        assert_eq!(words.len(), 1);
        let mut word = words[0].clone();
        word.as_object_mut()
            .unwrap()
            .retain(|key, _| key != "epoch");
        assert_eq!(
            word,
            json!({
                "type": "head", "room": room, "time": "2026-01-01T00:00:00Z", "headSeq": 3,
                "number": 2, "lastMessageAt": "2026-01-01T00:00:01Z", "preview": "hello",
                "version": 10, "memberCount": 61,
            })
        );
        // It is deleted.
        let deleted = entry(Source::Messages, 7, message(room, 2, 4, "", true));
        heads.note(way(room), &deleted, of_message(2, 4));
        let words = spoken(&mut heads, start + EVERY * 2);
        assert_eq!(
            (&words[0]["headSeq"], &words[0]["number"]),
            (&json!(4), &json!(2))
        );
        assert_eq!(words[0].get("preview"), None);
    }
}
