//! Publishing what was read together, to its end.

use chrono::Utc;
use plaza_events::{
    Source,
    stream::{DeadLetter, EntryId, Lease, Read, StreamError},
};
use plaza_kit::shutdown::Shutdown;
use tokio::time::Instant;

use super::{
    Interrupted, Publisher,
    progress::{Progress, ends},
};
use crate::publisher::{
    Ended, backlog, heads::Word, incoming::mark_who_came_back, plan::Window,
    publication::Publication, rooms::Known, send::Sent,
};

/// Rooms that are spoken of at the same time.
const SPEAK_AT_ONCE: usize = 256;

impl Publisher {
    /// Publishes what was read together, and moves the cursor past it. When
    /// Redis does not take the cursor, the next read begins at the old one and
    /// everything behind it is published again.
    pub(super) async fn publish(
        &mut self,
        read: Read,
        lease: &Lease,
        shutdown: &Shutdown,
    ) -> Result<(), Interrupted> {
        if read.begins {
            // What Redis lost may have said who is no longer a member.
            self.state.rooms.clear();
            self.state.heads.begin(Instant::now());
            self.progress = Progress::default();
        }
        let mut dead = read.dead;
        let mut entries = self.parse(read.entries, &mut dead);
        mark_who_came_back(&mut entries);
        let condensed = backlog::condense(&mut entries, Utc::now().timestamp_millis());
        metrics::counter!("plaza_publisher_condensed_total").increment(condensed as u64);
        self.ask_for_missing(&entries, shutdown).await?;

        let mut done = 0;
        loop {
            let (mut publications, until) = self
                .next_window(&entries, done, &mut dead, shutdown)
                .await?;
            let next = entries.get(until).map(|(entry, _)| entry.source);
            // Removals go first.
            let words = if read.more || next == Some(Source::Rooms) {
                Vec::new()
            } else {
                self.words()
            };
            if until == entries.len() && publications.is_empty() && words.is_empty() {
                break;
            }
            let first_word = publications.len();
            publications.extend(words.iter().map(Word::publication));
            self.keep_pace(&publications);
            let mut window = Window::new(publications);
            let sent = self.sender.send(&mut window, lease, shutdown).await;
            for (place, word) in (first_word..).zip(&words) {
                if window.is_answered(place) {
                    self.state.heads.spoken(word.room, Instant::now());
                }
            }
            dead.extend(
                self.letters
                    .refused(self.sender.take_refused(), &entries, &words),
            );
            let open = window.first_open().and_then(|open| open.of.first());
            let answered = open.map_or(until, |origin| origin.place);
            self.progress.deal(&ends(&entries[..answered]));
            if answered < entries.len() && sent != Err(Ended::Lost) {
                self.bury(&mut dead).await?;
                self.advance(lease).await?;
                if shutdown.is_finishing() {
                    return Err(Ended::Stopped.into());
                }
            }
            match sent? {
                Sent::All => done = until,
                Sent::Away => {
                    self.reader.rewind();
                    return Ok(());
                }
                Sent::Apart => {
                    self.apart = true;
                    self.reader.rewind();
                    return Ok(());
                }
            }
        }
        // Up to the very end, which may be an entry that could not be read.
        self.progress.deal(&read.ends);
        self.bury(&mut dead).await?;
        self.advance(lease).await?;
        lease.moved();
        self.apart = false;
        Ok(())
    }

    /// Lets what comes next wait for as long as the large rooms among these
    /// publications take.
    fn keep_pace(&mut self, publications: &[Publication]) {
        let rooms = publications.iter().filter_map(Publication::room);
        let audiences = rooms.map(|room| match self.state.rooms.get_mut(room) {
            Known::Room(known) => known.audience(),
            Known::Nothing | Known::Gone => 0,
        });
        let deliveries = audiences.sum();
        self.pace.published(deliveries, Instant::now());
    }

    /// What may be said now of where rooms stand.
    fn words(&mut self) -> Vec<Word> {
        self.state.heads.at(Instant::now());
        self.state.heads.due(SPEAK_AT_ONCE)
    }

    /// Puts aside what can never be published.
    async fn bury(&mut self, dead: &mut Vec<DeadLetter>) -> Result<(), StreamError> {
        self.reader.bury(dead).await?;
        for letter in dead.drain(..) {
            let service = letter.source.name();
            metrics::counter!("plaza_dead_letters_total", "service" => service).increment(1);
            tracing::error!(
                partition = self.partition.number(),
                stream = service,
                entry = letter.entry,
                reason = letter.reason,
                "an event cannot be published: put to the dead letters"
            );
        }
        Ok(())
    }

    /// Moves the cursor behind what was dealt with, but not past what a word
    /// waits for.
    async fn advance(&mut self, lease: &Lease) -> Result<(), StreamError> {
        let heads = &self.state.heads;
        let held = |source| heads.floor(source).map(EntryId::previous);
        let ends = self.progress.ahead(held);
        if !ends.is_empty() {
            self.reader.advance(lease, &ends).await?;
            self.progress.moved(&ends);
            lease.moved();
        }
        Ok(())
    }
}
