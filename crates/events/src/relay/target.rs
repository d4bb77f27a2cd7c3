//! The stream that a partition is relayed to.

use std::time::Duration;

use redis::{RedisResult, aio::ConnectionManager};

use super::rows::Row;
use crate::stream::field;

/// Longest wait for an answer from Redis; the partition's lock is held meanwhile.
pub(super) const TIMEOUT: Duration = Duration::from_secs(1);

/// Redis did not take the events, or not in time: they may be in the stream.
#[derive(Debug, thiserror::Error)]
pub(super) enum TargetError {
    /// Redis or the connection to it failed.
    #[error("Redis does not take events")]
    Redis(#[from] redis::RedisError),
    /// No answer in time.
    #[error("Redis did not answer within {} ms", TIMEOUT.as_millis())]
    Timeout,
}

/// The stream of one partition, with its length as far as it is known.
pub(super) struct Target {
    connection: ConnectionManager,
    stream: String,
    max: u64,
    /// The length after the last answer; none after a failure. Then, and at
    /// the cap, it is asked for first, so that no transaction is held for a
    /// Redis that is away and no second copy is sent to one that is paused.
    length: Option<u64>,
}

impl Target {
    pub(super) fn new(connection: ConnectionManager, stream: String, max: u64) -> Self {
        Self {
            connection,
            stream,
            max,
            length: None,
        }
    }

    /// Whether the stream takes more.
    pub(super) async fn has_room(&mut self) -> Result<bool, TargetError> {
        let known = self.length.take().filter(|length| *length < self.max);
        let length = if let Some(length) = known {
            length
        } else {
            let mut ask = redis::cmd("XLEN");
            ask.arg(&self.stream);
            in_time(ask.query_async(&mut self.connection)).await?
        };
        self.length = Some(length);
        Ok(length < self.max)
    }

    /// Adds all of the events in their order, or, as far as is known, none.
    pub(super) async fn add(&mut self, rows: &[Row]) -> Result<(), TargetError> {
        // One transaction in Redis: were it to refuse one event and take the
        // next, the repetition would come behind later ones.
        let mut pipe = redis::pipe();
        pipe.atomic();
        for row in rows {
            let add = pipe.cmd("XADD").arg(&self.stream).arg("*");
            add.arg(field::ID).arg(row.id);
            add.arg(field::KEY).arg(&row.key);
            add.arg(field::EVENT).arg(&row.event);
            add.arg(field::AT).arg(row.at_ms);
            if let Some(traceparent) = &row.traceparent {
                add.arg(field::TP).arg(traceparent);
            }
            add.ignore();
        }
        pipe.cmd("XLEN").arg(&self.stream);
        self.length = None;
        let (length,) = in_time(pipe.query_async(&mut self.connection)).await?;
        self.length = Some(length);
        Ok(())
    }
}

async fn in_time<T>(answer: impl Future<Output = RedisResult<T>>) -> Result<T, TargetError> {
    match tokio::time::timeout(TIMEOUT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(TargetError::Timeout),
    }
}
