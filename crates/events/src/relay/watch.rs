//! Notices that another Redis answers. The relay of a quiet partition would
//! learn of it with its next event only, and what was lost may be its last one.

use std::{convert::Infallible, sync::Arc, time::Duration};

use plaza_kit::{retry::Outage, shutdown::Shutdown};

use super::{Shared, line::Line};
use crate::Partition;

const EVERY: Duration = Duration::from_secs(1);

/// Looks until the shutdown finishes, and wakes the line's partitions when
/// another Redis answers than before.
pub(super) async fn run(
    shared: Arc<Shared>,
    line: Arc<Line>,
    partitions: Vec<Partition>,
    redis: Outage,
    shutdown: Shutdown,
) -> Result<(), Infallible> {
    let mut known: Option<Arc<str>> = None;
    loop {
        match line.check().await {
            Ok(run_id) => {
                redis.answered();
                if known.as_ref() != Some(&run_id) {
                    known = Some(run_id);
                    for partition in &partitions {
                        shared.lanes[partition.index()].wake.notify_one();
                    }
                }
            }
            Err(error) => redis.failed(&error),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.finishing() => return Ok(()),
        }
    }
}
