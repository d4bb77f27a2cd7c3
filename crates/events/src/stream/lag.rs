//! How far the readers are behind.

use std::time::Duration;

use chrono::Utc;
use plaza_kit::redis::Shared;
use redis::{FromRedisValue, RedisResult, streams::StreamRangeReply};

use super::EntryId;
use crate::{Partition, Source};

/// What waits in a partition's streams. What is behind the cursor is trimmed,
/// so that what is there is what waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Entries in all of its streams.
    pub entries: u64,
    /// How long the oldest of them has been in its stream; zero when there is none.
    pub oldest: Duration,
}

/// The lag of a partition.
pub async fn lag(connection: &mut Shared, partition: Partition) -> RedisResult<Lag> {
    let now_ms = u64::try_from(Utc::now().timestamp_millis()).unwrap_or(0);
    let mut pipe = redis::pipe();
    for source in Source::ALL {
        let key = source.stream_key(partition);
        pipe.cmd("XLEN").arg(&key);
        pipe.cmd("XRANGE").arg(&key).arg(&["-", "+", "COUNT", "1"]);
    }
    let mut lag = Lag::default();
    let found: Vec<redis::Value> = pipe.query_async(connection).await?;
    for stream in found.chunks_exact(2) {
        lag.entries += u64::from_redis_value_ref(&stream[0])?;
        let first = StreamRangeReply::from_redis_value_ref(&stream[1])?;
        let oldest = first.ids.first().and_then(|entry| entry.id.parse().ok());
        if let Some(EntryId { ms, .. }) = oldest {
            let age = Duration::from_millis(now_ms.saturating_sub(ms));
            lag.oldest = lag.oldest.max(age);
        }
    }
    Ok(lag)
}
