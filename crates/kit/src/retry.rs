//! Waiting out what is away: jittered delays, and one log line at each end of
//! an outage in place of one a try.

use std::{
    error::Error,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::http::chain;

/// Growing delays between tries, each drawn at random between half of it and
/// the whole, so that many who wait for one thing do not return together.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// Delays that begin at `first` and double up to `longest`.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            next: first,
        }
    }

    /// How long to wait before the next try.
    pub fn delay(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(self.longest);
        whole.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// Begins at the first delay again.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

/// Whether something that many tasks need is away. Each task has a clone: the
/// outage begins with the first that fails, and is over when every task that
/// failed was answered again.
#[derive(Debug)]
pub struct Outage {
    shared: Arc<Shared>,
    failing: AtomicBool,
}

#[derive(Debug)]
struct Shared {
    of: &'static str,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failing: usize,
    since: Option<Instant>,
}

impl Outage {
    /// Nothing is away yet; `of` names it in the log ("Redis").
    pub fn new(of: &'static str) -> Self {
        Self::of(Arc::new(Shared {
            of,
            state: Mutex::default(),
        }))
    }

    fn of(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            failing: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// A try failed: logged with its cause when it begins an outage.
    pub fn failed(&self, error: &(dyn Error + 'static)) {
        if self.failing.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut state = self.state();
        state.failing += 1;
        if state.since.is_none() {
            state.since = Some(Instant::now());
            let (of, error) = (self.shared.of, chain(error));
            tracing::warn!(of, error, "{of} is away, trying again");
        }
    }

    /// A try succeeded: logged when it ends an outage.
    pub fn answered(&self) {
        if let Some(after) = self.end() {
            let of = self.shared.of;
            let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            tracing::info!(of, after_ms, "{of} is back");
        }
    }

    /// This task is no longer failing; answers the outage's length when it was
    /// the last one.
    fn end(&self) -> Option<Duration> {
        if !self.failing.swap(false, Ordering::Relaxed) {
            return None;
        }
        let mut state = self.state();
        state.failing -= 1;
        if state.failing > 0 {
            return None;
        }
        state.since.take().map(|since| since.elapsed())
    }
}

impl Clone for Outage {
    /// Another task that needs the same thing.
    fn clone(&self) -> Self {
        Self::of(self.shared.clone())
    }
}

impl Drop for Outage {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_are_spread() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        for whole in [100, 200, 350, 350] {
            let delay = backoff.delay();
            assert!(delay >= Duration::from_millis(whole / 2), "{delay:?}");
            assert!(delay <= Duration::from_millis(whole), "{delay:?}");
        }
        backoff.reset();
        assert!(backoff.delay() <= Duration::from_millis(100));
    }

    #[test]
    fn an_outage_lasts_from_the_first_failure_to_the_last_recovery() {
        let one = Outage::new("Redis");
        let (other, third) = (one.clone(), one.clone());
        let error = std::io::Error::other("refused");
        let away = || one.state().since.is_some();
        third.answered();
        assert!(!away());
        one.failed(&error);
        other.failed(&error);
        other.failed(&error);
        one.answered();
        assert!(away(), "the other one still fails");
        third.answered();
        assert!(away(), "the third one says nothing about the other");
        other.answered();
        assert!(!away());
        other.failed(&error);
        drop(other);
        assert!(!away(), "who is gone does not fail");
    }
}
