//! The publisher of one partition: read, route, send, move on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::Utc;
use futures::{StreamExt, TryStreamExt, stream};
use plaza_events::{
    Partition, Source,
    stream::{DeadLetter, Entry, EntryId, Lease, Read, Reader, StreamError},
};
use plaza_kit::{
    http::chain,
    retry::{Backoff, Outage},
    shutdown::Shutdown,
};
use plaza_types::RoomId;
use tokio::time::Instant;

use super::{
    Ended, Stopped, backlog,
    directory::Directory,
    fold::{FoldLimits, fold},
    heads::{Heads, Word},
    incoming::{Incoming, mark_who_came_back},
    letters::Letters,
    plan::Window,
    rooms::Rooms,
    route::{Asked, Publication, Question, Routed, Skipped, State, route},
    send::{Sender, Sent},
    settings::Limits,
    share::Share,
};

/// Rooms that are asked for at the same time.
const ASK_AT_ONCE: usize = 8;

/// Rooms that are spoken of at the same time.
const SPEAK_AT_ONCE: usize = 256;

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(1);

/// Why what was read was not published to its end.
#[derive(Debug)]
enum Interrupted {
    Ended(Ended),
    Redis(StreamError),
}

impl From<Ended> for Interrupted {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

impl From<Stopped> for Interrupted {
    fn from(stopped: Stopped) -> Self {
        Self::Ended(stopped.into())
    }
}

impl From<StreamError> for Interrupted {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::NotOwner => Self::Ended(Ended::Lost),
            error => Self::Redis(error),
        }
    }
}

/// Publishes a partition while its lease stands.
pub(super) struct Publisher {
    partition: Partition,
    letters: Letters,
    reader: Reader,
    sender: Sender,
    state: State,
    directory: Directory,
    limits: Limits,
    /// For each stream the last entry that was dealt with, but for the words
    /// that wait, and where the cursor stands.
    dealt: [Option<EntryId>; Source::ALL.len()],
    moved: [Option<EntryId>; Source::ALL.len()],
    outage: Outage,
    backoff: Backoff,
    /// Whether signs of life may be given.
    lively: Arc<AtomicBool>,
    /// Whether what is read next is published event by event, since several
    /// events in one publication were refused.
    apart: bool,
}

impl Publisher {
    pub(super) fn new(
        partition: Partition,
        redis: redis::Client,
        sender: Sender,
        directory: Directory,
        limits: Limits,
        outage: Outage,
        lively: Arc<AtomicBool>,
    ) -> Self {
        let state = State {
            rooms: Rooms::new(limits.cached_members / Partition::COUNT),
            heads: Heads::new(
                limits.head_every(),
                (limits.heads / Partition::COUNT).max(1),
                Instant::now(),
            ),
        };
        Self {
            partition,
            letters: Letters::new(partition),
            reader: Reader::new(redis, partition, limits.block(), limits.entries_per_read),
            sender,
            state,
            directory,
            limits,
            dealt: [None; Source::ALL.len()],
            moved: [None; Source::ALL.len()],
            outage,
            backoff: Backoff::new(FIRST_DELAY, LONGEST_DELAY),
            lively,
            apart: false,
        }
    }

    /// Forgets how far it has come: another one may have been the owner since.
    pub(super) fn reset(&mut self) {
        self.reader.reset();
        self.sender.take_refused();
    }

    /// Publishes until the shutdown finishes, the lease is lost, or this
    /// process has more than its share. What is under way when a shutdown
    /// finishes is ended well, unless something that it needs is away.
    pub(super) async fn publish_while(
        &mut self,
        lease: &Lease,
        share: &Share,
        shutdown: &Shutdown,
    ) -> Ended {
        // The first read looks without waiting, so that others learn soon that
        // the partition has an owner.
        let mut longest = Duration::from_millis(1);
        loop {
            if shutdown.is_finishing() {
                return Ended::Stopped;
            }
            if share.yield_one() {
                return Ended::Yielded;
            }
            match self.turn(longest, lease, shutdown).await {
                Ok(()) => longest = self.limits.block(),
                Err(ended) => return ended,
            }
        }
    }

    async fn turn(
        &mut self,
        longest: Duration,
        lease: &Lease,
        shutdown: &Shutdown,
    ) -> Result<(), Ended> {
        let now = Instant::now();
        if self.sender.gaps_due().is_some_and(|due| due <= now) {
            return self.reveal_gaps(lease, shutdown).await;
        }
        let word_due = self.state.heads.next_due();
        if let Some(due) = word_due
            && self.state.heads.is_full()
        {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                () = shutdown.finishing() => return Err(Ended::Stopped),
            }
            let published = self.publish(Read::default(), lease, shutdown).await;
            return self.settle(published, shutdown).await;
        }
        let due = [self.sender.gaps_due(), word_due].into_iter().flatten();
        let block = due
            .map(|due| due.saturating_duration_since(now))
            .fold(longest, Duration::min);
        let read = tokio::select! {
            read = self.reader.read(block) => read,
            () = shutdown.finishing() => return Err(Ended::Stopped),
        };
        let published = match read {
            Ok(read) => {
                self.outage.answered();
                self.backoff.reset();
                self.publish(read, lease, shutdown).await
            }
            Err(error) => Err(error.into()),
        };
        self.settle(published, shutdown).await
    }

    async fn settle(
        &mut self,
        published: Result<(), Interrupted>,
        shutdown: &Shutdown,
    ) -> Result<(), Ended> {
        match published {
            Ok(()) => Ok(()),
            Err(Interrupted::Ended(ended)) => Err(ended),
            Err(Interrupted::Redis(error)) => Ok(self.wait_for_redis(&error, shutdown).await?),
        }
    }

    /// After trouble: lets the clients of each channel that may have lost a
    /// publication notice. Where a room stands is said once more, since who
    /// subscribes gets the last publication of that channel.
    async fn reveal_gaps(&mut self, lease: &Lease, shutdown: &Shutdown) -> Result<(), Ended> {
        let heads = &mut self.state.heads;
        let mut channels = self.sender.take_touched();
        channels.retain(|channel| !heads.again(*channel));
        self.sender.reveal_gaps(channels, lease, shutdown).await
    }

    async fn wait_for_redis(
        &mut self,
        error: &StreamError,
        shutdown: &Shutdown,
    ) -> Result<(), Stopped> {
        self.outage.failed(error);
        tokio::select! {
            () = tokio::time::sleep(self.backoff.delay()) => Ok(()),
            () = shutdown.finishing() => Err(Stopped),
        }
    }

    /// Publishes what was read together, and moves the cursor past it. When
    /// Redis does not take the cursor, the next read begins at the old one and
    /// everything behind it is published again.
    async fn publish(
        &mut self,
        read: Read,
        lease: &Lease,
        shutdown: &Shutdown,
    ) -> Result<(), Interrupted> {
        if read.begins {
            // What Redis lost may have said who is no longer a member.
            self.state.rooms.clear();
            self.state.heads.begin(Instant::now());
            self.dealt = Default::default();
            self.moved = Default::default();
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
            self.deal(&ends(&entries[..answered]));
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
        self.deal(&read.ends);
        self.bury(&mut dead).await?;
        self.advance(lease).await?;
        lease.moved();
        self.apart = false;
        Ok(())
    }

    /// What may be said now of where rooms stand.
    fn words(&mut self) -> Vec<Word> {
        self.state.heads.at(Instant::now());
        self.state.heads.due(SPEAK_AT_ONCE)
    }

    fn parse(&self, entries: Vec<Entry>, dead: &mut Vec<DeadLetter>) -> Vec<(Entry, Incoming)> {
        let parsed = entries.into_iter().map(|entry| {
            let incoming = Incoming::parse(&entry).unwrap_or_else(|error| {
                dead.push(self.letters.letter(&entry, chain(&error)));
                Incoming::Unknown
            });
            (entry, incoming)
        });
        parsed.collect()
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

    /// Asks for the rooms that are not known, several at once.
    async fn ask_for_missing(
        &mut self,
        entries: &[(Entry, Incoming)],
        shutdown: &Shutdown,
    ) -> Result<(), Stopped> {
        let mut missing: Vec<RoomId> = entries
            .iter()
            .filter_map(|(_, incoming)| incoming.room())
            .filter(|room| !self.state.rooms.knows(*room))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        let directory = &self.directory;
        let asked: Vec<_> = stream::iter(missing)
            .map(async |room| Ok((room, directory.room(room, None, shutdown).await?)))
            .buffer_unordered(ASK_AT_ONCE)
            .try_collect()
            .await?;
        for (id, room) in asked {
            self.state.rooms.insert(id, room);
        }
        Ok(())
    }

    /// Routes entries from `from` on, as many as make a window; answers its
    /// publications and the place behind the last entry.
    async fn next_window(
        &mut self,
        entries: &[(Entry, Incoming)],
        from: usize,
        dead: &mut Vec<DeadLetter>,
        shutdown: &Shutdown,
    ) -> Result<(Vec<Publication>, usize), Stopped> {
        let mut drafts = Vec::new();
        let (mut place, mut deliveries) = (from, 0);
        while place < entries.len() && deliveries < self.limits.deliveries_per_window {
            let (entry, incoming) = &entries[place];
            let had = drafts.len();
            let mut asked = Asked::Nothing;
            if matches!(incoming, Incoming::Pulse) && !self.lively.load(Ordering::Relaxed) {
                skipped(Skipped::NotLively);
                place += 1;
                continue;
            }
            loop {
                let state = &mut self.state;
                match route(incoming, entry, place, state, asked, &mut drafts) {
                    Ok(Routed::Added) => break,
                    Ok(Routed::Skipped(why)) => {
                        skipped(why);
                        break;
                    }
                    Ok(Routed::Ask(question)) => {
                        let Question { room, joined_by } = question;
                        let answer = self.directory.room(room, joined_by, shutdown).await?;
                        self.state.rooms.insert(room, answer);
                        asked = match joined_by {
                            None => Asked::Readers,
                            Some(_) => Asked::EarlyMembers,
                        };
                    }
                    Err(error) => {
                        dead.push(self.letters.letter(entry, chain(&error)));
                        break;
                    }
                }
            }
            deliveries += drafts[had..]
                .iter()
                .map(|draft| draft.to.channels().len())
                .sum::<usize>();
            place += 1;
        }
        let limits = if self.apart {
            FoldLimits::ALONE
        } else {
            self.limits.fold()
        };
        let publications = fold(drafts, limits).unwrap_or_else(|error| {
            let of_window = entries[from..place].iter();
            dead.extend(of_window.map(|(entry, _)| self.letters.letter(entry, chain(&error))));
            Vec::new()
        });
        Ok((publications, place))
    }

    /// Takes note of what was dealt with, up to the last entry of each stream.
    fn deal(&mut self, ends: &[(Source, EntryId)]) {
        for (source, last) in ends {
            let dealt = &mut self.dealt[*source as usize];
            *dealt = (*dealt).max(Some(*last));
        }
    }

    /// Moves the cursor behind what was dealt with, but not past what a word
    /// waits for.
    async fn advance(&mut self, lease: &Lease) -> Result<(), StreamError> {
        let mut ends = Vec::new();
        for source in Source::ALL {
            let held = self.state.heads.floor(source).map(EntryId::previous);
            let Some(dealt) = self.dealt[source as usize] else {
                continue;
            };
            let end = held.map_or(dealt, |held| held.min(dealt));
            if self.moved[source as usize].is_none_or(|moved| moved < end) {
                ends.push((source, end));
            }
        }
        if !ends.is_empty() {
            self.reader.advance(lease, &ends).await?;
            for (source, end) in ends {
                self.moved[source as usize] = Some(end);
            }
            lease.moved();
        }
        Ok(())
    }
}

fn skipped(why: Skipped) {
    let reason = match why {
        Skipped::UnknownType => "unknown_type",
        Skipped::NoRoom => "no_room",
        Skipped::Old => "old",
        Skipped::NotLively => "not_lively",
    };
    metrics::counter!("plaza_publisher_skipped_total", "reason" => reason).increment(1);
}

/// The last entry of each stream.
fn ends(entries: &[(Entry, Incoming)]) -> Vec<(Source, EntryId)> {
    Source::ALL
        .into_iter()
        .filter_map(|source| {
            let of_source = |(entry, _): &&(Entry, Incoming)| entry.source == source;
            let (last, _) = entries.iter().rev().find(of_source)?;
            Some((source, last.id))
        })
        .collect()
}
