//! An even spread: with several publishers none keeps more partitions than its
//! share.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use plaza_events::{
    Partition,
    stream::{LeaseTimes, Member},
};
use plaza_kit::{redis::Shared, shutdown::Shutdown};

const EVERY: Duration = Duration::from_millis(500);

/// How many partitions this process has, and how many it may have. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Share(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    held: AtomicUsize,
    allowed: AtomicUsize,
}

impl Default for Share {
    /// All, until it is known that others run.
    fn default() -> Self {
        Self(Arc::new(Counts {
            held: AtomicUsize::new(0),
            allowed: AtomicUsize::new(Partition::COUNT),
        }))
    }
}

impl Share {
    /// Counts one partition more, if that is within the share.
    pub(super) fn claim(&self) -> bool {
        let allowed = self.0.allowed.load(Ordering::Relaxed);
        let within = |held: usize| (held < allowed).then_some(held + 1);
        let claimed = self
            .0
            .held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, within);
        claimed.is_ok()
    }

    /// Counts one partition less.
    pub(super) fn give_up(&self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts one partition less, if there are more than the share: it is to be
    /// given to another publisher.
    pub(super) fn yield_one(&self) -> bool {
        let allowed = self.0.allowed.load(Ordering::Relaxed);
        let exceeded = |held: usize| (held > allowed).then(|| held - 1);
        let yielded = self
            .0
            .held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, exceeded);
        yielded.is_ok()
    }

    fn allow(&self, partitions: usize) {
        self.0.allowed.store(partitions, Ordering::Relaxed);
        let held = self.0.held.load(Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "at most 16")]
        metrics::gauge!("plaza_publisher_partitions").set(held as f64);
    }
}

/// Learns the share until the shutdown finishes. While Redis is away the last
/// one stands.
pub(super) async fn run(
    share: Share,
    times: LeaseTimes,
    mut connection: Shared,
    shutdown: Shutdown,
) -> Result<(), Infallible> {
    let member = Member::new(times);
    loop {
        if let Ok(partitions) = member.announce(&mut connection).await {
            share.allow(partitions);
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.finishing() => break,
        }
    }
    // Otherwise it is forgotten after some seconds.
    let _ = member.leave(&mut connection).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_share_is_claimed() {
        let share = Share::default();
        share.allow(2);
        assert!(share.claim() && share.claim());
        assert!(!share.claim());
        assert!(!share.yield_one());
        share.allow(1);
        assert!(share.yield_one(), "one is too many");
        assert!(!share.yield_one() && !share.claim());
    }
}
