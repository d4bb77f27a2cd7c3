//! The cursor of a partition: how far each of its streams was dealt with.

use std::{collections::HashMap, sync::LazyLock};

use redis::{RedisResult, Script, aio::MultiplexedConnection};

use super::{EntryId, Lease, lease};
use crate::{Partition, Source};

/// Moves the cursor and trims what is behind it, in one step, for the present
/// lease only. Answers whether it did.
///
/// KEYS: the lease, the cursor, then the streams. ARGV: the lease's id, then
/// for each stream its field in the cursor, the last id that was dealt with,
/// and the first id to keep.
static ADVANCE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
         for place = 3, #KEYS do
           local at = (place - 3) * 3 + 1
           redis.call('HSET', KEYS[2], ARGV[at + 1], ARGV[at + 2])
           redis.call('XTRIM', KEYS[place], 'MINID', '=', ARGV[at + 3])
         end
         return 1",
    )
});

pub(super) fn key(partition: Partition) -> String {
    partition.key("cursor")
}

/// Reads the cursor; a stream without a field, or with one that makes no
/// sense, is read from its beginning.
pub(super) async fn load(
    connection: &mut MultiplexedConnection,
    partition: Partition,
) -> RedisResult<[EntryId; Source::ALL.len()]> {
    let fields: HashMap<String, String> = redis::cmd("HGETALL")
        .arg(key(partition))
        .query_async(connection)
        .await?;
    Ok(Source::ALL.map(|source| {
        let Some(text) = fields.get(source.name()) else {
            return EntryId::ZERO;
        };
        text.parse().unwrap_or_else(|error| {
            tracing::error!(%partition, stream = source.name(), %error, "the cursor is malformed, reading from the beginning");
            EntryId::ZERO
        })
    }))
}

/// Moves the cursor of the given streams; false when the lease is another's.
pub(super) async fn advance(
    connection: &mut MultiplexedConnection,
    partition: Partition,
    lease: &Lease,
    to: &[(Source, EntryId)],
) -> RedisResult<bool> {
    let mut call = ADVANCE.key(lease::key(partition));
    call.key(key(partition)).arg(lease.id());
    for (source, last) in to {
        call.key(source.stream_key(partition))
            .arg(source.name())
            .arg(last.to_string())
            .arg(last.next().to_string());
    }
    call.invoke_async(connection).await
}
