//! Numbered feeds that every replica polls each second: auth's revocations and
//! rooms' removals. No Redis in the way, and an empty answer costs nothing.
//!
//! Numbers become visible in order. A poller says the epoch and the last
//! number it has; an answer continues from there, or, with another epoch or a
//! `since` that is too old, holds the whole list and replaces.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use plaza_types::Epoch;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{health::Readiness, shutdown::Shutdown};

/// Between two polls.
pub const POLL_EVERY: Duration = Duration::from_secs(1);
/// How long a feed may be silent after the start before that is told.
const START_GRACE: Duration = Duration::from_secs(3);

/// What a poller has already.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct FeedQuery {
    /// The last number; none: nothing yet.
    pub since: Option<i64>,
    /// The epoch that the number is of.
    pub epoch: Option<Epoch>,
}

/// One entry of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedEntry<E> {
    /// Its place in the feed.
    pub number: i64,
    /// What it says.
    #[serde(flatten)]
    pub entry: E,
}

/// An answer to a poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedAnswer<E> {
    /// The installation's epoch.
    pub epoch: Epoch,
    /// The newest number; the next `since`.
    pub last: i64,
    /// Whether `entries` is the whole list and replaces what the poller holds.
    pub replace: bool,
    /// In the order of their numbers.
    pub entries: Vec<FeedEntry<E>>,
}

/// Whether a poller can be answered with what came after its `since`.
///
/// `last` is the newest number and `dropped` the newest one that the feed has
/// already forgotten (0 when none).
pub fn continues(query: FeedQuery, epoch: Epoch, dropped: i64, last: i64) -> bool {
    query.epoch == Some(epoch)
        && query
            .since
            .is_some_and(|since| (dropped..=last).contains(&since))
}

/// What a poller does with the answers.
pub trait Consumer: Send + Sync + 'static {
    /// The entries of the feed.
    type Entry: Send;
    /// Takes one answer; with `replace` it is the whole list.
    fn apply(&self, replace: bool, entries: Vec<FeedEntry<Self::Entry>>);
}

/// How old the last answer is; unreachable feeds are told by it.
#[derive(Debug, Clone)]
pub struct Freshness {
    start: Instant,
    answered_ms: Arc<AtomicU64>,
}

const NEVER: u64 = u64::MAX;

impl Default for Freshness {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            answered_ms: Arc::new(AtomicU64::new(NEVER)),
        }
    }
}

impl Freshness {
    fn answered(&self, asked: Instant) {
        let ms = asked.duration_since(self.start).as_millis();
        self.answered_ms
            .store(u64::try_from(ms).unwrap_or(NEVER - 1), Ordering::Release);
    }

    /// Time since the last answered poll was asked; none before the first.
    pub fn age(&self) -> Option<Duration> {
        match self.answered_ms.load(Ordering::Acquire) {
            NEVER => None,
            ms => Some(
                Instant::now().saturating_duration_since(self.start + Duration::from_millis(ms)),
            ),
        }
    }
}

/// Polls each second until the end and feeds `consumer`. The readiness check
/// `name` holds from the first answer on: while the feed is down afterwards,
/// the service goes on with what it has.
pub fn poll<C, F, E>(
    name: &'static str,
    consumer: Arc<C>,
    ask: impl Fn(FeedQuery) -> F + Send + Sync + 'static,
    readiness: Readiness,
    shutdown: &Shutdown,
) -> Freshness
where
    C: Consumer,
    F: Future<Output = Result<FeedAnswer<C::Entry>, E>> + Send,
    E: std::error::Error + Send + Sync + 'static,
{
    let freshness = Freshness::default();
    let (fresh, stop) = (freshness.clone(), shutdown.clone());
    shutdown.spawn(name, async move {
        let mut query = FeedQuery::default();
        let mut failing = false;
        let begun = Instant::now();
        loop {
            let asked = Instant::now();
            match ask(query).await {
                Ok(answer) => {
                    query = FeedQuery {
                        since: Some(answer.last),
                        epoch: Some(answer.epoch),
                    };
                    if answer.replace || !answer.entries.is_empty() {
                        consumer.apply(answer.replace, answer.entries);
                    }
                    fresh.answered(asked);
                    readiness.set(name, true);
                    if failing {
                        tracing::info!(feed = name, "the feed answers again");
                    }
                    failing = false;
                }
                // Services start together: the first moments are no outage.
                Err(error)
                    if !failing && (fresh.age().is_some() || begun.elapsed() > START_GRACE) =>
                {
                    failing = true;
                    tracing::warn!(
                        feed = name,
                        error = crate::http::chain(&error),
                        "the feed does not answer, trying again each second"
                    );
                }
                Err(_) => {}
            }
            let wait = if fresh.age().is_none() {
                Duration::from_millis(100)
            } else {
                POLL_EVERY
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.finishing() => return Ok::<_, std::convert::Infallible>(()),
            }
        }
    });
    freshness
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poller_is_continued_only_from_what_the_feed_still_has() {
        let (epoch, other) = (Epoch::new(), Epoch::new());
        let from = |since, epoch| FeedQuery { since, epoch };
        assert!(continues(from(Some(5), Some(epoch)), epoch, 3, 9));
        assert!(continues(from(Some(9), Some(epoch)), epoch, 3, 9));
        assert!(continues(from(Some(0), Some(epoch)), epoch, 0, 0));
        assert!(
            !continues(from(Some(2), Some(epoch)), epoch, 3, 9),
            "too old"
        );
        assert!(
            !continues(from(Some(12), Some(epoch)), epoch, 3, 9),
            "from a lost future"
        );
        assert!(
            !continues(from(Some(5), Some(other)), epoch, 3, 9),
            "another epoch"
        );
        assert!(!continues(from(None, None), epoch, 3, 9), "nothing yet");
    }
}
