//! Guessing a password: throttled by account and address together, with a
//! growing delay. Whoever guesses from another address keeps nobody out, and
//! an account is never locked.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use moka::{policy::EvictionPolicy, sync::Cache};
use plaza_kit::limit::client_network;

/// How guessing is throttled.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct GuessArgs {
    /// Wrong passwords in a row for one account from one address that cost no delay; 0: no delays at all
    #[arg(long, env = "PLAZA_LOGIN_FREE_GUESSES", default_value_t = 5)]
    pub login_free_guesses: u32,
    /// The first delay (ms); it doubles with each further wrong password
    #[arg(long, env = "PLAZA_LOGIN_FIRST_DELAY_MS", default_value_t = 1_000)]
    pub login_first_delay_ms: u64,
    /// The longest delay (s)
    #[arg(long, env = "PLAZA_LOGIN_LONGEST_DELAY_S", default_value_t = 900,
          value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub login_longest_delay_s: u32,
    /// Most pairs of account and address that are remembered, each for as long as twice the longest delay; beyond it the least recent are forgotten
    #[arg(long, env = "PLAZA_LOGIN_MAX_KEYS", default_value_t = 100_000,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub login_max_keys: u64,
}

/// What was guessed wrongly of late. Clones share it.
#[derive(Debug, Clone)]
pub struct Guesses {
    rule: Rule,
    pairs: Cache<(String, Option<IpAddr>), Arc<Mutex<Wrong>>>,
}

#[derive(Debug, Clone, Copy)]
struct Rule {
    free: u32,
    first: Duration,
    longest: Duration,
}

/// Wrong guesses in a row, those under way among them.
#[derive(Debug, Default)]
struct Wrong {
    count: u32,
    last: Option<Instant>,
}

impl Rule {
    /// How long to wait after the last of this many wrong guesses.
    fn delay(&self, count: u32) -> Duration {
        match count.checked_sub(self.free) {
            _ if self.free == 0 => Duration::ZERO,
            None => Duration::ZERO,
            Some(beyond) => 2_u32
                .checked_pow(beyond)
                .and_then(|factor| self.first.checked_mul(factor))
                .map_or(self.longest, |delay| delay.min(self.longest)),
        }
    }
}

impl Guesses {
    /// Throttled as configured.
    pub fn new(args: &GuessArgs) -> Self {
        let longest = Duration::from_secs(args.login_longest_delay_s.into());
        metrics::gauge!("plaza_login_guess_keys").set(0.0);
        metrics::counter!("plaza_logins_throttled_total").increment(0);
        Self {
            rule: Rule {
                free: args.login_free_guesses,
                first: Duration::from_millis(args.login_first_delay_ms),
                longest,
            },
            pairs: Cache::builder()
                .max_capacity(args.login_max_keys)
                .eviction_policy(EvictionPolicy::lru())
                .time_to_idle(longest * 2)
                .build(),
        }
    }

    /// Begins a guess, which counts as a wrong one until it is known: many at
    /// once get no more than one after another. Else says how long to wait.
    pub(crate) fn begin(&self, account: &str, address: Option<IpAddr>) -> Result<Guess, Duration> {
        self.begin_at(account, address, Instant::now())
    }

    fn begin_at(
        &self,
        account: &str,
        address: Option<IpAddr>,
        now: Instant,
    ) -> Result<Guess, Duration> {
        let key = (account.to_owned(), address.map(client_network));
        let wrong = self.pairs.get_with(key, Arc::default);
        #[expect(clippy::cast_precision_loss, reason = "a bounded count")]
        metrics::gauge!("plaza_login_guess_keys").set(self.pairs.entry_count() as f64);
        {
            let mut wrong = lock(&wrong);
            let until = wrong.last.map(|last| last + self.rule.delay(wrong.count));
            let wait = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
            if !wait.is_zero() {
                metrics::counter!("plaza_logins_throttled_total").increment(1);
                return Err(wait);
            }
            wrong.count = wrong.count.saturating_add(1);
            wrong.last = Some(now);
        }
        Ok(Guess {
            wrong,
            known: false,
        })
    }
}

fn lock(wrong: &Mutex<Wrong>) -> MutexGuard<'_, Wrong> {
    wrong.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A guess under way. Dropped without a word it counts for nothing: the
/// password was not compared.
#[derive(Debug)]
#[must_use = "a guess was right or wrong"]
pub(crate) struct Guess {
    wrong: Arc<Mutex<Wrong>>,
    known: bool,
}

impl Guess {
    /// It was the password: what was wrong before is forgotten.
    pub(crate) fn right(mut self) {
        self.known = true;
        *lock(&self.wrong) = Wrong::default();
    }

    /// It was not.
    pub(crate) fn wrong(mut self) {
        self.known = true;
    }
}

impl Drop for Guess {
    fn drop(&mut self) {
        if !self.known {
            let mut wrong = lock(&self.wrong);
            wrong.count = wrong.count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guesses(free: u32, max_keys: u64) -> Guesses {
        Guesses::new(&GuessArgs {
            login_free_guesses: free,
            login_first_delay_ms: 1_000,
            login_longest_delay_s: 60,
            login_max_keys: max_keys,
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_delay_grows_with_each_wrong_guess_up_to_the_longest() {
        let guesses = guesses(3, 100);
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..12 {
            match guesses.begin_at("ada", None, now) {
                Ok(guess) => guess.wrong(),
                Err(wait) => {
                    waits.push(wait.as_secs());
                    now += wait;
                    guesses.begin_at("ada", None, now).unwrap().wrong();
                }
            }
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn the_right_password_forgets_and_a_guess_that_was_not_compared_does_not_count() {
        let guesses = guesses(2, 100);
        let now = Instant::now();
        for _ in 0..10 {
            guesses.begin_at("ada", None, now).unwrap().wrong();
            guesses.begin_at("ada", None, now).unwrap().right();
            drop(guesses.begin_at("ada", None, now).unwrap());
        }
    }

    #[test]
    fn many_at_once_get_no_more_than_one_after_another() {
        let guesses = guesses(5, 100);
        let now = Instant::now();
        let under_way: Vec<_> = (0..100)
            .filter_map(|_| guesses.begin_at("ada", None, now).ok())
            .collect();
        assert_eq!(under_way.len(), 5);
    }

    #[test]
    fn another_address_and_another_account_are_not_kept_out() {
        let guesses = guesses(1, 100);
        let now = Instant::now();
        let here = Some(address("192.0.2.1"));
        guesses.begin_at("ada", here, now).unwrap().wrong();
        assert!(guesses.begin_at("ada", here, now).is_err());
        let elsewhere = Some(address("192.0.2.2"));
        guesses.begin_at("ada", elsewhere, now).unwrap().right();
        guesses.begin_at("ben", here, now).unwrap().right();
        assert!(guesses.begin_at("ada", here, now).is_err());
        // One machine has many IPv6 addresses.
        let guess = guesses.begin_at("ada", Some(address("2001:db8::1")), now);
        guess.unwrap().wrong();
        assert!(
            guesses
                .begin_at("ada", Some(address("2001:db8::2")), now)
                .is_err()
        );
    }

    #[test]
    fn its_memory_is_bounded() {
        let guesses = guesses(1, 1_000);
        for account in 0..20_000 {
            let guess = guesses.begin(&account.to_string(), None);
            guess.unwrap().wrong();
            if account % 500 == 0 {
                guesses.pairs.run_pending_tasks();
            }
        }
        guesses.pairs.run_pending_tasks();
        assert!(guesses.pairs.entry_count() <= 1_000);
    }

    #[test]
    fn it_can_be_switched_off() {
        let guesses = guesses(0, 100);
        for _ in 0..100 {
            guesses.begin("ada", None).unwrap().wrong();
        }
    }
}
