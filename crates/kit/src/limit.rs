//! Rates with a burst, for many keys in bounded memory.
//!
//! A bucket is the moment at which it is full again (the generic cell rate
//! algorithm): one number a key, moved by what each request costs. One that is
//! full needs no memory, so buckets are forgotten when they have been idle for
//! as long as filling takes, and the least recently used ones beyond the bound.

use std::{
    fmt,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use moka::{policy::EvictionPolicy, sync::Cache};

/// How much a key may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// What a bucket gains a second.
    pub per_second: u32,
    /// What a full bucket holds.
    pub burst: u32,
}

/// A bucket a key.
pub struct Limiter<K> {
    name: &'static str,
    start: Instant,
    nanos_per_unit: u64,
    burst: u64,
    /// When each bucket is full again, in ns since the start.
    full_at: Cache<K, Arc<AtomicU64>>,
}

impl<K> fmt::Debug for Limiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<K: Hash + Eq + Send + Sync + 'static> Limiter<K> {
    /// Buckets of this rate, at most `max_keys` of them; none for a rate of 0,
    /// which means no limit. `name` is the metrics' label.
    pub fn new(name: &'static str, rate: Rate, max_keys: u64) -> Option<Self> {
        let nanos_per_unit = 1_000_000_000_u64
            .checked_div(rate.per_second.into())?
            .max(1);
        let burst = u64::from(rate.burst.max(1));
        let filling = Duration::from_nanos(nanos_per_unit.saturating_mul(burst));
        metrics::counter!("plaza_rate_limited_total", "by" => name).increment(0);
        Some(Self {
            name,
            start: Instant::now(),
            nanos_per_unit,
            burst,
            full_at: Cache::builder()
                .max_capacity(max_keys)
                .eviction_policy(EvictionPolicy::lru())
                .time_to_idle(filling + Duration::from_secs(1))
                .build(),
        })
    }

    /// Takes `cost` from the key's bucket for something that `before` was taken
    /// for already; else says after what time there is enough for both, since
    /// both are asked for again. What costs more than a full bucket takes a
    /// full one.
    pub fn take(&self, key: K, before: u64, cost: u64) -> Result<(), Duration> {
        let taken = self.take_after(key, before, cost, Instant::now());
        if taken.is_err() {
            metrics::counter!("plaza_rate_limited_total", "by" => self.name).increment(1);
        }
        #[expect(clippy::cast_precision_loss, reason = "a bounded count")]
        metrics::gauge!("plaza_rate_limit_keys", "by" => self.name)
            .set(self.full_at.entry_count() as f64);
        taken
    }

    fn take_after(&self, key: K, before: u64, cost: u64, now: Instant) -> Result<(), Duration> {
        let cost = cost.min(self.burst.saturating_sub(before));
        let again = Duration::from_nanos(before.saturating_mul(self.nanos_per_unit));
        self.take_at(key, cost, now).map_err(|wait| wait + again)
    }

    fn take_at(&self, key: K, cost: u64, now: Instant) -> Result<(), Duration> {
        let now = u64::try_from(now.saturating_duration_since(self.start).as_nanos())
            .unwrap_or(u64::MAX / 2);
        let cost = cost.min(self.burst).saturating_mul(self.nanos_per_unit);
        let whole = self.burst.saturating_mul(self.nanos_per_unit);
        let bucket = self.full_at.get_with(key, Arc::default);
        let mut wait = 0;
        let moved = bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            let full_at = full_at.max(now).saturating_add(cost);
            wait = (full_at - now).saturating_sub(whole);
            (wait == 0).then_some(full_at)
        });
        match moved {
            Ok(_) => Ok(()),
            Err(_) => Err(Duration::from_nanos(wait)),
        }
    }
}

/// What counts as one client: an IPv4 address, and the network of an IPv6
/// address, of which one machine has 2^64.
pub fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(max_keys: u64) -> Limiter<u32> {
        let rate = Rate {
            per_second: 100,
            burst: 1_000,
        };
        Limiter::new("test", rate, max_keys).unwrap()
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let limiter = limiter(10);
        let now = limiter.start + Duration::from_secs(5);
        assert_eq!(limiter.take_at(1, 600, now), Ok(()));
        assert_eq!(limiter.take_at(1, 400, now), Ok(()));
        assert_eq!(
            limiter.take_at(1, 50, now),
            Err(Duration::from_millis(500)),
            "what was refused costs nothing"
        );
        assert_eq!(limiter.take_at(1, 50, now), Err(Duration::from_millis(500)));
        let later = now + Duration::from_millis(500);
        assert_eq!(limiter.take_at(1, 50, later), Ok(()));
        assert!(limiter.take_at(1, 1, later).is_err());
        assert_eq!(
            limiter.take_at(2, 1_000, later),
            Ok(()),
            "another's is full"
        );
    }

    #[test]
    fn what_costs_more_than_a_full_bucket_is_not_refused_for_ever() {
        let limiter = limiter(10);
        let now = limiter.start;
        assert_eq!(limiter.take_at(1, u64::MAX, now), Ok(()));
        let wait = limiter.take_at(1, u64::MAX, now).unwrap_err();
        assert_eq!(wait, Duration::from_secs(10));
        assert_eq!(limiter.take_at(1, u64::MAX, now + wait), Ok(()));
    }

    #[test]
    fn what_comes_in_two_parts_has_room_for_both_when_it_is_told_to_come_back() {
        for cost in [300, 990, 1_000, u64::MAX] {
            let limiter = limiter(10);
            let now = limiter.start;
            assert_eq!(limiter.take_at(1, 900, now), Ok(()));
            assert_eq!(limiter.take_at(1, 10, now), Ok(()));
            let wait = limiter.take_after(1, 10, cost, now).unwrap_err();
            let both = |at| -> Result<(), Duration> {
                limiter.take_at(1, 10, at)?;
                limiter.take_after(1, 10, cost, at)
            };
            assert_eq!(both(now + wait), Ok(()), "{cost}");
        }
    }

    #[test]
    fn concurrent_requests_do_not_spend_the_same_twice() {
        let limiter = limiter(10);
        let now = limiter.start;
        let passed = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        if limiter.take_at(1, 1, now).is_ok() {
                            passed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(passed.into_inner(), 1_000);
    }

    #[test]
    fn its_memory_is_bounded_and_the_busy_are_remembered() {
        let limiter = limiter(1_000);
        let now = limiter.start;
        assert_eq!(limiter.take_at(0, 1_000, now), Ok(()));
        for key in 1..50_000 {
            let _ = limiter.take_at(key, 1, now);
            if key % 100 == 0 {
                assert!(limiter.take_at(0, 1, now).is_err(), "{key}");
                limiter.full_at.run_pending_tasks();
            }
        }
        assert!(limiter.full_at.entry_count() <= 1_000);
    }

    #[test]
    fn who_comes_when_its_memory_is_full_of_the_busy_is_remembered_too() {
        let limiter = limiter(1_000);
        let now = limiter.start;
        for _ in 0..5 {
            for key in 1..=1_000 {
                assert_eq!(limiter.take_at(key, 1, now), Ok(()));
            }
            limiter.full_at.run_pending_tasks();
        }
        assert_eq!(limiter.take_at(0, 1_000, now), Ok(()));
        limiter.full_at.run_pending_tasks();
        assert!(limiter.take_at(0, 1, now).is_err());
    }

    #[test]
    fn a_rate_of_nothing_is_no_limit() {
        let rate = Rate {
            per_second: 0,
            burst: 1,
        };
        assert!(Limiter::<u32>::new("test", rate, 10).is_none());
    }

    #[test]
    fn one_machine_is_one_client() {
        let network = |text: &str| client_network(text.parse().unwrap()).to_string();
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
