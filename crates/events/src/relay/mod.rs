//! The relay: moves events from a service's outbox to the streams in Redis.
//!
//! One transaction at a time relays a partition, under a transaction advisory
//! lock that falls with its connection. It reads in id order, adds to the
//! stream, deletes what Redis acknowledged and commits. Replicas of a service
//! run side by side: the one that has just committed a change tries first, and
//! a poll finds what a crash left. When Redis is away the outbox is the queue.
//!
//! Redis may lose what it acknowledged. So each partition has a row in the
//! table `relay` with the `run_id` that was last written to; whoever holds the
//! lock and meets another one first says again what may be lost ([`Repeat`]).

mod args;
mod discard;
mod floor;
mod line;
mod partition;
mod poll;
mod repeat;
mod rows;
mod target;
mod watch;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use plaza_kit::{redis::Redis, retry::Outage, shutdown::Shutdown};
use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio::sync::Notify;

use self::line::Line;
use crate::{Partition, Source};

pub use args::RelayArgs;
pub use repeat::{LONGEST_BACKLOG, Repeat, Repeated};

/// The relay of one service's outbox. Made with [`Relay::new`], started with
/// [`Relay::spawn`].
pub struct Relay {
    shared: Arc<Shared>,
    redis: Option<Redis>,
}

/// Tells the relay of a commit. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RelayHandle {
    shared: Arc<Shared>,
}

impl RelayHandle {
    /// Relays what is in the partition, now. Call it after the commit: before,
    /// there is nothing to see.
    pub fn wake(&self, partition: Partition) {
        self.shared.lanes[partition.index()].wake.notify_one();
    }
}

/// What the tasks of a relay have in common.
#[derive(Debug)]
struct Shared {
    source: Source,
    args: RelayArgs,
    pool: PgPool,
    lanes: [Lane; Partition::COUNT],
}

/// A partition as the other tasks see it.
#[derive(Debug, Default)]
struct Lane {
    wake: Notify,
    /// The lowest id that may still be unread.
    floor: AtomicI64,
}

impl Shared {
    fn floors(&self) -> Vec<i64> {
        self.lanes
            .iter()
            .map(|lane| lane.floor.load(Ordering::Relaxed))
            .collect()
    }
}

impl Relay {
    /// A relay of the outbox in the database of `options`, over connections of
    /// its own, so that neither it nor the service waits for the other.
    ///
    /// Without `redis` real time is off: events are deleted unread.
    pub fn new(
        source: Source,
        options: PgConnectOptions,
        redis: Option<Redis>,
        args: RelayArgs,
    ) -> (Self, RelayHandle) {
        let shared = Arc::new(Shared {
            source,
            pool: rows::pool(options, &args),
            args,
            lanes: Default::default(),
        });
        let handle = RelayHandle {
            shared: shared.clone(),
        };
        (Self { shared, redis }, handle)
    }

    /// Runs until the shutdown finishes; by then the outbox is empty, or
    /// whatever is away has kept it from being emptied. `repeat` knows what to
    /// say again when Redis may have forgotten it.
    pub fn spawn(self, repeat: impl Repeat, shutdown: &Shutdown) {
        let database = Outage::new("the outbox's database");
        let Some(redis) = self.redis else {
            let discard = discard::run(self.shared, database, shutdown.clone());
            shutdown.spawn("outbox discard", discard);
            return;
        };
        // There from the start, so that its first rise is seen.
        let service = self.shared.source.name();
        metrics::counter!("plaza_relay_repeated_total", "service" => service).increment(0);
        let outage = Outage::new("Redis of the streams");
        let repeat: Arc<dyn Repeat> = Arc::new(repeat);
        for (line, partitions) in Line::all(&redis) {
            for partition in &partitions {
                let runner = partition::Runner::new(
                    *partition,
                    self.shared.clone(),
                    line.clone(),
                    repeat.clone(),
                    database.clone(),
                    outage.clone(),
                );
                shutdown.spawn("relay", runner.run(shutdown.clone()));
            }
            let (shared, outage) = (self.shared.clone(), outage.clone());
            let watch = watch::run(shared, line, partitions, outage, shutdown.clone());
            shutdown.spawn("relay's Redis", watch);
        }
        let poll = poll::run(self.shared, database, shutdown.clone());
        shutdown.spawn("outbox poll", poll);
    }
}
