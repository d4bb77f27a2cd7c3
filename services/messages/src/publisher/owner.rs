//! Who publishes a partition: whoever holds its lease.

use std::{convert::Infallible, time::Duration};

use plaza_events::{
    Partition,
    stream::{Lease, LeaseTimes},
};
use plaza_kit::{redis::Shared, retry::Outage, shutdown::Shutdown};

use super::{Ended, partition::Publisher, share::Share};

/// How often a lease is tried for, at least; the delay is spread.
const TRY_EVERY: Duration = Duration::from_millis(500);

/// The place of one partition in this process.
pub(super) struct Owner {
    partition: Partition,
    publisher: Publisher,
    connection: Shared,
    share: Share,
    times: LeaseTimes,
    outage: Outage,
}

impl Owner {
    pub(super) fn new(
        partition: Partition,
        publisher: Publisher,
        connection: Shared,
        share: Share,
        times: LeaseTimes,
        outage: Outage,
    ) -> Self {
        Self {
            partition,
            publisher,
            connection,
            share,
            times,
            outage,
        }
    }

    /// Takes the lease when it is free, publishes while it stands, and gives it
    /// up when the shutdown finishes.
    pub(super) async fn run(mut self, shutdown: Shutdown) -> Result<(), Infallible> {
        while !shutdown.is_finishing() {
            let Some(lease) = self.take().await else {
                let wait = TRY_EVERY.mul_f64(0.5 + fastrand::f64() / 2.0);
                tokio::select! {
                    () = tokio::time::sleep(wait) => continue,
                    () = shutdown.finishing() => break,
                }
            };
            tracing::debug!(partition = self.partition.number(), "has the partition");
            // What runs when the lease is lost is abandoned where it stands.
            let mut keeper = self.connection.clone();
            let ended = tokio::select! {
                () = lease.keep(&mut keeper) => Ended::Lost,
                ended = self.publisher.publish_while(&lease, &self.share, &shutdown) => ended,
            };
            self.publisher.reset();
            if ended != Ended::Yielded {
                self.share.give_up();
            }
            if ended == Ended::Lost {
                metrics::counter!("plaza_publisher_leases_lost_total").increment(1);
                tracing::info!(partition = self.partition.number(), "lost the partition");
            }
            // When Redis does not answer, the lease ends by itself.
            let _ = lease.release(&mut self.connection).await;
            if ended == Ended::Yielded {
                // Whoever is to have it comes first.
                tokio::time::sleep(TRY_EVERY).await;
            }
        }
        Ok(())
    }

    async fn take(&mut self) -> Option<Lease> {
        if !self.share.claim() {
            return None;
        }
        let lease = match Lease::take(&mut self.connection, self.partition, self.times).await {
            Ok(lease) => {
                self.outage.answered();
                lease
            }
            Err(error) => {
                self.outage.failed(&error);
                None
            }
        };
        if lease.is_none() {
            self.share.give_up();
        }
        lease
    }
}
