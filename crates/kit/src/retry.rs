//! Waiting out what is away: jittered delays, and one log line at each end of
//! an outage in place of one a try.

use std::{
    error::Error,
    sync::{Mutex, PoisonError},
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

/// Whether something that many tasks need is away. Share one among them.
#[derive(Debug)]
pub struct Outage {
    of: &'static str,
    since: Mutex<Option<Instant>>,
}

impl Outage {
    /// Nothing is away yet; `of` names it in the log ("Redis").
    pub const fn new(of: &'static str) -> Self {
        Self {
            of,
            since: Mutex::new(None),
        }
    }

    /// A try failed: logged with its cause when it is the first.
    pub fn failed(&self, error: &(dyn Error + 'static)) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_none() {
            *since = Some(Instant::now());
            let error = chain(error);
            tracing::warn!(of = self.of, error, "{} is away, trying again", self.of);
        }
    }

    /// A try succeeded: logged when one before it failed.
    pub fn answered(&self) {
        let since = self
            .since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(since) = since {
            let after_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(of = self.of, after_ms, "{} is back", self.of);
        }
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
}
