//! Where rooms in room mode stand, for lists: at most one word a room in an
//! interval, which carries the newest of everything. Pure: no I/O.
//!
//! A word that waits holds back the cursor: whoever comes next reads its
//! events again, and says it. So it needs no store of its own.

mod head;
#[cfg(test)]
mod testing;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use plaza_centrifugo::Channel;
use plaza_events::{
    Source,
    stream::{Entry, EntryId},
};
use plaza_types::RoomId;
use tokio::time::Instant;

use self::head::Head;
pub(super) use self::head::{Said, Word};
use super::rooms::Way;

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
            let head = Head::new(way.head(), latest.clone(), self.begun);
            self.idle.insert((head.spoken, room));
            self.rooms.insert(room, head);
        }
        let Some(head) = self.rooms.get_mut(&room) else {
            return;
        };
        head.channel = way.head();
        head.take(said, latest);
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

const fn place(source: Source) -> usize {
    match source {
        Source::Rooms => 0,
        Source::Messages => 1,
    }
}

#[cfg(test)]
mod tests {
    use plaza_types::Visibility;
    use proptest::prelude::*;

    use super::{
        testing::{EVERY, entry, message, of_message, spoken, way},
        *,
    };

    #[test]
    fn the_first_word_is_spoken_at_once_but_not_right_after_somebody_else() {
        let (room, start) = (RoomId::new(), Instant::now());
        let mut heads = Heads::new(EVERY, 10, start);
        let event = entry(Source::Messages, 1, message(room, 1, 1, "a", false));
        heads.note(way(room), &event, of_message(1, 1));
        assert!(
            spoken(&mut heads, start).is_empty(),
            "the owner before may just have"
        );
        assert_eq!(spoken(&mut heads, start + EVERY).len(), 1);
        let other = RoomId::new();
        heads.note(way(other), &event, of_message(1, 1));
        assert_eq!(spoken(&mut heads, start + EVERY).len(), 1);
    }

    #[test]
    fn what_waits_holds_back_both_streams_at_its_first_entry() {
        let (rooms, start) = ([RoomId::new(), RoomId::new()], Instant::now());
        let mut heads = Heads::new(EVERY, 10, start);
        let mut note = |room, source, ms| {
            let event = entry(source, ms, message(room, 1, 1, "a", false));
            heads.note(way(room), &event, of_message(1, 1));
        };
        note(rooms[0], Source::Messages, 5);
        note(rooms[1], Source::Messages, 7);
        note(rooms[1], Source::Rooms, 3);
        note(rooms[0], Source::Messages, 9);
        let at = |ms| Some(EntryId { ms, counter: 0 });
        assert_eq!(heads.floor(Source::Messages), at(5));
        assert_eq!(heads.floor(Source::Rooms), at(3));
        heads.spoken(rooms[0], start + EVERY);
        assert_eq!(heads.floor(Source::Messages), at(7));
        heads.forget(rooms[1]);
        assert_eq!(heads.floor(Source::Messages), None);
        assert_eq!(heads.floor(Source::Rooms), None);
    }

    #[test]
    fn a_word_goes_to_the_channel_of_the_latest_event_alone() {
        let (room, start) = (RoomId::new(), Instant::now());
        let mut heads = Heads::new(EVERY, 10, start);
        let before = way(room);
        let now = Way {
            visibility: Visibility::Private,
            generation: before.generation.next(),
            ..before
        };
        let event = entry(Source::Messages, 1, message(room, 1, 1, "a", false));
        heads.note(before, &event, of_message(1, 1));
        heads.note(now, &event, of_message(1, 1));
        heads.at(start + EVERY);
        let words = heads.due(10);
        assert_eq!(words.len(), 1);
        assert_eq!(words[0].channel, now.head());
        heads.spoken(room, start + EVERY);
        assert!(
            !heads.again(before.head()),
            "that channel is no longer spoken in"
        );
        assert!(heads.again(now.head()));
        assert_eq!(spoken(&mut heads, start + EVERY * 2).len(), 1);
    }

    proptest! {
        /// Whatever comes when: no room is spoken of twice in an interval, the
        /// last word has the newest, the cursor waits for it, and the number of
        /// rooms stays bounded.
        #[test]
        fn at_most_one_word_in_an_interval_and_the_last_one_always_comes(
            events in prop::collection::vec((0_usize..4, 0_u64..700), 1..80),
            max in 2_usize..6,
        ) {
            let start = Instant::now();
            let rooms: Vec<_> = (0..4).map(|_| RoomId::new()).collect();
            let mut heads = Heads::new(EVERY, max, start);
            let mut now = start;
            let mut words: HashMap<String, Vec<(Instant, i64)>> = HashMap::new();
            let mut newest: HashMap<RoomId, i64> = HashMap::new();
            let mut speak = |heads: &mut Heads, now| {
                for word in spoken(heads, now) {
                    let room = word["room"].as_str().unwrap().to_owned();
                    let seq = word["headSeq"].as_i64().unwrap();
                    words.entry(room).or_default().push((now, seq));
                }
            };
            for (at, (room, later)) in (1_u64..).zip(events) {
                now += Duration::from_millis(later);
                let seq = i64::try_from(at).unwrap();
                let event = message(rooms[room], seq, seq, "a", false);
                heads.at(now);
                heads.note(way(rooms[room]), &entry(Source::Messages, at, event), of_message(seq, seq));
                newest.insert(rooms[room], seq);
                prop_assert!(heads.floor(Source::Messages).is_some());
                prop_assert!(heads.rooms.len() <= 4);
                speak(&mut heads, now);
            }
            while let Some(due) = heads.next_due() {
                now = now.max(due);
                speak(&mut heads, now);
            }
            prop_assert_eq!(heads.floor(Source::Messages), None);
            prop_assert_eq!(heads.idle.len(), heads.rooms.len());
            for (room, newest) in newest {
                let words = &words[&room.to_string()];
                prop_assert_eq!(words.last().unwrap().1, newest);
                prop_assert!(words.windows(2).all(|two| two[1].0 - two[0].0 >= EVERY));
                prop_assert!(words[0].0 - start >= EVERY);
            }
        }
    }
}
