//! Reads a partition's streams, with a connection of its own: a blocking read
//! would block everybody who shares it.

use std::time::Duration;

use plaza_kit::redis::{Redis, Shared};
use redis::{
    FromRedisValue,
    aio::MultiplexedConnection,
    streams::{StreamId, StreamReadReply},
};

use super::{DEAD_LETTERS, DeadLetter, Entry, EntryId, Lease, Undecodable, cursor, dead};
use crate::{Partition, Source};

/// Longest wait for an answer, beside what a read waits for entries.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Redis or the connection to it failed. The next read begins at the cursor,
/// over a new connection.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// No connection.
    #[error("no connection to Redis of the streams")]
    Connect(#[source] redis::RedisError),
    /// The streams or the cursor could not be read.
    #[error("the streams cannot be read")]
    Read(#[source] redis::RedisError),
    /// The cursor could not be moved.
    #[error("the cursor cannot be moved")]
    Advance(#[source] redis::RedisError),
    /// What can never be published could not be put aside.
    #[error("dead letters cannot be written")]
    Bury(#[source] redis::RedisError),
    /// Another reader has the partition: nothing was moved.
    #[error("the lease of the partition is another's")]
    NotOwner,
}

/// What one read found.
#[derive(Debug, Default)]
pub struct Read {
    /// Whether this is the first read of a connection. It begins at the
    /// cursor, so that entries may come again; and what was acknowledged
    /// before may be lost.
    pub begins: bool,
    /// By source in the order of [`Source::ALL`], inside it in stream order.
    pub entries: Vec<Entry>,
    /// Entries that are no events.
    pub dead: Vec<DeadLetter>,
    /// The last id of each stream that had entries, those of `dead` included.
    pub ends: Vec<(Source, EntryId)>,
    /// Whether a stream has more than one read brings. What comes behind it in
    /// [`Source::ALL`] is left for later: no message stands before a removal
    /// that waits longer.
    pub more: bool,
}

/// The reader of one partition.
#[derive(Debug)]
pub struct Reader {
    redis: Redis,
    /// For dead letters, which may be elsewhere than the streams.
    letters: Shared,
    partition: Partition,
    longest_block: Duration,
    count: usize,
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    connection: MultiplexedConnection,
    /// Which primary it was, of those that sentinels named one after another.
    generation: u64,
    /// What was read last of each stream, in the order of [`Source::ALL`].
    after: [EntryId; Source::ALL.len()],
    /// The cursor.
    done: [EntryId; Source::ALL.len()],
}

impl Reader {
    /// A reader that has not connected yet. A read waits `longest_block` at
    /// most and brings at most `count` entries a stream.
    pub fn new(redis: Redis, partition: Partition, longest_block: Duration, count: usize) -> Self {
        Self {
            letters: redis.shared(DEAD_LETTERS, ANSWER_WITHIN),
            redis,
            partition,
            longest_block,
            count,
            state: None,
        }
    }

    /// Waits up to `block` for entries behind those that were read before, and
    /// answers with what is there; nothing when the time is over.
    pub async fn read(&mut self, block: Duration) -> Result<Read, StreamError> {
        // Taken out until it has answered: a connection that failed, or whose
        // read was abandoned, is not used again.
        let generation = self.redis.generation();
        let taken = self.state.take();
        let taken = taken.filter(|state| state.generation == generation);
        let begins = taken.is_none();
        let mut state = match taken {
            Some(state) => state,
            None => self.connect().await?,
        };
        let reply = self
            .ask(&mut state, block)
            .await
            .map_err(StreamError::Read)?;
        let read = self.decode(&mut state, &reply, begins);
        self.state = Some(state);
        Ok(read)
    }

    /// Records that everything up to these ids was dealt with, and trims it:
    /// one step in Redis, for the present lease only.
    pub async fn advance(
        &mut self,
        lease: &Lease,
        to: &[(Source, EntryId)],
    ) -> Result<(), StreamError> {
        let Some(mut state) = self.state.take() else {
            // The entries come again over the next connection.
            return Ok(());
        };
        let moved = cursor::advance(&mut state.connection, self.partition, lease, to)
            .await
            .map_err(StreamError::Advance)?;
        if !moved {
            return Err(StreamError::NotOwner);
        }
        for (source, done) in Source::ALL.into_iter().zip(&mut state.done) {
            if let Some((_, last)) = to.iter().find(|(of, _)| *of == source) {
                *done = *last;
            }
        }
        self.state = Some(state);
        Ok(())
    }

    /// Puts aside what can never be published. Call it before the cursor moves
    /// past it: a letter may then come twice, and none is lost.
    pub async fn bury(&mut self, letters: &[DeadLetter]) -> Result<(), StreamError> {
        if letters.is_empty() {
            return Ok(());
        }
        // Taken out until it is done: after a failure the entries come again.
        let Some(state) = self.state.take() else {
            return Ok(());
        };
        dead::bury(&mut self.letters, letters)
            .await
            .map_err(StreamError::Bury)?;
        self.state = Some(state);
        Ok(())
    }

    /// Gives up the connection: the next read makes a new one and begins at the
    /// cursor, as whoever has just become the owner must.
    pub fn reset(&mut self) {
        self.state = None;
    }

    /// Lets the next read begin at the cursor: what was read and not dealt
    /// with comes again, together with what was added meanwhile.
    pub fn rewind(&mut self) {
        if let Some(state) = &mut self.state {
            state.after = state.done;
        }
    }

    async fn connect(&self) -> Result<State, StreamError> {
        let generation = self.redis.generation();
        let key = cursor::key(self.partition);
        let answer_within = self.longest_block + ANSWER_WITHIN;
        let mut connection = self
            .redis
            .connection(&key, answer_within)
            .await
            .map_err(StreamError::Connect)?;
        let done = cursor::load(&mut connection, self.partition)
            .await
            .map_err(StreamError::Read)?;
        Ok(State {
            connection,
            generation,
            after: done,
            done,
        })
    }

    async fn ask(
        &self,
        state: &mut State,
        block: Duration,
    ) -> Result<StreamReadReply, redis::RedisError> {
        // 0 would mean for ever.
        let block = block.min(self.longest_block).as_millis().max(1);
        let mut ask = redis::cmd("XREAD");
        ask.arg("COUNT").arg(self.count);
        ask.arg("BLOCK").arg(u64::try_from(block).unwrap_or(1));
        ask.arg("STREAMS");
        for source in Source::ALL {
            ask.arg(source.stream_key(self.partition));
        }
        for after in state.after {
            ask.arg(after.to_string());
        }
        let reply: Option<StreamReadReply> = ask.query_async(&mut state.connection).await?;
        Ok(reply.unwrap_or_default())
    }

    fn decode(&self, state: &mut State, reply: &StreamReadReply, begins: bool) -> Read {
        let mut read = Read {
            begins,
            ..Read::default()
        };
        for (source, after) in Source::ALL.into_iter().zip(&mut state.after) {
            let key = source.stream_key(self.partition);
            let Some(stream) = reply.keys.iter().find(|stream| stream.key == key) else {
                continue;
            };
            if read.more {
                break;
            }
            read.more = stream.ids.len() >= self.count && source != Source::Messages;
            for raw in &stream.ids {
                let decoded = raw.id.parse().map_err(Into::into).and_then(|id| {
                    *after = id;
                    Entry::decode(id, source, raw)
                });
                match decoded {
                    Ok(entry) => read.entries.push(entry),
                    Err(error) => read.dead.push(self.undecodable(source, raw, &error)),
                }
            }
            if !stream.ids.is_empty() {
                read.ends.push((source, *after));
            }
        }
        read
    }

    fn undecodable(&self, source: Source, raw: &StreamId, error: &Undecodable) -> DeadLetter {
        let fields = raw.map.iter().filter_map(|(name, value)| {
            let value = Vec::from_redis_value_ref(value).ok()?;
            Some((name.clone(), value))
        });
        DeadLetter {
            source,
            partition: self.partition,
            entry: raw.id.clone(),
            reason: plaza_kit::http::chain(error),
            fields: fields.collect(),
        }
    }
}
