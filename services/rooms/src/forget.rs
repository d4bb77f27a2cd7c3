//! Keeps the feed of removals short.

use std::{convert::Infallible, time::Duration};

use plaza_kit::{retry::Outage, shutdown::Shutdown};

use crate::storage::Store;

/// How long a removal is kept: longer than any cache of memberships lives.
const KEEP: Duration = Duration::from_mins(5);
/// How often old ones are deleted; each replica does it.
const EVERY: Duration = Duration::from_secs(30);

/// Deletes old removals until the end.
pub(crate) fn spawn(store: Store, shutdown: &Shutdown) {
    let stop = shutdown.clone();
    shutdown.spawn("removals", async move {
        let outage = Outage::new("the feed of removals");
        loop {
            match store.forget_removals(KEEP).await {
                Ok(_) => outage.answered(),
                Err(error) => outage.failed(&error),
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = stop.finishing() => return Ok::<_, Infallible>(()),
            }
        }
    });
}
