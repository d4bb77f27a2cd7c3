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

#[cfg(test)]
mod tests {
    use plaza_events::{Body, Partition};

    use super::*;
    use crate::testing::{Bench, SOON};

    #[tokio::test]
    async fn one_replica_writes_each_tick() {
        let bench = Bench::new().await;
        let every = Duration::from_mins(1);
        let mut tries = Vec::new();
        for _ in 0..8 {
            let store = bench.store.clone();
            tries.push(tokio::spawn(async move {
                store.tick(every, Utc::now()).await.unwrap()
            }));
        }
        let mut written = 0;
        for one in tries {
            match one.await.unwrap() {
                Tick::Written => written += 1,
                Tick::Due(due) => assert!(due <= every),
            }
        }
        assert_eq!(written, 1);
        let Tick::Due(due) = bench.store.tick(every, Utc::now()).await.unwrap() else {
            panic!("a second tick within the minute");
        };
        assert!(due > Duration::from_secs(30), "{due:?}");
    }

    #[tokio::test]
    async fn ticks_go_on_in_partition_0_until_the_end() {
        let bench = Bench::new().await;
        for _ in 0..2 {
            spawn(
                bench.store.clone(),
                Duration::from_millis(100),
                &bench.shutdown,
            );
        }
        plaza_testkit::eventually(SOON, async || bench.events().await.len() >= 3).await;
        bench.shutdown.begin();
        bench.shutdown.drain(SOON).await.unwrap();

        let events = bench.events().await;
        assert!(events.iter().all(|event| {
            event.body == Body::Tick {} && event.room.is_none() && event.epoch == bench.epoch
        }));
        let partitions: Vec<i16> = sqlx::query_scalar("SELECT DISTINCT partition FROM outbox")
            .fetch_all(&bench.pool)
            .await
            .unwrap();
        assert_eq!(partitions, [Partition::PULSE.number()]);
    }
}
