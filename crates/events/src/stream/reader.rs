//! Reads a partition's streams, with a connection of its own: a blocking read
//! would block everybody who shares it.

use std::time::Duration;

use redis::{aio::MultiplexedConnection, streams::StreamReadReply};

use super::{Entry, EntryId, cursor};
use crate::{Partition, Source};

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
    /// The last id of each stream that had entries, undecodable ones included.
    pub ends: Vec<(Source, EntryId)>,
}

/// The reader of one partition.
#[derive(Debug)]
pub struct Reader {
    client: redis::Client,
    partition: Partition,
    longest_block: Duration,
    count: usize,
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    connection: MultiplexedConnection,
    /// What was read last of each stream, in the order of [`Source::ALL`].
    after: [EntryId; Source::ALL.len()],
    /// The cursor.
    done: [EntryId; Source::ALL.len()],
}

impl Reader {
    /// A reader that has not connected yet. A read waits `longest_block` at
    /// most and brings at most `count` entries a stream.
    pub fn new(
        client: redis::Client,
        partition: Partition,
        longest_block: Duration,
        count: usize,
    ) -> Self {
        Self {
            client,
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
        let taken = self.state.take();
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

    /// Records that everything up to these ids was dealt with, and trims it.
    pub async fn advance(&mut self, to: &[(Source, EntryId)]) -> Result<(), StreamError> {
        let Some(mut state) = self.state.take() else {
            // The entries come again over the next connection.
            return Ok(());
        };
        cursor::advance(&mut state.connection, self.partition, to)
            .await
            .map_err(StreamError::Advance)?;
        for (source, done) in Source::ALL.into_iter().zip(&mut state.done) {
            if let Some((_, last)) = to.iter().find(|(of, _)| *of == source) {
                *done = *last;
            }
        }
        self.state = Some(state);
        Ok(())
    }

    /// Lets the next read begin at the cursor: what was read and not dealt
    /// with comes again, together with what was added meanwhile.
    pub fn rewind(&mut self) {
        if let Some(state) = &mut self.state {
            state.after = state.done;
        }
    }

    async fn connect(&self) -> Result<State, StreamError> {
        let mut connection = plaza_kit::redis::blocking(&self.client, self.longest_block)
            .await
            .map_err(StreamError::Connect)?;
        let done = cursor::load(&mut connection, self.partition)
            .await
            .map_err(StreamError::Read)?;
        Ok(State {
            connection,
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
            for raw in &stream.ids {
                let decoded = raw.id.parse().map(|id| {
                    *after = id;
                    Entry::decode(id, source, raw)
                });
                match decoded {
                    Ok(Ok(entry)) => read.entries.push(entry),
                    Ok(Err(error)) => self.undecodable(source, &raw.id, &error),
                    Err(error) => self.undecodable(source, &raw.id, &error),
                }
            }
            if !stream.ids.is_empty() {
                read.ends.push((source, *after));
            }
        }
        read
    }

    fn undecodable(&self, source: Source, id: &str, error: &dyn std::error::Error) {
        metrics::counter!("plaza_stream_undecodable_total", "service" => source.name())
            .increment(1);
        tracing::error!(
            partition = self.partition.number(), stream = source.name(), entry = id, %error,
            "an entry cannot be read as an event, passing over it"
        );
    }
}
