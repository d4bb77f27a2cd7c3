//! How far the readers are behind.

use std::time::Duration;

use chrono::Utc;
use redis::{RedisResult, aio::ConnectionManager, streams::StreamRangeReply};

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

/// The lag of each partition, in their order.
pub async fn lag(connection: &mut ConnectionManager) -> RedisResult<Vec<Lag>> {
    let now_ms = u64::try_from(Utc::now().timestamp_millis()).unwrap_or(0);
    let mut all = Vec::with_capacity(Partition::COUNT);
    for partition in Partition::all() {
        let mut lag = Lag::default();
        for source in Source::ALL {
            let key = source.stream_key(partition);
            let (entries, first): (u64, StreamRangeReply) = redis::pipe()
                .cmd("XLEN")
                .arg(&key)
                .cmd("XRANGE")
                .arg(&key)
                .arg(&["-", "+", "COUNT", "1"])
                .query_async(connection)
                .await?;
            lag.entries += entries;
            let oldest = first.ids.first().and_then(|entry| entry.id.parse().ok());
            if let Some(EntryId { ms, .. }) = oldest {
                let age = Duration::from_millis(now_ms.saturating_sub(ms));
                lag.oldest = lag.oldest.max(age);
            }
        }
        all.push(lag);
    }
    Ok(all)
}
