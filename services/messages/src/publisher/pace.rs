//! How fast a partition speaks to large rooms. Pure: no I/O.
//!
//! Centrifugo answers a publication before it has written it to its
//! subscribers, so that nothing here notices when it cannot keep up. A large
//! room whose events come faster than they can be written one by one has to
//! be folded ahead of that: after each publication to the rooms' own channels
//! the partition waits as long as its deliveries take at a set rate, and what
//! comes meanwhile goes out together. What comes to a quiet room is published
//! at once, and a few publications one after another wait for nothing.

use std::time::Duration;

use tokio::time::Instant;

/// So much may be ahead of the pace.
const SLACK: Duration = Duration::from_millis(50);

/// The pace of one partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Deliveries a second.
    rate: u32,
    /// The longest wait.
    longest: Duration,
    /// When all that went out is written.
    written: Option<Instant>,
}

impl Pace {
    pub(super) const fn new(rate: u32, longest: Duration) -> Self {
        Self {
            rate,
            longest,
            written: None,
        }
    }

    /// Something goes out now to channels with so many subscribers.
    pub(super) fn published(&mut self, deliveries: u64, now: Instant) {
        #[expect(clippy::cast_precision_loss, reason = "of a time")]
        let seconds = deliveries as f64 / f64::from(self.rate.max(1));
        let takes = Duration::try_from_secs_f64(seconds).unwrap_or(self.longest);
        let begins = self.written.map_or(now, |written| written.max(now));
        self.written = Some(begins + takes.min(self.longest));
    }

    /// Until when to wait; none: it is time.
    pub(super) fn wait(&self, now: Instant) -> Option<Instant> {
        let next = self.written?.checked_sub(SLACK)?;
        (next > now).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_follow_the_longer_it_waits_up_to_a_bound() {
        let now = Instant::now();
        for (deliveries, ms) in [(0, 0), (100, 1), (10_000, 100), (1_000_000, 250)] {
            let mut pace = Pace::new(100_000, Duration::from_millis(250));
            assert_eq!(pace.wait(now), None, "nothing was published yet");
            pace.published(deliveries, now);
            let written = now + Duration::from_millis(ms);
            let next = written.checked_sub(SLACK).unwrap();
            assert_eq!(pace.wait(now), Some(next).filter(|next| *next > now));
            assert_eq!(pace.wait(written), None);
        }
    }

    #[test]
    fn a_few_at_once_wait_for_nothing_and_many_do() {
        let now = Instant::now();
        let mut pace = Pace::new(100_000, Duration::from_millis(250));
        for _ in 0..5 {
            assert_eq!(pace.wait(now), None);
            pace.published(1_000, now);
        }
        assert_eq!(pace.wait(now), None, "50 ms are written");
        pace.published(1_000, now);
        assert_eq!(pace.wait(now), Some(now + Duration::from_millis(10)));
    }
}
