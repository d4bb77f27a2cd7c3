//! Says how far the publishers are behind, and whether every partition has one
//! that gets on.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use plaza_events::{
    Partition,
    stream::{MOVING, count_dead_letters, lag, unattended},
};
use plaza_kit::shutdown::Shutdown;
use redis::{RedisResult, aio::ConnectionManager};
use tokio::time::Instant;

const EVERY: Duration = Duration::from_secs(2);

/// Measures until the shutdown finishes. While Redis is away the last values stand.
///
/// `lively` is false while any partition has had no owner that moves: then a
/// sign of life would say too much.
pub(super) async fn run(
    mut connection: ConnectionManager,
    lively: Arc<AtomicBool>,
    shutdown: Shutdown,
) -> Result<(), Infallible> {
    let begun = Instant::now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.finishing() => return Ok(()),
        }
        // What was there before this process began is not known.
        if let Ok(unattended) = unattended(&mut connection).await
            && begun.elapsed() > MOVING
        {
            let was = lively.swap(unattended == 0, Ordering::Relaxed);
            if was && unattended > 0 {
                tracing::warn!(unattended, "partitions are not published, clients are told");
            }
            #[expect(clippy::cast_precision_loss, reason = "at most 16")]
            metrics::gauge!("plaza_publisher_unattended_partitions").set(unattended as f64);
        }
        // An error is told by whoever reads.
        let _ = measure(&mut connection).await;
    }
}

async fn measure(connection: &mut ConnectionManager) -> RedisResult<()> {
    let lags = lag(connection).await?;
    for (partition, lag) in Partition::all().zip(lags) {
        let label = partition.label();
        #[expect(clippy::cast_precision_loss, reason = "streams are far shorter")]
        metrics::gauge!("plaza_stream_lag_entries", "partition" => label).set(lag.entries as f64);
        metrics::gauge!("plaza_stream_oldest_age_seconds", "partition" => label)
            .set(lag.oldest.as_secs_f64());
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 10,000")]
    metrics::gauge!("plaza_dead_letters").set(count_dead_letters(connection).await? as f64);
    Ok(())
}
