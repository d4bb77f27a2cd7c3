//! Keeps the feed of removals short, and forgets invitations that ended.

use std::{convert::Infallible, time::Duration};

use plaza_kit::{retry::Outage, shutdown::Shutdown};

use crate::storage::{StorageError, Store};

/// How long a removal is kept: longer than any cache of memberships lives.
const KEEP: Duration = Duration::from_mins(5);
/// How long an invitation is kept after its end.
const KEEP_INVITATIONS: Duration = Duration::from_hours(24);
/// How long it is tried to end a subscription at Centrifugo.
const KEEP_ENDINGS: Duration = Duration::from_hours(7 * 24);
/// How often old ones are deleted; each replica does it.
const EVERY: Duration = Duration::from_secs(30);

/// Deletes what is old until the end.
pub(crate) fn spawn(store: Store, shutdown: &Shutdown) {
    let stop = shutdown.clone();
    shutdown.spawn("removals", async move {
        let outage = Outage::new("the feed of removals");
        loop {
            match forget(&store).await {
                Ok(()) => outage.answered(),
                Err(error) => outage.failed(&error),
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = stop.finishing() => return Ok::<_, Infallible>(()),
            }
        }
    });
}

async fn forget(store: &Store) -> Result<(), StorageError> {
    store.forget_removals(KEEP).await?;
    store.forget_invitations(KEEP_INVITATIONS).await?;
    store.forget_endings(KEEP_ENDINGS).await?;
    Ok(())
}
