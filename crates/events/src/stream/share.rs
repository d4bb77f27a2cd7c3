//! How many publishers run, so that they share the partitions evenly.

use std::{sync::LazyLock, time::Duration};

use plaza_kit::redis::Shared;
use redis::{RedisResult, Script};

use super::{LeaseTimes, random_id};
use crate::Partition;

/// The key of the publishers that run.
pub const PUBLISHERS: &str = "plaza:publishers";

/// KEYS: the publishers. ARGV: one of them, how long it counts in ms. By the
/// clock of Redis, which is the same for all.
static ANNOUNCE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = time[1] * 1000 + math.floor(time[2] / 1000)
         redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
         redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
         return redis.call('ZCARD', KEYS[1])",
    )
});

/// One of the publishers that run side by side.
#[derive(Debug)]
pub struct Member {
    id: String,
    alive: Duration,
}

impl Member {
    /// One that takes leases of these times.
    pub fn new(times: LeaseTimes) -> Self {
        Self {
            id: random_id(),
            alive: times.alive(),
        }
    }

    /// Says that this publisher runs, and answers how many partitions are its
    /// share of them. To be said each half second.
    pub async fn announce(&self, connection: &mut Shared) -> RedisResult<usize> {
        let publishers: usize = ANNOUNCE
            .key(PUBLISHERS)
            .arg(&self.id)
            .arg(u64::try_from(self.alive.as_millis()).unwrap_or(u64::MAX))
            .invoke_async(connection)
            .await?;
        Ok(Partition::COUNT.div_ceil(publishers.max(1)))
    }

    /// Says that it does not run any more.
    pub async fn leave(&self, connection: &mut Shared) -> RedisResult<()> {
        redis::cmd("ZREM")
            .arg(PUBLISHERS)
            .arg(&self.id)
            .query_async(connection)
            .await
    }
}
