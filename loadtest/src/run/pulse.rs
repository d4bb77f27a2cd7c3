//! Whether a virtual user is live, and when it polls: as the app does
//! (docs/architecture.md, "When real time is away").
//!
//! Plaza's sign of life comes every 5 s, the whole way of a message. An open
//! connection alone says nothing.

use std::time::Duration;

use tokio::time::Instant;

/// Without a tick for so long, a connected client is not live and polls.
const NOT_LIVE_AFTER: Duration = Duration::from_secs(12);
/// Without a connection for so long, it is not live.
const LOST_AFTER: Duration = Duration::from_secs(3);
/// From one poll to the next, until an answer says how long it has to be.
const FIRST_POLL: Duration = Duration::from_secs(5);
/// An answer that says less, or more, counts as this.
const POLL_BOUNDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(2));

/// The signs of life that one client had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pulse {
    /// When it is not live any more, unless something comes before.
    lives_until: Instant,
    /// When it polls; none: it is live, or a poll is under way.
    poll_at: Option<Instant>,
    /// From one poll to the next, as the last answer had it.
    poll_after: Duration,
}

impl Pulse {
    /// Of a client that was never connected.
    pub(super) const fn begin(now: Instant) -> Self {
        Self {
            lives_until: now,
            poll_at: None,
            poll_after: FIRST_POLL,
        }
    }

    /// A connection was opened.
    pub(super) fn connected(&mut self, now: Instant) {
        self.lives_until = now + NOT_LIVE_AFTER;
        self.poll_at = None;
    }

    /// The connection ended.
    pub(super) fn lost(&mut self, now: Instant) {
        self.lives_until = self.lives_until.min(now + LOST_AFTER);
    }

    /// A tick came. True: it was away for so long that something may have been
    /// missed.
    pub(super) fn tick(&mut self, now: Instant) -> bool {
        let was_away = now >= self.lives_until;
        self.connected(now);
        was_away
    }

    /// When to look again whether it has to poll.
    pub(super) fn look_at(&self) -> Instant {
        self.poll_at.unwrap_or(self.lives_until)
    }

    /// Whether to poll now; `jitter` is from 0 to 1. The first poll is spread,
    /// so that not all who lost the same thing ask together.
    pub(super) fn polls(&mut self, now: Instant, jitter: f64) -> bool {
        if now < self.look_at() {
            return false;
        }
        let is_first = self.poll_at.is_none();
        let share = if is_first {
            jitter * 0.5
        } else {
            0.8 + jitter * 0.4
        };
        self.poll_at = Some(now + self.poll_after.mul_f64(share));
        !is_first
    }

    /// An answer said how long to wait between polls.
    pub(super) fn told(&mut self, now: Instant, poll_after: Duration) {
        let (shortest, longest) = POLL_BOUNDS;
        self.poll_after = poll_after.clamp(shortest, longest);
        if let Some(at) = &mut self.poll_at {
            // What is planned was planned by the word of the answer before.
            *at = (*at).max(now + self.poll_after.mul_f64(0.8));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn while_ticks_come_nothing_is_polled() {
        let mut now = Instant::now();
        let mut pulse = Pulse::begin(now);
        pulse.connected(now);
        for _ in 0..5 {
            now += SECOND * 5;
            assert!(!pulse.polls(now, 0.0));
            assert!(!pulse.tick(now));
        }
        now += NOT_LIVE_AFTER;
        assert_eq!(pulse.look_at(), now);
        assert!(pulse.tick(now), "something may have been missed");
    }

    #[test]
    fn silence_is_polled_away_by_the_word_of_the_answers() {
        let mut now = Instant::now();
        let mut pulse = Pulse::begin(now);
        pulse.connected(now);
        now += NOT_LIVE_AFTER;
        assert!(!pulse.polls(now, 1.0), "the first is spread");
        assert_eq!(pulse.look_at(), now + FIRST_POLL / 2);
        now = pulse.look_at();
        assert!(pulse.polls(now, 0.5));
        assert_eq!(pulse.look_at(), now + FIRST_POLL);
        pulse.told(now, SECOND * 40);
        assert!(pulse.look_at() >= now + SECOND * 32);
        now = pulse.look_at();
        assert!(pulse.polls(now, 0.5));
        assert_eq!(pulse.look_at(), now + SECOND * 40);
        pulse.told(now, Duration::ZERO);
        assert!(pulse.poll_after == SECOND, "bounded");
    }

    #[test]
    fn a_lost_connection_is_waited_for_a_moment_first() {
        let now = Instant::now();
        let mut pulse = Pulse::begin(now);
        pulse.connected(now);
        pulse.lost(now);
        assert_eq!(pulse.look_at(), now + LOST_AFTER);
        pulse.connected(now + SECOND);
        assert_eq!(pulse.look_at(), now + SECOND + NOT_LIVE_AFTER);
    }
}
