//! Says how far the publisher is behind.

use std::{convert::Infallible, time::Duration};

use plaza_events::{Partition, stream::lag};
use plaza_kit::shutdown::Shutdown;
use redis::aio::ConnectionManager;

const EVERY: Duration = Duration::from_secs(2);

/// Measures until the shutdown finishes. While Redis is away the last values stand.
pub(super) async fn run(
    mut connection: ConnectionManager,
    shutdown: Shutdown,
) -> Result<(), Infallible> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.finishing() => return Ok(()),
        }
        let Ok(lags) = lag(&mut connection).await else {
            continue;
        };
        for (partition, lag) in Partition::all().zip(lags) {
            let label = partition.label();
            #[expect(clippy::cast_precision_loss, reason = "streams are far shorter")]
            metrics::gauge!("plaza_stream_lag_entries", "partition" => label)
                .set(lag.entries as f64);
            metrics::gauge!("plaza_stream_oldest_age_seconds", "partition" => label)
                .set(lag.oldest.as_secs_f64());
        }
    }
}
