//! What a run counts while it goes on.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::clock::now_us;
use crate::latency::{BoundsError, Latencies, Recent};

/// Histograms of deliveries side by side, so that threads seldom wait for each
/// other.
const SHARDS: usize = 16;
/// For how long a fault explains publications that come again or late (µs).
const EXPLAINS_US: i64 = 10_000_000;

/// What becomes known of connections.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connections {
    /// From the wish for a connection token to the token.
    pub(crate) token: Latencies,
    /// From the wish to connect to a room that is followed.
    pub(crate) connect: Latencies,
    /// From the loss of a connection to a room that is followed again.
    pub(crate) reconnect: Latencies,
    /// From the notice that something is missing to all of it.
    pub(crate) catch_up: Latencies,
    /// From a storm, or the end of a blackout, to a room that is followed
    /// again.
    pub(crate) back: Latencies,
    /// From the same to a screen that lacks nothing.
    pub(crate) back_whole: Latencies,
}

impl Connections {
    pub(crate) fn new() -> Result<Self, BoundsError> {
        Ok(Self {
            token: Latencies::new()?,
            connect: Latencies::new()?,
            reconnect: Latencies::new()?,
            catch_up: Latencies::new()?,
            back: Latencies::new()?,
            back_whole: Latencies::new()?,
        })
    }
}

/// Deliveries of some subscribers.
#[derive(Debug)]
struct Shard {
    /// Of what is measured.
    measured: Latencies,
    /// Of all, since they were last taken.
    recent: Recent,
}

/// Counters and times of one run, which all its tasks share.
#[derive(Debug)]
pub(crate) struct Meters {
    /// What is due from the first to before the second is measured (µs of Unix
    /// time).
    measured: OnceLock<(i64, i64)>,
    deliveries: Vec<Mutex<Shard>>,
    connections: Mutex<Connections>,
    errors: Mutex<BTreeMap<String, u64>>,
    /// Until when a fault explains what comes again or late (µs of Unix time).
    explained_until_us: AtomicI64,
    /// Whether a storm or a blackout is under way.
    pub(crate) in_trouble: AtomicBool,
    /// Subscribers that are back and whole after the latest trouble.
    pub(crate) back: AtomicU64,
    /// Messages that screens have shown.
    pub(crate) shown: AtomicU64,
    /// Sends that were answered as accepted.
    pub(crate) accepted: AtomicU64,
    /// Subscribers that follow the room now.
    pub(crate) live: AtomicU64,
    /// Subscribers that have all that was accepted.
    pub(crate) whole: AtomicU64,
    /// How often something was missing before a change that came.
    pub(crate) gaps: AtomicU64,
    /// How often `changes` was asked.
    pub(crate) asked: AtomicU64,
    /// How often nothing had said for too long that a connection is live.
    pub(crate) polls: AtomicU64,
    /// Connections that ended before the run did.
    pub(crate) lost: AtomicU64,
    /// Connections that went on where the one before ended.
    pub(crate) recovered: AtomicU64,
}

impl Meters {
    pub(crate) fn new() -> Result<Self, BoundsError> {
        let shards = (0..SHARDS).map(|_| {
            let (measured, recent) = (Latencies::new()?, Recent::new()?);
            Ok(Mutex::new(Shard { measured, recent }))
        });
        Ok(Self {
            measured: OnceLock::new(),
            deliveries: shards.collect::<Result<_, _>>()?,
            connections: Mutex::new(Connections::new()?),
            explained_until_us: AtomicI64::new(i64::MIN),
            in_trouble: AtomicBool::new(false),
            back: AtomicU64::new(0),
            errors: Mutex::default(),
            shown: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            live: AtomicU64::new(0),
            whole: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            polls: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            recovered: AtomicU64::new(0),
        })
    }

    /// What is due in this time is measured, from now on and once for all.
    pub(crate) fn measure(&self, from_us: i64, time: Duration) {
        let time = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let _ = self.measured.set((from_us, from_us.saturating_add(time)));
    }

    /// What is measured, once that is known (µs of Unix time).
    pub(crate) fn measured(&self) -> Option<(i64, i64)> {
        self.measured.get().copied()
    }

    /// Whether what was due then is measured.
    pub(crate) fn is_measured(&self, due_us: i64) -> bool {
        let measured = self.measured.get();
        measured.is_some_and(|(from, to)| (*from..*to).contains(&due_us))
    }

    /// A subscriber was shown a message that was due then.
    pub(crate) fn shown(&self, subscriber: usize, due_us: i64, now_us: i64) {
        count(&self.shown);
        let (measured, us) = (self.is_measured(due_us), now_us - due_us);
        let mut shard = lock(&self.deliveries[subscriber % SHARDS]);
        shard.recent.record_us(us);
        if measured {
            shard.measured.record_us(us);
        }
    }

    /// Takes out the times of all deliveries since the last time, into what
    /// was taken of others.
    pub(crate) fn take_recent(&self, into: &mut Recent) {
        for shard in &self.deliveries {
            into.take(&mut lock(shard).recent);
        }
    }

    /// Times of all deliveries that were measured.
    pub(crate) fn deliveries(&self) -> Result<Latencies, BoundsError> {
        let mut all = Latencies::new()?;
        for shard in &self.deliveries {
            all.add(&lock(shard).measured);
        }
        Ok(all)
    }

    pub(crate) fn connections(&self) -> MutexGuard<'_, Connections> {
        lock(&self.connections)
    }

    /// Something failed, whatever came of it.
    pub(crate) fn error(&self, label: String) {
        let until_us = now_us().saturating_add(EXPLAINS_US);
        self.explained_until_us
            .fetch_max(until_us, Ordering::Relaxed);
        *lock(&self.errors).entry(label).or_default() += 1;
    }

    /// Whether something failed in the 10 s before.
    pub(crate) fn is_explained(&self, now_us: i64) -> bool {
        now_us <= self.explained_until_us.load(Ordering::Relaxed)
    }

    /// How many of them there were.
    pub(crate) fn error_count(&self) -> u64 {
        lock(&self.errors).values().sum()
    }

    pub(crate) fn errors(&self) -> BTreeMap<String, u64> {
        lock(&self.errors).clone()
    }
}

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_due_in_time_is_measured() {
        let meters = Meters::new().unwrap();
        meters.shown(0, 500, 600);
        meters.measure(1_000, Duration::from_micros(10));
        for (subscriber, due) in [(1, 999), (2, 1_000), (3, 1_009), (4, 1_010)] {
            meters.shown(subscriber, due, due + 5);
        }
        assert_eq!(meters.deliveries().unwrap().quantiles().count, 2);
        let mut recent = Recent::new().unwrap();
        meters.take_recent(&mut recent);
        meters.take_recent(&mut recent);
        assert_eq!(recent.count(), 5, "whether measured or not, and once");
        assert_eq!(meters.shown.into_inner(), 5);
    }
}
