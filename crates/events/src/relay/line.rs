//! The connection to Redis that the partitions of a relay share, together with
//! the process that answers at its other end. In a cluster each partition has
//! one of its own, since any of them may move to another node by itself.
//!
//! Redis may lose what it acknowledged: when it is killed, when a replica that
//! was behind takes its place, when its disk is gone. All of these show as
//! another `run_id`, and only that it was emptied while it ran shows by a mark
//! that is gone. So a connection is never replaced silently: each one asks
//! first whom it leads to.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use plaza_kit::redis::{Redis, is_replica};
use redis::{RedisResult, aio::MultiplexedConnection};

use crate::{Partition, stream::random_id};

/// Longest wait for an answer from Redis; a partition's lock is held meanwhile.
pub(super) const TIMEOUT: Duration = Duration::from_secs(1);

/// Redis did not answer as hoped, or not in time: what was sent may be done.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    /// Redis or the connection to it failed.
    #[error("Redis does not take events")]
    Redis(#[from] redis::RedisError),
    /// No answer in time.
    #[error("Redis did not answer within {} ms", TIMEOUT.as_millis())]
    Timeout,
    /// Whoever answers is a replica, whatever it was before.
    #[error("what answers as Redis is a replica")]
    Replica,
    /// It does not say who it is.
    #[error("Redis does not tell its run_id")]
    Anonymous,
}

/// Longest wait for an answer while a connection is made.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// A random text in Redis, which is gone when Redis is emptied.
const MARK: &str = "plaza:mark";

/// A connection to one process.
#[derive(Debug, Clone)]
pub(super) struct Connected {
    pub(super) connection: MultiplexedConnection,
    /// What the process drew at its start, and the mark: `run_id:mark`.
    pub(super) run_id: Arc<str>,
    /// Which primary it was, of those that sentinels named one after another.
    generation: u64,
}

impl Connected {
    fn has(&self, mark: &str) -> bool {
        let own = self.run_id.split_once(':');
        own.is_some_and(|(_, own)| own == mark)
    }
}

/// The present connection, made when it is needed.
#[derive(Debug)]
pub(super) struct Line {
    redis: Redis,
    /// The key of the mark, which lies beside what is written.
    mark: String,
    present: Mutex<Option<Connected>>,
    /// Held by whoever makes a connection.
    making: tokio::sync::Mutex<()>,
}

impl Line {
    /// The lines of a relay, each with the partitions that it carries.
    pub(super) fn all(redis: &Redis) -> Vec<(Arc<Self>, Vec<Partition>)> {
        let line = |mark: String| {
            Arc::new(Self {
                redis: redis.clone(),
                mark,
                present: Mutex::default(),
                making: tokio::sync::Mutex::default(),
            })
        };
        if !redis.is_divided() {
            return vec![(line(MARK.to_owned()), Partition::all().collect())];
        }
        Partition::all()
            .map(|partition| (line(partition.key("mark")), vec![partition]))
            .collect()
    }

    /// The present connection, or a new one.
    pub(super) async fn connected(&self) -> Result<Connected, LineError> {
        match self.present() {
            Some(connected) => Ok(connected),
            // The time includes that of others who make one.
            None => in_time(self.make()).await?,
        }
    }

    async fn make(&self) -> Result<Connected, LineError> {
        let _making = self.making.lock().await;
        if let Some(connected) = self.present() {
            return Ok(connected);
        }
        let connected = self.connect().await?;
        *self.slot() = Some(connected.clone());
        Ok(connected)
    }

    async fn connect(&self) -> Result<Connected, LineError> {
        let generation = self.redis.generation();
        let connection = self.redis.connection(&self.mark, CONNECT_WITHIN);
        let mut connection = connection.await?;
        let (role, info): (redis::Value, String) = redis::pipe()
            .cmd("ROLE")
            .cmd("INFO")
            .arg("server")
            .query_async(&mut connection)
            .await?;
        // Before the mark: a replica takes none.
        if is_replica(&role) {
            return Err(LineError::Replica);
        }
        let run_id = info
            .lines()
            .find_map(|line| line.strip_prefix("run_id:"))
            .ok_or(LineError::Anonymous)?;
        let (mark,): (String,) = redis::pipe()
            .cmd("SET")
            .arg(&self.mark)
            .arg(random_id())
            .arg("NX")
            .ignore()
            .cmd("GET")
            .arg(&self.mark)
            .query_async(&mut connection)
            .await?;
        let run_id = format!("{}:{mark}", run_id.trim());
        Ok(Connected {
            connection,
            run_id: run_id.into(),
            generation,
        })
    }

    /// A call over the present connection, which is given up when it fails.
    pub(super) async fn ask<T>(
        &self,
        connected: &Connected,
        call: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, LineError> {
        let answer = match in_time(call).await {
            Ok(answer) => answer.map_err(Into::into),
            Err(timeout) => Err(timeout),
        };
        if answer.is_err() {
            self.give_up(connected);
        }
        answer
    }

    /// Asks whether the connection still leads to where events belong, and
    /// answers who is there.
    pub(super) async fn check(&self) -> Result<Arc<str>, LineError> {
        // An error is that of those who are asked; the connection may be good.
        let _ = in_time(self.redis.follow()).await;
        let mut connected = self.connected().await?;
        let mut connection = connected.connection.clone();
        let mut ask = redis::pipe();
        ask.cmd("ROLE").cmd("GET").arg(&self.mark);
        let ask = ask.query_async(&mut connection);
        let (role, mark): (_, Option<String>) = self.ask(&connected, ask).await?;
        if is_replica(&role) || !mark.is_some_and(|mark| connected.has(&mark)) {
            self.give_up(&connected);
            connected = self.connected().await?;
        }
        Ok(connected.run_id)
    }

    fn present(&self) -> Option<Connected> {
        let generation = self.redis.generation();
        let present = self.slot().clone();
        present.filter(|present| present.generation == generation)
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Connected>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the connection, unless another one has taken its place.
    fn give_up(&self, connected: &Connected) {
        let mut present = self.slot();
        let is_this = |now: &Connected| Arc::ptr_eq(&now.run_id, &connected.run_id);
        if present.as_ref().is_some_and(is_this) {
            *present = None;
        }
    }
}

async fn in_time<T>(answer: impl Future<Output = T>) -> Result<T, LineError> {
    tokio::time::timeout(TIMEOUT, answer)
        .await
        .map_err(|_| LineError::Timeout)
}
