//! Where rooms in room mode stand, for lists: at most one word a room in an
//! interval, which carries the newest of everything. Pure: no I/O.
//!
//! A word that waits holds back the cursor: whoever comes next reads its
//! events again, and says it. So it needs no store of its own.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use plaza_centrifugo::Channel;
use plaza_events::{
    Body, Event, Source,
    stream::{Entry, EntryId},
};
use plaza_types::{Epoch, Message, Number, RoomId, Seq, Version, preview};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::Instant;

use super::{incoming::Stands, rooms::Way};

/// For each stream the first of the entries that a word waits for.
type First = [Option<EntryId>; Source::ALL.len()];

/// The rooms of one partition that were spoken of last.
#[derive(Debug)]
pub(super) struct Heads {
    every: Duration,
    max: usize,
    now: Instant,
    /// Who had the partition before may have spoken until then.
    begun: Instant,
    rooms: HashMap<RoomId, Head>,
    /// Those that wait, by when they may be spoken of.
    due: BTreeSet<(Instant, RoomId)>,
    /// Those that wait, by the first entry of each stream that they wait for.
    waiting: [BTreeSet<(EntryId, RoomId)>; Source::ALL.len()],
    /// Those that do not, by when they were spoken of.
    idle: BTreeSet<(Instant, RoomId)>,
}

#[derive(Debug)]
struct Head {
    channel: Channel,
    seq: Option<Seq>,
    number: Option<Number>,
    /// The latest event with the state of the message of this number, unread.
    message: Option<Arc<str>>,
    version: Option<Version>,
    members: Option<(Version, i64)>,
    /// The latest event, unread: it has the epoch and the time.
    latest: Arc<str>,
    spoken: Instant,
    waits: Option<First>,
}

/// What an event says of its room.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said {
    /// About messages and members.
    pub(super) stands: Stands,
    /// Its version, when rooms made the change.
    pub(super) version: Option<Version>,
    /// Whether clients compare that version.
    pub(super) compares: bool,
}

impl Heads {
    /// A room is spoken of once in `every`, and `max` are remembered.
    pub(super) fn new(every: Duration, max: usize, now: Instant) -> Self {
        Self {
            every,
            max,
            now,
            begun: now,
            rooms: HashMap::new(),
            due: BTreeSet::new(),
            waiting: Default::default(),
            idle: BTreeSet::new(),
        }
    }

    /// Forgets everything: what was not spoken of is read again.
    pub(super) fn begin(&mut self, now: Instant) {
        *self = Self::new(self.every, self.max, now);
    }

    /// Takes note of the time.
    pub(super) fn at(&mut self, now: Instant) {
        self.now = now;
    }

    /// Takes what an event says of a room in room mode.
    pub(super) fn note(&mut self, way: Way, entry: &Entry, said: Said) {
        let latest: Arc<str> = entry.event.get().into();
        let room = way.room;
        if !self.rooms.contains_key(&room) {
            self.make_room();
            let head = Head {
                channel: way.head(),
                seq: None,
                number: None,
                message: None,
                version: None,
                members: None,
                latest: latest.clone(),
                spoken: self.begun,
                waits: None,
            };
            self.idle.insert((head.spoken, room));
            self.rooms.insert(room, head);
        }
        let Some(head) = self.rooms.get_mut(&room) else {
            return;
        };
        head.channel = way.head();
        head.take(said, &latest);
        head.latest = latest;
        let first = head.waits.unwrap_or_default()[place(entry.source)];
        if first.is_none_or(|first| entry.id < first) {
            let mut waits = head.waits.unwrap_or_default();
            waits[place(entry.source)] = Some(entry.id);
            self.wait(room, waits);
        }
    }

    /// Where the room of this channel stands is to be said again, as far as it
    /// is known; false when it is not said in this channel.
    pub(super) fn again(&mut self, channel: Channel) -> bool {
        let Some((room, _)) = channel.room() else {
            return false;
        };
        let Some(head) = self.rooms.get(&room).filter(|head| head.channel == channel) else {
            return false;
        };
        self.wait(room, head.waits.unwrap_or_default());
        true
    }

    /// Nothing is to be said of the room any more.
    pub(super) fn forget(&mut self, room: RoomId) {
        self.unlist(room);
        self.rooms.remove(&room);
    }

    /// When the next word may be spoken; none while nothing waits.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Whether more rooms wait than are remembered: nothing more should be
    /// read before some of them were spoken of.
    pub(super) fn is_full(&self) -> bool {
        self.due.len() >= self.max
    }

    /// The first entry of a stream that a word waits for.
    pub(super) fn floor(&self, source: Source) -> Option<EntryId> {
        self.waiting[place(source)].first().map(|(first, _)| *first)
    }

    /// What may be said now, in the order in which it became due. A room goes
    /// on waiting until [`spoken`](Self::spoken).
    pub(super) fn due(&mut self, at_most: usize) -> Vec<Word> {
        let due = self.due.iter().take_while(|(due, _)| *due <= self.now);
        let due: Vec<RoomId> = due.map(|(_, room)| *room).take(at_most).collect();
        let words = due.into_iter().filter_map(|room| {
            let word = self.rooms.get(&room).and_then(|head| head.word(room).ok());
            if word.is_none() {
                // What was passed through unread was not what it should be.
                metrics::counter!("plaza_publisher_skipped_total", "reason" => "no_head")
                    .increment(1);
                self.spoken(room, self.now);
            }
            word
        });
        words.collect()
    }

    /// The word on a room was answered at this time.
    pub(super) fn spoken(&mut self, room: RoomId, at: Instant) {
        self.unlist(room);
        if let Some(head) = self.rooms.get_mut(&room) {
            head.spoken = at;
            head.waits = None;
            self.idle.insert((at, room));
        }
    }

    fn wait(&mut self, room: RoomId, waits: First) {
        self.unlist(room);
        let Some(head) = self.rooms.get_mut(&room) else {
            return;
        };
        head.waits = Some(waits);
        self.due.insert((head.spoken + self.every, room));
        for (waiting, first) in self.waiting.iter_mut().zip(waits) {
            waiting.extend(first.map(|first| (first, room)));
        }
    }

    /// Takes a room out of every order.
    fn unlist(&mut self, room: RoomId) {
        let Some(head) = self.rooms.get(&room) else {
            return;
        };
        self.idle.remove(&(head.spoken, room));
        self.due.remove(&(head.spoken + self.every, room));
        for (waiting, first) in self.waiting.iter_mut().zip(head.waits.unwrap_or_default()) {
            if let Some(first) = first {
                waiting.remove(&(first, room));
            }
        }
    }

    /// Forgets rooms that do not wait, and of which it no longer matters when
    /// they were spoken of.
    fn make_room(&mut self) {
        while self.rooms.len() >= self.max {
            match self.idle.first() {
                Some((spoken, room)) if *spoken + self.every <= self.now => self.forget(*room),
                _ => return,
            }
        }
    }
}

impl Head {
    fn take(&mut self, said: Said, event: &Arc<str>) {
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
    }

    fn word(&self, room: RoomId) -> serde_json::Result<Word> {
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
            event,
        })
    }
}

/// What is to be said of a room.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) room: RoomId,
    /// Where.
    pub(super) channel: Channel,
    /// The event.
    pub(super) event: Box<RawValue>,
}

const fn place(source: Source) -> usize {
    match source {
        Source::Rooms => 0,
        Source::Messages => 1,
    }
}
