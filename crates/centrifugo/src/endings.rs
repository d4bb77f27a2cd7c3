//! Works off what has to end at Centrifugo.
//!
//! Centrifugo tells its nodes at most once, and with its Redis away it does
//! nothing at all. So what has to end is a row of the service's own database,
//! written by the transaction that ends it, and told until it was answered,
//! and again for what may have slipped through, whatever replica dies.

use std::{convert::Infallible, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use plaza_kit::{retry::Outage, shutdown::Shutdown};
use tokio::sync::Notify;

use crate::{CallError, Client, Command, Outcome};

/// Between two looks for what is due: also for what other replicas ended.
const EVERY: Duration = Duration::from_millis(100);
/// How long Centrifugo may take.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How long what was taken is left to who took it: longer than the timeout.
const LEASE: Duration = Duration::from_millis(1_500);
/// Before what was not answered is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// Most that are taken at once.
pub const TAKEN_AT_ONCE: i64 = 256;

/// Something that has to end.
pub trait Ending: Clone + Send + Sync {
    /// What Centrifugo is told; nothing: it is no longer to end.
    fn commands(&self) -> Vec<Command<'static>>;
    /// When it was ended in the database.
    fn ended_at(&self) -> DateTime<Utc>;
    /// Whether Centrifugo has answered for it before.
    fn was_told(&self) -> bool;
}

/// Where what has to end is kept.
pub trait Endings: Send + Sync + 'static {
    /// One of them.
    type Ending: Ending;
    /// Why the database gave no answer.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Takes what is due, at most [`TAKEN_AT_ONCE`], for `lease`; whoever asks
    /// within it gets the others.
    fn take(
        &self,
        lease: Duration,
    ) -> impl Future<Output = Result<Vec<Self::Ending>, Self::Error>> + Send;

    /// Centrifugo has answered for these, or was told nothing.
    fn answered(
        &self,
        endings: &[Self::Ending],
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Centrifugo has not answered for these: they are due again after `wait`.
    fn unanswered(
        &self,
        endings: &[Self::Ending],
        wait: Duration,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// How the work is called.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// The task.
    pub task: &'static str,
    /// What is away when it fails, for the log.
    pub of: &'static str,
    /// Histogram of the seconds from the end in the database to Centrifugo's
    /// answer, by `time` (`first`, `again`).
    pub after_seconds: &'static str,
    /// Counter of what was not answered.
    pub failed_total: &'static str,
    /// Gauge of the age of the oldest of what was not answered.
    pub oldest_seconds: &'static str,
}

/// Why something has not ended.
#[derive(Debug, thiserror::Error)]
enum EndingError<E: std::error::Error + 'static> {
    #[error("cannot read or write what has to end")]
    Database(#[source] E),
    #[error("no answer from Centrifugo")]
    Call(#[from] CallError),
    #[error("no answer from Centrifugo in time")]
    Timeout(#[from] tokio::time::error::Elapsed),
    /// As when its Redis is away.
    #[error("Centrifugo did not do it (code {0})")]
    NotDone(u32),
}

/// Works off what is due until the end; `ended` tells of more.
pub fn work_off<E: Endings>(
    endings: E,
    client: Client,
    ended: Arc<Notify>,
    names: Names,
    shutdown: &Shutdown,
) {
    let stop = shutdown.clone();
    names.measure::<E::Ending>(&[], &[]);
    shutdown.spawn(names.task, async move {
        let outage = Outage::new(names.of);
        loop {
            match work_off_due(&endings, &client, names).await {
                Ok(()) => outage.answered(),
                Err(error) => outage.failed(&error),
            }
            tokio::select! {
                () = ended.notified() => {}
                () = tokio::time::sleep(EVERY.mul_f64(0.75 + fastrand::f64() / 2.0)) => {}
                () = stop.finishing() => return Ok::<_, Infallible>(()),
            }
        }
    });
}

/// Tells Centrifugo of all that is due.
async fn work_off_due<E: Endings>(
    endings: &E,
    client: &Client,
    names: Names,
) -> Result<(), EndingError<E::Error>> {
    loop {
        let taken = endings.take(LEASE).await.map_err(EndingError::Database)?;
        if taken.is_empty() {
            return Ok(());
        }
        let more = i64::try_from(taken.len()).is_ok_and(|taken| taken >= TAKEN_AT_ONCE);
        let told = tell::<E>(client, &taken).await;
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for (place, ending) in taken.into_iter().enumerate() {
            match &told {
                Ok(refused) if refused.get(place).is_some_and(Option::is_none) => done.push(ending),
                _ => failed.push(ending),
            }
        }
        names.measure(&done, &failed);
        if !done.is_empty() {
            let answered = endings.answered(&done).await;
            answered.map_err(EndingError::Database)?;
        }
        if !failed.is_empty() {
            let unanswered = endings.unanswered(&failed, AGAIN).await;
            unanswered.map_err(EndingError::Database)?;
        }
        if let Some(code) = told?.into_iter().flatten().next() {
            return Err(EndingError::NotDone(code));
        }
        if !more {
            return Ok(());
        }
    }
}

/// Tells Centrifugo; gives for each ending the code of its first refusal.
async fn tell<E: Endings>(
    client: &Client,
    taken: &[E::Ending],
) -> Result<Vec<Option<u32>>, EndingError<E::Error>> {
    let commands: Vec<Vec<Command<'static>>> = taken.iter().map(Ending::commands).collect();
    let flat: Vec<Command<'static>> = commands.iter().flatten().cloned().collect();
    if flat.is_empty() {
        return Ok(vec![None; taken.len()]);
    }
    let outcomes = tokio::time::timeout(TIMEOUT, client.batch(&flat)).await??;
    let mut outcomes = outcomes
        .iter()
        .map(|of_channel| refused(of_channel.first()));
    Ok(commands
        .iter()
        .map(|of_ending| {
            let codes: Vec<_> = outcomes.by_ref().take(of_ending.len()).collect();
            codes.into_iter().flatten().next()
        })
        .collect())
}

const fn refused(outcome: Option<&Outcome>) -> Option<u32> {
    match outcome {
        Some(Outcome::Accepted(_)) => None,
        Some(Outcome::Retry { code } | Outcome::Never { code, .. }) => Some(*code),
        None => Some(0),
    }
}

impl Names {
    fn measure<E: Ending>(self, done: &[E], failed: &[E]) {
        let age = |ending: &E| {
            let age = Utc::now() - ending.ended_at();
            age.to_std().unwrap_or_default().as_secs_f64()
        };
        for ending in done {
            let time = if ending.was_told() { "again" } else { "first" };
            metrics::histogram!(self.after_seconds, "time" => time).record(age(ending));
        }
        metrics::counter!(self.failed_total).increment(failed.len() as u64);
        let oldest = failed.iter().map(age).fold(0.0, f64::max);
        metrics::gauge!(self.oldest_seconds).set(oldest);
    }
}
