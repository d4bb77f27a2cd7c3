//! The publisher of one partition: read, route (`window`), send and move on
//! (`publish`).

mod progress;
mod publish;
mod window;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use plaza_events::{
    Partition,
    stream::{Lease, Read, Reader, StreamError},
};
use plaza_kit::{
    redis::Redis,
    retry::{Backoff, Outage},
    shutdown::Shutdown,
};
use tokio::time::Instant;

use self::progress::Progress;
use super::{
    Ended, Stopped, directory::Directory, heads::Heads, letters::Letters, pace::Pace, rooms::Rooms,
    route::State, send::Sender, settings::Limits, share::Share,
};

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
    progress: Progress,
    outage: Outage,
    backoff: Backoff,
    /// Whether signs of life may be given.
    lively: Arc<AtomicBool>,
    /// When the next is read, for large rooms to be folded.
    pace: Pace,
    /// Whether what is read next is published event by event, since several
    /// events in one publication were refused.
    apart: bool,
}

impl Publisher {
    pub(super) fn new(
        partition: Partition,
        redis: Redis,
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
            progress: Progress::default(),
            outage,
            backoff: Backoff::new(FIRST_DELAY, LONGEST_DELAY),
            lively,
            pace: limits.pace(),
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
        if let Some(next) = self.pace.wait(Instant::now()) {
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = shutdown.finishing() => return Err(Ended::Stopped),
            }
        }
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
}
