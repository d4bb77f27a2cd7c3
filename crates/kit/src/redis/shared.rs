//! A connection that several tasks share.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use redis::{
    Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, ServerErrorKind, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};

use super::{CONNECT_TIMEOUT, Redis};

/// A connection for one key that comes back by itself: after a failure the
/// next call makes another one. Cheap to clone. Calls are never repeated: what
/// was sent when it failed may be done.
#[derive(Debug, Clone)]
pub struct Shared(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    redis: Redis,
    key: String,
    answer_within: Duration,
    present: Mutex<Option<Present>>,
    /// Held by whoever makes a connection.
    making: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct Present {
    connection: MultiplexedConnection,
    generation: u64,
    /// Which of them it is.
    mark: Arc<()>,
}

impl Shared {
    pub(super) fn new(redis: Redis, key: String, answer_within: Duration) -> Self {
        Self(Arc::new(Inner {
            redis,
            key,
            answer_within,
            present: Mutex::default(),
            making: tokio::sync::Mutex::default(),
        }))
    }

    /// The connection for another key: this one, unless keys live on several
    /// processes.
    pub fn to(&self, key: &str) -> Self {
        if self.0.redis.is_divided() {
            self.0.redis.shared(key, self.0.answer_within)
        } else {
            self.clone()
        }
    }

    /// Where it leads.
    pub fn redis(&self) -> &Redis {
        &self.0.redis
    }

    async fn connected(&self) -> RedisResult<Present> {
        if let Some(present) = self.present() {
            return Ok(present);
        }
        // The time includes that of others who make one.
        let made = tokio::time::timeout(CONNECT_TIMEOUT, self.make()).await;
        made.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
    }

    async fn make(&self) -> RedisResult<Present> {
        let _making = self.0.making.lock().await;
        if let Some(present) = self.present() {
            return Ok(present);
        }
        let redis = &self.0.redis;
        // Before the primary is asked for: it may change meanwhile.
        let generation = redis.generation();
        let connection = redis.connection(&self.0.key, self.0.answer_within).await?;
        let present = Present {
            connection,
            generation,
            mark: Arc::new(()),
        };
        *self.slot() = Some(present.clone());
        Ok(present)
    }

    fn present(&self) -> Option<Present> {
        let generation = self.0.redis.generation();
        let present = self.slot().clone();
        present.filter(|present| present.generation == generation)
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Present>> {
        self.0
            .present
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the connection, unless another one has taken its place.
    fn give_up(&self, gone: &Present) {
        let mut present = self.slot();
        let is_this = |now: &Present| Arc::ptr_eq(&now.mark, &gone.mark);
        if present.as_ref().is_some_and(is_this) {
            *present = None;
        }
    }
}

impl ConnectionLike for Shared {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let mut present = self.connected().await?;
            let answer = present.connection.req_packed_command(cmd).await;
            if answer.as_ref().is_err_and(is_end) || answer.as_ref().is_ok_and(tells_end) {
                self.give_up(&present);
            }
            answer
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let mut present = self.connected().await?;
            let sent = present
                .connection
                .req_packed_commands(pipeline, offset, count);
            let answers = sent.await;
            let told = |answers: &Vec<Value>| answers.iter().any(tells_end);
            if answers.as_ref().is_err_and(is_end) || answers.as_ref().is_ok_and(told) {
                self.give_up(&present);
            }
            answers
        })
    }

    fn get_db(&self) -> i64 {
        0
    }
}

/// Whether the connection is of no more use: it failed, or whoever is at its
/// other end does not have the key any more.
fn is_end(error: &RedisError) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::Server(ServerErrorKind::NoScript | ServerErrorKind::ResponseError)
    )
}

fn tells_end(answer: &Value) -> bool {
    match answer {
        Value::ServerError(error) => is_end(&error.clone().into()),
        _ => false,
    }
}
