//! The relay of one partition.

use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use plaza_kit::{
    retry::{Backoff, Outage},
    shutdown::Shutdown,
    trace,
};
use sqlx::{Connection, PgConnection, Postgres, Transaction};
use tokio::time::Instant;
use tracing::Instrument;

use super::{
    Lane, Shared,
    floor::Floor,
    line::{Connected, Line, LineError},
    repeat::{LONGEST_BACKLOG, Repeat},
    rows::{self, Row},
    target::Target,
};
use crate::{Partition, outbox};

/// When to look again for what another relay's transaction may have read too
/// early to see.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Upper bound of a step, for a database that neither answers nor closes.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// How often an idle partition writes down that Redis answers.
const SAY_ALIVE_EVERY: TimeDelta = TimeDelta::seconds(30);

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(1);

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Moved events; there may be more.
    Relayed,
    /// Another Redis answers than the one that the step began with.
    Moved,
    /// Nothing was there.
    Empty,
    /// Another relay has the partition.
    Locked,
    /// The stream is at its cap.
    Full,
}

#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Target(#[from] LineError),
    #[error("the outbox cannot be read")]
    Database(#[from] sqlx::Error),
    #[error("the database did not answer within {} s", STEP_TIMEOUT.as_secs())]
    Timeout,
}

/// Relays one partition when it is woken.
pub(super) struct Runner {
    partition: Partition,
    shared: Arc<Shared>,
    target: Target,
    repeat: Arc<dyn Repeat>,
    floor: Floor,
    backoff: Backoff,
    database: Outage,
    redis: Outage,
}

impl Runner {
    pub(super) fn new(
        partition: Partition,
        shared: Arc<Shared>,
        line: Arc<Line>,
        repeat: Arc<dyn Repeat>,
        database: Outage,
        redis: Outage,
    ) -> Self {
        let stream = shared.source.stream_key(partition);
        Self {
            partition,
            target: Target::new(line, stream, shared.args.relay_max_stream),
            shared,
            repeat,
            floor: Floor::new(Instant::now()),
            backoff: Backoff::new(FIRST_DELAY, LONGEST_DELAY),
            database,
            redis,
        }
    }

    fn lane(&self) -> &Lane {
        &self.shared.lanes[self.partition.index()]
    }

    /// Runs until the shutdown finishes, and empties the partition once more then.
    pub(super) async fn run(mut self, shutdown: Shutdown) -> Result<(), Infallible> {
        loop {
            let last = tokio::select! {
                () = self.lane().wake.notified() => false,
                () = shutdown.finishing() => true,
            };
            self.empty(&shutdown).await;
            if last {
                return Ok(());
            }
        }
    }

    /// Steps until nothing is left, or until another relay has the partition.
    async fn empty(&mut self, shutdown: &Shutdown) {
        let mut looked_again = false;
        loop {
            match self.step().await {
                Ok(step) => {
                    self.backoff.reset();
                    match step {
                        Step::Relayed | Step::Moved => looked_again = false,
                        Step::Locked if !looked_again => {
                            looked_again = true;
                            tokio::time::sleep(LOOK_AGAIN).await;
                        }
                        Step::Empty | Step::Full | Step::Locked => return,
                    }
                }
                Err(error) => {
                    self.report(&error);
                    if shutdown.is_finishing() {
                        return;
                    }
                    tokio::select! {
                        () = tokio::time::sleep(self.backoff.delay()) => {}
                        () = shutdown.finishing() => {}
                    }
                }
            }
        }
    }

    fn report(&self, error: &StepError) {
        let (reason, outage) = match error {
            StepError::Target(_) => ("redis", &self.redis),
            StepError::Database(_) | StepError::Timeout => ("database", &self.database),
        };
        outage.failed(error);
        let service = self.shared.source.name();
        metrics::counter!("plaza_relay_failures_total", "service" => service, "reason" => reason)
            .increment(1);
    }

    async fn step(&mut self) -> Result<Step, StepError> {
        let connected = self.target.with_room().await?;
        self.redis.answered();
        let Some(connected) = connected else {
            return Ok(Step::Full);
        };
        let mut connection = self.shared.pool.acquire().await?;
        let transaction = self.transaction(&mut connection, &connected);
        let result = tokio::time::timeout(STEP_TIMEOUT, transaction).await;
        result.unwrap_or_else(|_| {
            connection.close_on_drop();
            Err(StepError::Timeout)
        })
    }

    async fn transaction(
        &mut self,
        connection: &mut PgConnection,
        connected: &Connected,
    ) -> Result<Step, StepError> {
        let mut transaction = connection.begin().await?;
        let locked = rows::try_lock(&mut transaction, self.partition).await?;
        self.database.answered();
        if !locked {
            transaction.rollback().await?;
            return Ok(Step::Locked);
        }
        let began = Instant::now();
        let from = self.floor.begin(began);
        let limit = self.shared.args.relay_batch;
        let found = rows::read(&mut transaction, self.partition, from, limit).await?;
        if let (Some(last), Some(answered_at)) = (&found.run_id, found.answered_at)
            && **last != *connected.run_id
        {
            // The one that went may still be at the end of this connection.
            if !self.target.still_leads_to(connected).await? {
                transaction.rollback().await?;
                return Ok(Step::Moved);
            }
            let since = answered_at - LONGEST_BACKLOG;
            self.say_again(transaction, since, &connected.run_id)
                .await?;
            return Ok(Step::Relayed);
        }
        let rows = found.rows;
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let floor = self
            .floor
            .found(began, ids.first().copied().zip(ids.last().copied()));
        self.lane().floor.store(floor, Ordering::Relaxed);
        if rows.is_empty() {
            let age = found.answered_at.map(|at| Utc::now() - at);
            if age.is_none_or(|age| age > SAY_ALIVE_EVERY) {
                rows::delete(&mut transaction, self.partition, &[], &connected.run_id).await?;
                transaction.commit().await?;
            } else {
                transaction.rollback().await?;
            }
            return Ok(Step::Empty);
        }

        let span = self.span(&rows);
        if let Err(error) = self.target.add(connected, &rows).instrument(span).await {
            // The lock falls now, not when the connection is next used.
            transaction.rollback().await?;
            return Err(error.into());
        }
        rows::delete(&mut transaction, self.partition, &ids, &connected.run_id).await?;
        transaction.commit().await?;

        let service = self.shared.source.name();
        metrics::counter!("plaza_relay_events_total", "service" => service)
            .increment(ids.len() as u64);
        metrics::histogram!("plaza_relay_step_seconds", "service" => service)
            .record(began.elapsed());
        Ok(Step::Relayed)
    }

    /// Another Redis answers than the one that was written to last, and may lack
    /// what that one acknowledged: writes to the outbox what stands for it.
    async fn say_again(
        &self,
        mut transaction: Transaction<'_, Postgres>,
        since: DateTime<Utc>,
        run_id: &str,
    ) -> sqlx::Result<()> {
        let repeat = self.repeat.repeat(&mut transaction, self.partition, since);
        let events = repeat.await?;
        outbox::append(&mut transaction, &events).await?;
        rows::delete(&mut transaction, self.partition, &[], run_id).await?;
        transaction.commit().await?;

        let service = self.shared.source.name();
        metrics::counter!("plaza_relay_repeated_total", "service" => service)
            .increment(events.len() as u64);
        tracing::warn!(
            service,
            partition = self.partition.number(),
            events = events.len(),
            "another Redis answers, saying again what it may lack"
        );
        for event in &events {
            self.shared.lanes[event.partition().index()]
                .wake
                .notify_one();
        }
        Ok(())
    }

    /// One span for the events of a step, linked to the trace of each.
    fn span(&self, rows: &[Row]) -> tracing::Span {
        let span = tracing::info_span!(
            "relay",
            service = self.shared.source.name(),
            partition = self.partition.number(),
            events = rows.len()
        );
        for traceparent in rows.iter().filter_map(|row| row.traceparent.as_deref()) {
            trace::link(&span, traceparent);
        }
        span
    }
}
