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
    Ended, Limits, Stopped, backlog,
    directory::Directory,
    fold::{FoldLimits, fold},
    incoming::Incoming,
    plan::Window,
    rooms::Rooms,
    route::{Publication, Routed, Skipped, route},
    send::{Refusal, Sender, Sent},
    share::Share,
};

/// Longest wait of one read; bounds how long a shutdown waits for it, too.
pub(super) const BLOCK: Duration = Duration::from_secs(2);

/// Rooms that are asked for at the same time.
const ASK_AT_ONCE: usize = 8;

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

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
    reader: Reader,
    sender: Sender,
    rooms: Rooms,
    directory: Directory,
    limits: Limits,
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
        Self {
            partition,
            reader: Reader::new(redis, partition, BLOCK, limits.entries_per_read),
            sender,
            rooms: Rooms::new(limits.cached_members / Partition::COUNT),
            directory,
            limits,
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
                Ok(()) => longest = BLOCK,
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
        let block = match self.sender.gaps_due() {
            None => longest,
            Some(due) => {
                let left = due.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return self.sender.reveal_gaps(lease, shutdown).await;
                }
                left
            }
        };
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
        match published {
            Ok(()) => Ok(()),
            Err(Interrupted::Ended(ended)) => Err(ended),
            Err(Interrupted::Redis(error)) => Ok(self.wait_for_redis(&error, shutdown).await?),
        }
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
            self.rooms.clear();
        }
        let mut dead = read.dead;
        let mut entries = self.parse(read.entries, &mut dead);
        let condensed = backlog::condense(&mut entries, Utc::now().timestamp_millis());
        metrics::counter!("plaza_publisher_condensed_total").increment(condensed as u64);
        self.ask_for_missing(&entries, shutdown).await?;

        let mut done = 0;
        while done < entries.len() {
            let (publications, until) = self
                .next_window(&entries, done, &mut dead, shutdown)
                .await?;
            let mut window = Window::new(publications);
            let sent = self.sender.send(&mut window, lease, shutdown).await;
            dead.extend(self.refused(&entries));
            let open = window.first_open().and_then(|open| open.of.first());
            let answered = open.map_or(until, |origin| origin.place);
            if answered < entries.len() && sent != Err(Ended::Lost) {
                self.bury(&mut dead).await?;
                self.advance(lease, &ends(&entries[..answered])).await?;
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
        self.bury(&mut dead).await?;
        self.advance(lease, &read.ends).await?;
        lease.moved();
        self.apart = false;
        Ok(())
    }

    fn parse(&self, entries: Vec<Entry>, dead: &mut Vec<DeadLetter>) -> Vec<(Entry, Incoming)> {
        let parsed = entries.into_iter().map(|entry| {
            let incoming = Incoming::parse(&entry).unwrap_or_else(|error| {
                dead.push(self.letter(&entry, chain(&error)));
                Incoming::Unknown
            });
            (entry, incoming)
        });
        parsed.collect()
    }

    fn letter(&self, entry: &Entry, reason: String) -> DeadLetter {
        DeadLetter {
            source: entry.source,
            partition: self.partition,
            entry: entry.id.to_string(),
            reason,
            fields: entry.into(),
        }
    }

    /// One letter for each event that Centrifugo refused, in however many
    /// channels it did.
    fn refused(&mut self, entries: &[(Entry, Incoming)]) -> Vec<DeadLetter> {
        let mut refused = self.sender.take_refused();
        refused.sort_by_key(|refusal| refusal.place);
        let of_one_event = refused.chunk_by(|one, other| one.place == other.place);
        let letters = of_one_event.filter_map(|refusals| {
            let (first, others) = refusals.split_first()?;
            let Refusal {
                code,
                message,
                channel,
                place,
            } = first;
            let (entry, _) = entries.get(*place)?;
            let more = match others.len() {
                0 => String::new(),
                more => format!(" and in {more} more"),
            };
            let reason =
                format!("Centrifugo refused it in {channel}{more} with code {code} ({message})");
            Some(self.letter(entry, reason))
        });
        letters.collect()
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
            .filter(|room| !self.rooms.knows(*room))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        let directory = &self.directory;
        let asked: Vec<_> = stream::iter(missing)
            .map(async |room| Ok((room, directory.room(room, shutdown).await?)))
            .buffer_unordered(ASK_AT_ONCE)
            .try_collect()
            .await?;
        for (id, room) in asked {
            self.rooms.insert(id, room);
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
            let mut asked = false;
            if matches!(incoming, Incoming::Pulse) && !self.lively.load(Ordering::Relaxed) {
                skipped(Skipped::NotLively);
                place += 1;
                continue;
            }
            loop {
                let rooms = &mut self.rooms;
                match route(incoming, entry, place, rooms, asked, &mut drafts) {
                    Ok(Routed::Added) => break,
                    Ok(Routed::Skipped(why)) => {
                        skipped(why);
                        break;
                    }
                    Ok(Routed::Ask(room)) => {
                        let state = self.directory.room(room, shutdown).await?;
                        self.rooms.insert(room, state);
                        asked = true;
                    }
                    Err(error) => {
                        dead.push(self.letter(entry, chain(&error)));
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
            FoldLimits::default()
        };
        let publications = fold(drafts, limits).unwrap_or_else(|error| {
            let of_window = entries[from..place].iter();
            dead.extend(of_window.map(|(entry, _)| self.letter(entry, chain(&error))));
            Vec::new()
        });
        Ok((publications, place))
    }

    async fn advance(
        &mut self,
        lease: &Lease,
        ends: &[(Source, EntryId)],
    ) -> Result<(), StreamError> {
        if !ends.is_empty() {
            self.reader.advance(lease, ends).await?;
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
