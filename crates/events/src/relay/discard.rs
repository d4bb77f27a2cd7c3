//! With real time off nobody reads the events: they are deleted unread, so
//! that the outbox does not grow.

use std::{convert::Infallible, sync::Arc, time::Duration};

use plaza_kit::{retry::Outage, shutdown::Shutdown};

use super::{Shared, rows};

const EVERY: Duration = Duration::from_secs(1);
const BATCH: u32 = 5_000;

/// Discards until the shutdown finishes.
pub(super) async fn run(
    shared: Arc<Shared>,
    database: Outage,
    shutdown: Shutdown,
) -> Result<(), Infallible> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.finishing() => return Ok(()),
        }
        loop {
            match rows::discard(&shared.pool, BATCH).await {
                Ok(deleted) if deleted >= u64::from(BATCH) => {}
                Ok(_) => {
                    database.answered();
                    break;
                }
                Err(error) => {
                    database.failed(&error);
                    break;
                }
            }
        }
    }
}
