//! The connection to Redis that the partitions of a relay share, together with
//! the process that answers at its other end.
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

use redis::{RedisResult, aio::MultiplexedConnection};

use crate::stream::random_id;

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

/// A random text in Redis, which is gone when Redis is emptied.
const MARK: &str = "plaza:mark";

/// A connection to one process.
#[derive(Debug, Clone)]
pub(super) struct Connected {
    pub(super) connection: MultiplexedConnection,
    /// What the process drew at its start, and the mark: `run_id:mark`.
    pub(super) run_id: Arc<str>,
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
    client: redis::Client,
    present: Mutex<Option<Connected>>,
    /// Held by whoever makes a connection.
    making: tokio::sync::Mutex<()>,
}

impl Line {
    pub(super) fn new(client: redis::Client) -> Self {
        Self {
            client,
            present: Mutex::default(),
            making: tokio::sync::Mutex::default(),
        }
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
        let connected = connect(&self.client).await?;
        *self.slot() = Some(connected.clone());
        Ok(connected)
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
        let mut connected = self.connected().await?;
        let mut connection = connected.connection.clone();
        let mut ask = redis::pipe();
        ask.cmd("ROLE").cmd("GET").arg(MARK);
        let ask = ask.query_async(&mut connection);
        let (role, mark): (_, Option<String>) = self.ask(&connected, ask).await?;
        if is_replica(&role) || !mark.is_some_and(|mark| connected.has(&mark)) {
            self.give_up(&connected);
            connected = self.connected().await?;
        }
        Ok(connected.run_id)
    }

    fn present(&self) -> Option<Connected> {
        self.slot().clone()
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

async fn connect(client: &redis::Client) -> Result<Connected, LineError> {
    let mut connection = plaza_kit::redis::blocking(client, Duration::ZERO).await?;
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
        .arg(MARK)
        .arg(random_id())
        .arg("NX")
        .ignore()
        .cmd("GET")
        .arg(MARK)
        .query_async(&mut connection)
        .await?;
    let run_id = format!("{}:{mark}", run_id.trim());
    Ok(Connected {
        connection,
        run_id: run_id.into(),
    })
}

/// `ROLE` answers a list whose first element is the role.
fn is_replica(role: &redis::Value) -> bool {
    let redis::Value::Array(parts) = role else {
        return false;
    };
    match parts.first() {
        Some(redis::Value::BulkString(name)) => name == b"slave",
        Some(redis::Value::SimpleString(name)) => name == "slave",
        _ => false,
    }
}

async fn in_time<T>(answer: impl Future<Output = T>) -> Result<T, LineError> {
    tokio::time::timeout(TIMEOUT, answer)
        .await
        .map_err(|_| LineError::Timeout)
}
