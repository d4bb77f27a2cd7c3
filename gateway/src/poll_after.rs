//! How long clients that are not live wait between two `heads` queries: 5 s
//! while few poll, up to 60 s as more do, so that the queries of one gateway
//! stay near a rate that it and the services behind it can bear.
//!
//! The number of pollers is estimated by linear counting (Whang et al., 1990):
//! each marks one bit, and the share of unmarked bits tells how many there
//! were. The window is as long as the longest delay, so that every client
//! appears in each; the one before it is remembered, since a new one begins
//! empty.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use plaza_types::UserId;

/// Shortest delay (ms).
pub(crate) const MIN_MS: u32 = 5_000;
/// Longest delay (ms).
pub(crate) const MAX_MS: u32 = 60_000;

const WINDOW: Duration = Duration::from_millis(MAX_MS as u64);
/// 8 KiB a window: within 2 % up to some 200,000 pollers.
const BITS: usize = 1 << 16;

/// Counts the pollers of one gateway.
#[derive(Debug)]
pub(crate) struct Pollers {
    hash: RandomState,
    queries_per_second: u32,
    windows: Mutex<Windows>,
}

#[derive(Debug)]
struct Windows {
    begun: Instant,
    present: Window,
    before: f64,
}

impl Pollers {
    /// Delays are such that about this many queries come a second.
    pub(crate) fn new(queries_per_second: u32, now: Instant) -> Self {
        Self {
            hash: RandomState::new(),
            queries_per_second: queries_per_second.max(1),
            windows: Mutex::new(Windows {
                begun: now,
                present: Window::default(),
                before: 0.0,
            }),
        }
    }

    /// Counts a query and gives the delay until this user's next (ms).
    pub(crate) fn seen(&self, user: UserId, now: Instant) -> u32 {
        let bit = self.hash.hash_one(user);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.turn(now);
        windows.present.mark(bit);
        let pollers = windows.present.estimate().max(windows.before);
        delay_ms(pollers, self.queries_per_second)
    }
}

impl Windows {
    fn turn(&mut self, now: Instant) {
        let age = now.saturating_duration_since(self.begun);
        if age < WINDOW {
            return;
        }
        self.before = if age < 2 * WINDOW {
            self.present.estimate()
        } else {
            0.0
        };
        self.present = Window::default();
        self.begun = now;
    }
}

#[derive(Debug)]
struct Window {
    words: Box<[u64]>,
    marked: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            words: vec![0; BITS / 64].into(),
            marked: 0,
        }
    }
}

impl Window {
    #[expect(clippy::cast_possible_truncation, reason = "only the low bits count")]
    fn mark(&mut self, hash: u64) {
        let bit = hash as usize % BITS;
        let (word, mask) = (&mut self.words[bit / 64], 1 << (bit % 64));
        self.marked += u32::from(*word & mask == 0);
        *word |= mask;
    }

    fn estimate(&self) -> f64 {
        let bits = f64::from(u32::try_from(BITS).unwrap_or(u32::MAX));
        // A full window says no more than "at least this many".
        let unmarked = (bits - f64::from(self.marked)).max(1.0);
        -bits * (unmarked / bits).ln()
    }
}

/// With `pollers` each waiting this long (ms), that many queries come a second.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the bounds before"
)]
fn delay_ms(pollers: f64, queries_per_second: u32) -> u32 {
    let ms = pollers * 1_000.0 / f64::from(queries_per_second);
    ms.clamp(f64::from(MIN_MS), f64::from(MAX_MS)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(pollers: &Pollers, users: &[UserId], now: Instant) -> u32 {
        users
            .iter()
            .map(|user| pollers.seen(*user, now))
            .last()
            .unwrap()
    }

    fn users(count: usize) -> Vec<UserId> {
        (0..count).map(|_| UserId::new()).collect()
    }

    #[test]
    fn few_pollers_wait_five_seconds_however_often_they_ask() {
        let now = Instant::now();
        let pollers = Pollers::new(100, now);
        let few = users(10);
        for _ in 0..1_000 {
            assert_eq!(poll(&pollers, &few, now), MIN_MS);
        }
    }

    #[test]
    fn the_delay_grows_with_the_pollers_up_to_a_minute() {
        let now = Instant::now();
        let pollers = Pollers::new(100, now);
        let ms = poll(&pollers, &users(2_000), now);
        assert!((19_000..21_000).contains(&ms), "{ms}");
        assert_eq!(poll(&pollers, &users(20_000), now), MAX_MS);
    }

    #[test]
    fn a_new_window_remembers_the_last_one_and_forgets_older_ones() {
        let now = Instant::now();
        let pollers = Pollers::new(100, now);
        let all = users(2_000);
        poll(&pollers, &all, now);
        let ms = poll(&pollers, &all[..1], now + WINDOW);
        assert!((19_000..21_000).contains(&ms), "{ms}");
        assert_eq!(poll(&pollers, &all[..1], now + 4 * WINDOW), MIN_MS);
    }

    #[test]
    fn a_full_window_is_a_long_delay_not_a_crash() {
        let mut window = Window::default();
        for hash in 0..BITS as u64 {
            window.mark(hash);
        }
        assert!(window.estimate() > 500_000.0);
        assert_eq!(delay_ms(window.estimate(), 1), MAX_MS);
        assert_eq!(delay_ms(0.0, 1), MIN_MS);
    }
}
