//! The bounds of the messages-publisher.

use std::time::Duration;

use clap::{builder::RangedU64ValueParser, value_parser};
use plaza_events::stream::LeaseTimes;
use plaza_kit::config::ConfigError;

use super::{fold::FoldLimits, pace::Pace};

/// Bounds of the messages-publisher. The defaults suit every size of installation.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Limits {
    /// Events that one read of a partition brings from each service, at most (1 to 10,000)
    #[arg(long = "publisher-read", env = "PLAZA_PUBLISHER_READ", default_value_t = 256,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    pub entries_per_read: usize,
    /// Longest wait of one read (ms, 50 to 5,000); bounds how long a stop waits for it, too
    #[arg(long = "publisher-block-ms", env = "PLAZA_PUBLISHER_BLOCK_MS", default_value_t = 2_000,
          value_parser = value_parser!(u64).range(50..=5_000))]
    pub block_ms: u64,
    /// Deliveries (channels) of a partition after which the cursor is moved (1 to 1,000,000)
    #[arg(long = "publisher-window", env = "PLAZA_PUBLISHER_WINDOW", default_value_t = 20_000,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub deliveries_per_window: usize,
    /// Members that are remembered over all rooms (at least 1,000); beyond that rooms is asked again
    #[arg(long = "publisher-cached-members", env = "PLAZA_PUBLISHER_CACHED_MEMBERS",
          default_value_t = 1_000_000,
          value_parser = RangedU64ValueParser::<usize>::new().range(1_000..))]
    pub cached_members: usize,
    /// Events that are put into one publication while there is a backlog, at most (1 to 1,000)
    #[arg(long = "publisher-fold-events", env = "PLAZA_PUBLISHER_FOLD_EVENTS", default_value_t = 50,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000))]
    pub fold_events: usize,
    /// Size up to which they are (bytes, 1,024 to 262,144); a larger event goes alone
    #[arg(long = "publisher-fold-bytes", env = "PLAZA_PUBLISHER_FOLD_BYTES",
          default_value_t = 16_384,
          value_parser = RangedU64ValueParser::<usize>::new().range(1_024..=262_144))]
    pub fold_bytes: usize,
    /// Deliveries a second to the members of large rooms of a partition (1,000 to 100,000,000): what comes while these
    /// take their time is put into one publication
    #[arg(long = "publisher-pace", env = "PLAZA_PUBLISHER_PACE", default_value_t = 60_000,
          value_parser = value_parser!(u32).range(1_000..=100_000_000))]
    pub pace: u32,
    /// Longest wait for that, whatever the number of members (ms, 0 to 1,000)
    #[arg(long = "publisher-pace-max-ms", env = "PLAZA_PUBLISHER_PACE_MAX_MS", default_value_t = 250,
          value_parser = value_parser!(u64).range(0..=1_000))]
    pub pace_max_ms: u64,
    /// Shortest time between two words on where a large room stands (ms, 100 to 60,000)
    #[arg(long = "publisher-head-interval-ms", env = "PLAZA_PUBLISHER_HEAD_INTERVAL_MS",
          default_value_t = 1_000, value_parser = value_parser!(u64).range(100..=60_000))]
    pub head_interval_ms: u64,
    /// Large rooms that are remembered for that (at least 16)
    #[arg(long = "publisher-heads", env = "PLAZA_PUBLISHER_HEADS", default_value_t = 16_000,
          value_parser = RangedU64ValueParser::<usize>::new().range(16..))]
    pub heads: usize,
    /// How long nobody publishes a partition whose publisher died (ms, 1,000 to 30,000)
    #[arg(long = "publisher-lease-ms", env = "PLAZA_PUBLISHER_LEASE_MS", default_value_t = 3_000,
          value_parser = value_parser!(u64).range(1_000..=30_000))]
    pub lease_ms: u64,
    /// How often a publisher says that it lives (ms, 100 to 3,000): less than half of that time
    #[arg(long = "publisher-lease-renew-ms", env = "PLAZA_PUBLISHER_LEASE_RENEW_MS",
          default_value_t = 1_000, value_parser = value_parser!(u64).range(100..=3_000))]
    pub lease_renew_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries_per_read: 256,
            block_ms: 2_000,
            deliveries_per_window: 20_000,
            cached_members: 1_000_000,
            fold_events: 50,
            fold_bytes: 16_384,
            pace: 60_000,
            pace_max_ms: 250,
            head_interval_ms: 1_000,
            heads: 16_000,
            lease_ms: 3_000,
            lease_renew_ms: 1_000,
        }
    }
}

impl Limits {
    /// Refuses bounds that contradict each other. `request_ms`: the longest
    /// time of a request to Centrifugo.
    pub(super) fn check(&self, request_ms: u64) -> Result<(), ConfigError> {
        if !self.lease().are_sound() {
            return Err(ConfigError::Invalid {
                name: "PLAZA_PUBLISHER_LEASE_RENEW_MS",
                why: format!(
                    "{} must be less than half of PLAZA_PUBLISHER_LEASE_MS ({}), so that a second try is in time",
                    self.lease_renew_ms, self.lease_ms
                ),
            });
        }
        if request_ms >= self.lease_ms {
            return Err(ConfigError::Invalid {
                name: "PLAZA_CENTRIFUGO_TIMEOUT_MS",
                why: format!(
                    "{request_ms} must be less than PLAZA_PUBLISHER_LEASE_MS ({}): a publisher must be sure of its partition until it is answered",
                    self.lease_ms
                ),
            });
        }
        Ok(())
    }

    pub(super) const fn lease(&self) -> LeaseTimes {
        LeaseTimes {
            length: Duration::from_millis(self.lease_ms),
            renew_every: Duration::from_millis(self.lease_renew_ms),
        }
    }

    pub(super) const fn block(&self) -> Duration {
        Duration::from_millis(self.block_ms)
    }

    pub(super) const fn head_every(&self) -> Duration {
        Duration::from_millis(self.head_interval_ms)
    }

    pub(super) const fn pace(&self) -> Pace {
        Pace::new(self.pace, Duration::from_millis(self.pace_max_ms))
    }

    pub(super) const fn fold(&self) -> FoldLimits {
        FoldLimits {
            events: self.fold_events,
            bytes: self.fold_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_must_be_able_to_try_twice_and_to_wait_for_an_answer() {
        let limits = Limits::default();
        assert!(limits.check(2_900).is_ok());
        assert!(limits.check(3_000).is_err(), "longer than the lease");
        let renewed_late = Limits {
            lease_renew_ms: 1_500,
            ..limits
        };
        assert!(renewed_late.check(100).is_err());
    }
}
