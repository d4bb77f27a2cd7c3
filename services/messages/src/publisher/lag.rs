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

use futures::future::join_all;
use plaza_events::{
    Partition,
    stream::{Lag, MOVING, count_dead_letters, is_attended, lag},
};
use plaza_kit::{redis::Shared, shutdown::Shutdown};
use redis::RedisResult;
use tokio::time::Instant;

const EVERY: Duration = Duration::from_secs(2);

/// Looks at all partitions.
pub(super) struct Watch {
    /// The connection of each partition, in their order.
    connections: Vec<Shared>,
    letters: Shared,
    /// False while any partition has had no owner that moves: then a sign of
    /// life would say too much.
    lively: Arc<AtomicBool>,
    attendance: Attendance,
}

/// When each partition was last seen to have an owner that moves.
struct Attendance([Instant; Partition::COUNT]);

impl Attendance {
    /// As if all were attended: what was there before is not known.
    fn new(now: Instant) -> Self {
        Self([now; Partition::COUNT])
    }

    /// Takes note of what each partition's Redis says and answers how many are
    /// unattended; none when no Redis answers at all. One that does not answer
    /// counts when it has not been seen to be attended for [`MOVING`].
    fn look(&mut self, answers: &[RedisResult<bool>], now: Instant) -> Option<usize> {
        if answers.iter().all(Result::is_err) {
            return None;
        }
        let unattended = answers
            .iter()
            .zip(&mut self.0)
            .filter_map(|(answer, seen)| {
                let attended = match answer {
                    Ok(attended) => *attended,
                    Err(_) => now.duration_since(*seen) <= MOVING,
                };
                if matches!(answer, Ok(true)) {
                    *seen = now;
                }
                (!attended).then_some(())
            });
        Some(unattended.count())
    }
}

impl Watch {
    pub(super) fn new(connections: Vec<Shared>, letters: Shared, lively: Arc<AtomicBool>) -> Self {
        Self {
            connections,
            letters,
            lively,
            attendance: Attendance::new(Instant::now()),
        }
    }

    /// Measures until the shutdown finishes. While Redis is away the last
    /// values stand.
    pub(super) async fn run(mut self, shutdown: Shutdown) -> Result<(), Infallible> {
        let begun = Instant::now();
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.finishing() => return Ok(()),
            }
            // An error is told by whoever reads.
            let _ = self.letters.redis().follow().await;
            let asked = Partition::all().zip(&mut self.connections);
            let asked = asked.map(|(partition, connection)| is_attended(connection, partition));
            let answers = join_all(asked).await;
            // What was there before this process began is not known.
            if let Some(unattended) = self.attendance.look(&answers, Instant::now())
                && begun.elapsed() > MOVING
            {
                self.tell(unattended);
            }
            self.measure().await;
        }
    }

    fn tell(&self, unattended: usize) {
        let was = self.lively.swap(unattended == 0, Ordering::Relaxed);
        if was && unattended > 0 {
            tracing::warn!(unattended, "partitions are not published, clients are told");
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 16")]
        metrics::gauge!("plaza_publisher_unattended_partitions").set(unattended as f64);
    }

    async fn measure(&mut self) {
        let asked = Partition::all().zip(&mut self.connections);
        let asked = asked.map(|(partition, connection)| async move {
            if let Ok(lag) = lag(connection, partition).await {
                say(partition, lag);
            }
        });
        join_all(asked).await;
        if let Ok(count) = count_dead_letters(&mut self.letters).await {
            #[expect(clippy::cast_precision_loss, reason = "at most 10,000")]
            metrics::gauge!("plaza_dead_letters").set(count as f64);
        }
    }
}

fn say(partition: Partition, lag: Lag) {
    let label = partition.label();
    #[expect(clippy::cast_precision_loss, reason = "streams are far shorter")]
    metrics::gauge!("plaza_stream_lag_entries", "partition" => label).set(lag.entries as f64);
    metrics::gauge!("plaza_stream_oldest_age_seconds", "partition" => label)
        .set(lag.oldest.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away<T>() -> RedisResult<T> {
        Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into())
    }

    #[test]
    fn a_partition_whose_redis_is_away_is_unattended_after_a_while() {
        let start = Instant::now();
        let mut attendance = Attendance::new(start);
        let answers: Vec<RedisResult<bool>> = Partition::all()
            .map(|partition| {
                if partition.index() < 5 {
                    away()
                } else {
                    Ok(true)
                }
            })
            .collect();
        assert_eq!(attendance.look(&answers, start + MOVING), Some(0));
        let later = start + MOVING + EVERY;
        assert_eq!(attendance.look(&answers, later), Some(5));
    }

    #[test]
    fn one_that_has_no_owner_is_unattended_and_without_redis_nothing_is_known() {
        let start = Instant::now();
        let mut attendance = Attendance::new(start);
        let answers: Vec<_> = Partition::all()
            .map(|partition| Ok(partition.index() != 3))
            .collect();
        assert_eq!(attendance.look(&answers, start), Some(1));
        let answers: Vec<_> = Partition::all().map(|_| away()).collect();
        assert_eq!(attendance.look(&answers, start + MOVING * 2), None);
    }
}
