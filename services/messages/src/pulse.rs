//! The sign of life: each few seconds one replica writes a `tick`, which takes
//! the whole way to every client. Who hears none is not live.

use std::{convert::Infallible, time::Duration};

use chrono::Utc;
use plaza_kit::{http::chain, shutdown::Shutdown};

use crate::storage::{StorageError, Store, Tick};

/// Shortest time between two tries.
const PAUSE: Duration = Duration::from_millis(50);
/// Between two tries while the database does not answer.
const RETRY: Duration = Duration::from_secs(1);

/// Writes ticks until the end. Every replica tries when the next one is due;
/// the database lets one of them.
pub(crate) fn spawn(store: Store, every: Duration, shutdown: &Shutdown) {
    let stop = shutdown.clone();
    shutdown.spawn("pulse", async move {
        let mut failing = false;
        loop {
            let tick = store.tick(every, Utc::now()).await;
            if let Err(error) = &tick
                && !failing
            {
                tracing::warn!(error = chain(error), "no sign of life can be written");
            }
            failing = tick.is_err();
            tokio::select! {
                () = tokio::time::sleep(wait(&tick, every)) => {}
                () = stop.stopping() => return Ok::<_, Infallible>(()),
            }
        }
    });
}

fn wait(tick: &Result<Tick, StorageError>, every: Duration) -> Duration {
    match tick {
        Ok(Tick::Written) => every,
        Ok(Tick::Due(due)) => (*due).max(PAUSE),
        Err(_) => RETRY,
    }
}
