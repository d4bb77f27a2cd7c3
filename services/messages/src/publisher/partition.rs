//! The publisher of one partition: read, route, send, move on.

use std::{convert::Infallible, time::Duration};

use futures::{StreamExt, TryStreamExt, stream};
use plaza_events::{
    Partition, Source,
    stream::{Entry, EntryId, Read, Reader, StreamError},
};
use plaza_kit::{
    retry::{Backoff, Outage},
    shutdown::Shutdown,
};
use plaza_types::RoomId;
use tokio::time::Instant;

use super::{
    Limits, Stopped,
    directory::Directory,
    incoming::Incoming,
    plan::Window,
    rooms::Rooms,
    route::{Publication, Routed, Skipped, route},
    send::{Sender, Sent},
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
    Stopped(Stopped),
    Redis(StreamError),
}

impl From<Stopped> for Interrupted {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl From<StreamError> for Interrupted {
    fn from(error: StreamError) -> Self {
        Self::Redis(error)
    }
}

/// Owns a partition. Whatever makes an owner of it, such as a lease, would be
/// taken around [`run`](Self::run).
pub(super) struct Publisher {
    partition: Partition,
    reader: Reader,
    sender: Sender,
    rooms: Rooms,
    directory: Directory,
    limits: Limits,
    outage: Outage,
    backoff: Backoff,
}

impl Publisher {
    pub(super) fn new(
        partition: Partition,
        redis: redis::Client,
        sender: Sender,
        directory: Directory,
        limits: Limits,
        outage: Outage,
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
        }
    }

    /// Publishes until the shutdown finishes. What is under way then is
    /// finished, unless something that it needs is away.
    pub(super) async fn run(mut self, shutdown: Shutdown) -> Result<(), Infallible> {
        while !shutdown.is_finishing() {
            if self.turn(&shutdown).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    async fn turn(&mut self, shutdown: &Shutdown) -> Result<(), Stopped> {
        let block = match self.sender.gaps_due() {
            None => BLOCK,
            Some(due) => {
                let left = due.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return self.sender.reveal_gaps(shutdown).await;
                }
                left
            }
        };
        let read = tokio::select! {
            read = self.reader.read(block) => read,
            () = shutdown.finishing() => return Err(Stopped),
        };
        let published = match read {
            Ok(read) => {
                self.outage.answered();
                self.backoff.reset();
                self.publish(read, shutdown).await
            }
            Err(error) => Err(error.into()),
        };
        match published {
            Ok(()) => Ok(()),
            Err(Interrupted::Stopped(stopped)) => Err(stopped),
            Err(Interrupted::Redis(error)) => self.wait_for_redis(&error, shutdown).await,
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
    async fn publish(&mut self, read: Read, shutdown: &Shutdown) -> Result<(), Interrupted> {
        if read.begins {
            // What Redis lost may have said who is no longer a member.
            self.rooms.clear();
        }
        let entries = self.parse(read.entries);
        self.ask_for_missing(&entries, shutdown).await?;

        let mut done = 0;
        while done < entries.len() {
            let (publications, until) = self.next_window(&entries, done, shutdown).await?;
            let mut window = Window::new(publications);
            let sent = self.sender.send(&mut window, shutdown).await;
            let open = window.first_open().and_then(|open| open.of.as_ref());
            let answered = open.map_or(until, |origin| origin.place);
            if answered < entries.len() {
                self.advance(&ends(&entries[..answered])).await?;
                if shutdown.is_finishing() {
                    return Err(Stopped.into());
                }
            }
            if sent? == Sent::Away {
                self.reader.rewind();
                return Ok(());
            }
            done = until;
        }
        // Up to the very end, which may be an entry that could not be read.
        self.advance(&read.ends).await
    }

    fn parse(&self, entries: Vec<Entry>) -> Vec<(Entry, Incoming)> {
        let parsed = entries.into_iter().map(|entry| {
            let incoming = Incoming::parse(&entry).unwrap_or_else(|error| {
                self.malformed(&entry, &error);
                Incoming::Unknown
            });
            (entry, incoming)
        });
        parsed.collect()
    }

    fn malformed(&self, entry: &Entry, error: &dyn std::error::Error) {
        metrics::counter!("plaza_publisher_skipped_total", "reason" => "malformed").increment(1);
        tracing::error!(
            partition = self.partition.number(), stream = entry.source.name(), entry = %entry.id, %error,
            "an event cannot be published, passing over it"
        );
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
        shutdown: &Shutdown,
    ) -> Result<(Vec<Publication>, usize), Stopped> {
        let mut publications = Vec::new();
        let (mut place, mut deliveries) = (from, 0);
        while place < entries.len() && deliveries < self.limits.deliveries_per_window {
            let (entry, incoming) = &entries[place];
            let had = publications.len();
            let mut asked = false;
            loop {
                let rooms = &mut self.rooms;
                match route(incoming, entry, place, rooms, asked, &mut publications) {
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
                        self.malformed(entry, &error);
                        break;
                    }
                }
            }
            deliveries += publications[had..]
                .iter()
                .map(|publication| publication.to.channels().len())
                .sum::<usize>();
            place += 1;
        }
        Ok((publications, place))
    }

    async fn advance(&mut self, ends: &[(Source, EntryId)]) -> Result<(), Interrupted> {
        if ends.is_empty() {
            return Ok(());
        }
        Ok(self.reader.advance(ends).await?)
    }
}

fn skipped(why: Skipped) {
    let reason = match why {
        Skipped::UnknownType => "unknown_type",
        Skipped::NoRoom => "no_room",
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
