//! Has the connections of ended sessions closed at Centrifugo: at once, and
//! again when no token that was given before can open one any more.
//!
//! Centrifugo can close all connections of a user, but not those of one
//! session: the user's other devices are told to come back, and do so by
//! themselves. It tells its nodes at most once, and with Redis away it does
//! nothing at all; so each ending is a row that is worked off until it was
//! answered, whatever replica dies.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use chrono::Utc;
use plaza_centrifugo::{CallError, Client, Close, Command, Outcome};
use plaza_kit::{retry::Outage, shutdown::Shutdown};
use plaza_types::UserId;
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::{
    app::App,
    storage::endings::{self, Ending, TAKEN_AT_ONCE},
};

/// Between two looks for what is due: also for what other processes ended.
const EVERY: Duration = Duration::from_millis(100);
/// How long Centrifugo may take.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How long what was taken is left to who took it: longer than the timeout.
const LEASE: Duration = Duration::from_millis(1_500);
/// Before what was not answered is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// Why connections are not closed.
#[derive(Debug, thiserror::Error)]
enum CloseError {
    #[error("cannot read or write whose connections have to be closed")]
    Database(#[from] sqlx::Error),
    #[error("no answer from Centrifugo")]
    Call(#[from] CallError),
    #[error("no answer from Centrifugo in time")]
    Timeout(#[from] tokio::time::error::Elapsed),
    /// As when its Redis is away.
    #[error("Centrifugo did not close the connections (code {0})")]
    NotDone(u32),
}

/// Works off what is due until the end.
pub(crate) fn close_connections(app: &App, centrifugo: Client, shutdown: &Shutdown) {
    let (pool, ended, stop) = (app.pool.clone(), app.ended.clone(), shutdown.clone());
    measure(&[], &[]);
    shutdown.spawn("close connections", async move {
        let outage = Outage::new("the closing of connections");
        loop {
            match work_off(&pool, &centrifugo).await {
                Ok(()) => outage.answered(),
                Err(error) => outage.failed(&error),
            }
            if !next(&ended, &stop).await {
                return Ok::<_, Infallible>(());
            }
        }
    });
}

/// Whether there is to be another look.
async fn next(ended: &Arc<Notify>, stop: &Shutdown) -> bool {
    tokio::select! {
        () = ended.notified() => true,
        () = tokio::time::sleep(EVERY.mul_f64(0.75 + fastrand::f64() / 2.0)) => true,
        () = stop.finishing() => false,
    }
}

/// Tells Centrifugo of all that is due.
async fn work_off(pool: &PgPool, centrifugo: &Client) -> Result<(), CloseError> {
    loop {
        let taken = endings::take(pool, LEASE).await?;
        if taken.is_empty() {
            return Ok(());
        }
        let more = i64::try_from(taken.len()).is_ok_and(|taken| taken >= TAKEN_AT_ONCE);
        let told = tell(centrifugo, &taken).await;
        let (done, failed): (Vec<_>, Vec<_>) = match &told {
            Ok(refused) => taken
                .iter()
                .partition(|ending| !refused.contains_key(&ending.user)),
            Err(_) => (Vec::new(), taken),
        };
        measure(&done, &failed);
        if !done.is_empty() {
            endings::answered(pool, &done).await?;
        }
        if !failed.is_empty() {
            endings::unanswered(pool, &failed, AGAIN).await?;
        }
        if let Some(code) = told?.into_values().next() {
            return Err(CloseError::NotDone(code));
        }
        if !more {
            return Ok(());
        }
    }
}

/// Closes each user's connections; gives for whom it was refused, with the code.
async fn tell(client: &Client, taken: &[Ending]) -> Result<BTreeMap<UserId, u32>, CloseError> {
    let users: BTreeMap<UserId, bool> = taken
        .iter()
        .map(|ending| (ending.user, ending.disabled))
        .collect();
    let commands: Vec<_> = users
        .iter()
        .map(|(user, disabled)| Command::Disconnect {
            user: *user,
            disconnect: if *disabled {
                Close::FOR_GOOD
            } else {
                Close::COME_BACK
            },
        })
        .collect();
    let outcomes = tokio::time::timeout(TIMEOUT, client.batch(&commands)).await??;
    let refused = |outcome: Option<&Outcome>| match outcome {
        Some(Outcome::Accepted(_)) => None,
        Some(Outcome::Retry { code } | Outcome::Never { code, .. }) => Some(*code),
        None => Some(0),
    };
    Ok(users
        .into_keys()
        .zip(outcomes)
        .filter_map(|(user, outcome)| Some((user, refused(outcome.first())?)))
        .collect())
}

/// How long it took from the end of a session, and how old what is left is.
fn measure(done: &[Ending], failed: &[Ending]) {
    let age = |ending: &Ending| {
        let age = Utc::now() - ending.ended_at;
        age.to_std().unwrap_or_default().as_secs_f64()
    };
    for ending in done {
        let which = if ending.told { "again" } else { "first" };
        metrics::histogram!("plaza_connections_closed_after_seconds", "time" => which)
            .record(age(ending));
    }
    metrics::counter!("plaza_connections_not_closed_total").increment(failed.len() as u64);
    let oldest = failed.iter().map(age).fold(0.0, f64::max);
    metrics::gauge!("plaza_connections_not_closed_oldest_seconds").set(oldest);
}
