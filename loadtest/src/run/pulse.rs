//! Whether a connection is live: Plaza's sign of life comes every 5 s, the
//! whole way of a message. An open connection alone says nothing.

use std::time::Duration;

use tokio::time::Instant;

/// Without a tick for so long, a client is not live and polls.
const NOT_LIVE_AFTER: Duration = Duration::from_secs(12);
/// From one poll to the next.
const POLL_EVERY: Duration = Duration::from_secs(10);

/// The signs of life of one connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pulse {
    ticked_at: Instant,
    polled_at: Option<Instant>,
}

impl Pulse {
    /// Of a connection that was just opened.
    pub(super) const fn begin(now: Instant) -> Self {
        Self {
            ticked_at: now,
            polled_at: None,
        }
    }

    /// A tick came. True: it was away for so long that something may have been
    /// missed.
    pub(super) fn tick(&mut self, now: Instant) -> bool {
        let was_away = now >= self.ticked_at + NOT_LIVE_AFTER;
        *self = Self::begin(now);
        was_away
    }

    /// When to poll, unless a tick comes before.
    pub(super) fn poll_at(&self) -> Instant {
        self.polled_at
            .map_or(self.ticked_at + NOT_LIVE_AFTER, |at| at + POLL_EVERY)
    }

    /// It was polled.
    pub(super) const fn polled(&mut self, now: Instant) {
        self.polled_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_hears_no_tick_polls_and_the_next_tick_is_a_reason_to_ask() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut pulse = Pulse::begin(begin);
        assert!(!pulse.tick(after(5)));
        assert_eq!(pulse.poll_at(), after(17));
        pulse.polled(after(17));
        assert_eq!(pulse.poll_at(), after(27));
        assert!(pulse.tick(after(20)));
        assert_eq!(pulse.poll_at(), after(32));
        assert!(!pulse.tick(after(25)));
    }
}
