//! The lease of a partition: which publisher is its one reader.
//!
//! A key in Redis holds a random id, drawn at each take. Whoever finds the key
//! free may take it; its owner extends it again and again. Scripts compare the id:
//! a counter would start again in an emptied Redis.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use plaza_kit::redis::Shared;
use redis::{RedisResult, Script};
use tokio::time::Instant;

use super::random_id;
use crate::Partition;

/// How long leases stand, and how often they are extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTimes {
    /// How long a lease stands after it was last extended: so long nobody
    /// reads a partition whose owner died.
    pub length: Duration,
    /// How often its owner extends it.
    pub renew_every: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            length: Duration::from_secs(3),
            renew_every: Duration::from_secs(1),
        }
    }
}

impl LeaseTimes {
    /// Whether an owner has time for a second try before its lease ends.
    pub fn are_sound(&self) -> bool {
        self.renew_every * 2 < self.length
    }

    /// How long a publisher counts after it last said that it runs. Shorter
    /// than a lease: when the leases of one that died end, the others may take
    /// them.
    pub(super) fn alive(&self) -> Duration {
        self.length * 5 / 6
    }
}

/// How long an owner counts as one that moves after it last did.
pub const MOVING: Duration = Duration::from_secs(10);

/// The first renewal comes early: with it, others learn that the owner moves.
const FIRST_RENEWAL: Duration = Duration::from_millis(200);

const TRY_AGAIN: Duration = Duration::from_millis(200);

/// KEYS: the lease, the sign that its owner moves. ARGV: the lease's id, its
/// length in ms, how long the sign stands in ms (0: the owner did not move).
static RENEW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
         redis.call('PEXPIRE', KEYS[1], ARGV[2])
         if ARGV[3] ~= '0' then redis.call('SET', KEYS[2], '1', 'PX', ARGV[3]) end
         return 1",
    )
});

/// KEYS: the lease. ARGV: its id.
static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
         return 0",
    )
});

/// The key of a partition's lease.
pub(super) fn key(partition: Partition) -> String {
    partition.key("lease")
}

fn moving_key(partition: Partition) -> String {
    partition.key("moving")
}

/// A lease that was taken, until it is lost. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lease(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    partition: Partition,
    times: LeaseTimes,
    id: String,
    taken: Instant,
    /// Until when it is certain to stand, in ms after `taken`.
    certain_ms: AtomicU64,
    moved: AtomicBool,
}

impl Lease {
    /// Takes the lease if nobody has it.
    pub async fn take(
        connection: &mut Shared,
        partition: Partition,
        times: LeaseTimes,
    ) -> RedisResult<Option<Self>> {
        let (taken, id) = (Instant::now(), random_id());
        let answer: Option<String> = redis::cmd("SET")
            .arg(key(partition))
            .arg(&id)
            .arg("NX")
            .arg("PX")
            .arg(ms(times.length))
            .query_async(connection)
            .await?;
        Ok(answer.map(|_| {
            Self(Arc::new(Inner {
                partition,
                times,
                id,
                taken,
                certain_ms: AtomicU64::new(ms(times.length)),
                moved: AtomicBool::new(false),
            }))
        }))
    }

    /// The id that scripts compare.
    pub(super) fn id(&self) -> &str {
        &self.0.id
    }

    /// Whether it is certain to stand at this moment. No question to Redis: an
    /// owner that was paused sees by its own clock that it is over.
    pub fn is_held(&self) -> bool {
        ms(self.0.taken.elapsed()) < self.0.certain_ms.load(Ordering::Acquire)
    }

    /// Its owner has got on: others learn of it with the next renewal.
    pub fn moved(&self) {
        self.0.moved.store(true, Ordering::Relaxed);
    }

    /// Extends the lease in time, again and again, and returns when it is lost.
    pub async fn keep(&self, connection: &mut Shared) {
        let LeaseTimes {
            length,
            renew_every,
        } = self.0.times;
        let mut wait = FIRST_RENEWAL.min(renew_every);
        loop {
            tokio::time::sleep(wait).await;
            let asked = self.0.taken.elapsed();
            match self.renew(connection).await {
                Ok(true) => {
                    let certain = ms(asked + length);
                    self.0.certain_ms.store(certain, Ordering::Release);
                    wait = renew_every;
                }
                Ok(false) => {
                    self.0.certain_ms.store(0, Ordering::Release);
                    return;
                }
                Err(_) if self.is_held() => wait = TRY_AGAIN.min(renew_every),
                Err(_) => return,
            }
        }
    }

    async fn renew(&self, connection: &mut Shared) -> RedisResult<bool> {
        let moved = self.0.moved.swap(false, Ordering::Relaxed);
        RENEW
            .key(key(self.0.partition))
            .key(moving_key(self.0.partition))
            .arg(&self.0.id)
            .arg(ms(self.0.times.length))
            .arg(if moved { ms(MOVING) } else { 0 })
            .invoke_async(connection)
            .await
    }

    /// Gives it up, so that the next one need not wait for its end.
    pub async fn release(&self, connection: &mut Shared) -> RedisResult<()> {
        self.0.certain_ms.store(0, Ordering::Release);
        RELEASE
            .key(key(self.0.partition))
            .arg(&self.0.id)
            .invoke_async(connection)
            .await
    }
}

/// Whether the partition has had an owner that moves in the last [`MOVING`].
pub async fn is_attended(connection: &mut Shared, partition: Partition) -> RedisResult<bool> {
    redis::cmd("EXISTS")
        .arg(moving_key(partition))
        .query_async(connection)
        .await
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
