//! Finds what no commit wakes the relay for: events that a crash left, and
//! those that waited for room in a stream. Also says how full the outbox is.

use std::{convert::Infallible, sync::Arc, time::Duration};

use plaza_kit::{retry::Outage, shutdown::Shutdown};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Shared, rows};
use crate::Partition;

/// How often every partition is read from its lowest id.
const WAKE_ALL_EVERY: Duration = Duration::from_mins(1);

/// How often the depth of the outbox is measured.
const MEASURE_EVERY: Duration = Duration::from_secs(5);

/// Polls until the shutdown finishes.
pub(super) async fn run(
    shared: Arc<Shared>,
    database: Outage,
    shutdown: Shutdown,
) -> Result<(), Infallible> {
    let mut ticks = interval(Duration::from_millis(shared.args.relay_poll_ms));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut all_at = Instant::now();
    let mut measured_at = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.finishing() => return Ok(()),
        }
        if all_at.elapsed() >= WAKE_ALL_EVERY {
            all_at = Instant::now();
            shared.lanes.iter().for_each(|lane| lane.wake.notify_one());
        }
        let measure = measured_at.is_none_or(|at: Instant| at.elapsed() >= MEASURE_EVERY);
        if measure {
            measured_at = Some(Instant::now());
        }
        match look(&shared, measure).await {
            Ok(()) => database.answered(),
            Err(error) => database.failed(&error),
        }
    }
}

async fn look(shared: &Shared, measure: bool) -> sqlx::Result<()> {
    for number in rows::pending(&shared.pool, &shared.floors()).await? {
        if let Ok(partition) = Partition::try_from(number) {
            shared.lanes[partition.index()].wake.notify_one();
        }
    }
    if measure {
        let backlog = rows::backlog(&shared.pool).await?;
        let service = shared.source.name();
        #[expect(clippy::cast_precision_loss, reason = "at most 100,000")]
        metrics::gauge!("plaza_outbox_depth", "service" => service).set(backlog.depth as f64);
        metrics::gauge!("plaza_outbox_oldest_age_seconds", "service" => service)
            .set(backlog.oldest_s);
    }
    Ok(())
}
