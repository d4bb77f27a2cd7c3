//! Stopping without dropping anything: first no new requests, then the
//! background tasks finish what was committed, then the process ends.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::sync::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A task that ended with an error, which ends the whole process: an
/// orchestrator restarts it, and half a service is worse than none.
#[derive(Debug, thiserror::Error)]
#[error("{task} ended: {cause}")]
pub struct TaskFailed {
    task: &'static str,
    cause: String,
}

/// Shared by everything that runs in one service.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    stopping: CancellationToken,
    finishing: CancellationToken,
    tasks: TaskTracker,
    failure: Arc<Mutex<Option<TaskFailed>>>,
    reached: CancellationToken,
}

impl Shutdown {
    /// One that no signal reaches, for tests and for embedding.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that the service was ready for the first time.
    pub(crate) fn reach(&self) {
        self.reached.cancel();
    }

    /// Resolves when the service is ready for the first time; at once when it
    /// has ever been.
    pub async fn reached(&self) {
        self.reached.cancelled().await;
    }

    /// One that SIGTERM and SIGINT begin; a second signal ends the process at once.
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let shutdown = Self::new();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let begin = shutdown.clone();
        tokio::spawn(async move {
            for first in [true, false] {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
                if first {
                    tracing::info!(
                        "stopping: finishing what is under way; a second signal ends at once"
                    );
                    begin.begin();
                } else {
                    std::process::exit(130);
                }
            }
        });
        Ok(shutdown)
    }

    /// Begins to stop.
    pub fn begin(&self) {
        self.stopping.cancel();
    }

    /// Whether stopping has begun.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Resolves when stopping begins: take no new work from outside.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Resolves once no request is under way any more: background tasks do
    /// what is left (the relay empties its outbox) and return.
    pub async fn finishing(&self) {
        self.finishing.cancelled().await;
    }

    /// Whether background tasks should finish.
    pub fn is_finishing(&self) -> bool {
        self.finishing.is_cancelled()
    }

    /// Runs a background task that returns when [`finishing`](Self::finishing)
    /// resolves. An error or a panic begins the shutdown and makes
    /// [`drain`](Self::drain) fail.
    pub fn spawn<E>(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) where
        E: std::fmt::Display + Send + 'static,
    {
        let shutdown = self.clone();
        self.tasks.spawn(async move {
            let cause = match tokio::spawn(task).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => format!("{error:#}"),
                Err(panic) => panic.to_string(),
            };
            tracing::error!(
                task = name,
                error = cause,
                "a background task ended, stopping"
            );
            shutdown
                .failure
                .lock()
                .await
                .get_or_insert(TaskFailed { task: name, cause });
            shutdown.begin();
        });
    }

    /// Lets the background tasks finish, `timeout` at most; call it after the
    /// last request was answered.
    pub async fn drain(&self, timeout: Duration) -> Result<(), TaskFailed> {
        self.finishing.cancel();
        self.tasks.close();
        if tokio::time::timeout(timeout, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                left = self.tasks.len(),
                "background tasks did not finish in time"
            );
        }
        self.failure.lock().await.take().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failed_task_stops_the_service_and_is_reported() {
        let shutdown = Shutdown::new();
        shutdown.spawn("relay", async { Err::<(), _>("no database") });
        shutdown.stopping().await;
        let error = shutdown.drain(Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(error.to_string(), "relay ended: no database");
    }

    #[tokio::test]
    async fn tasks_finish_before_drain_returns() {
        let shutdown = Shutdown::new();
        let done = Arc::new(Mutex::new(false));
        let (task, flag) = (shutdown.clone(), done.clone());
        shutdown.spawn("relay", async move {
            task.finishing().await;
            *flag.lock().await = true;
            Ok::<_, String>(())
        });
        shutdown.begin();
        shutdown.drain(Duration::from_secs(5)).await.unwrap();
        assert!(*done.lock().await);
    }
}
