//! Makes the faults of a schedule and mends them.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::future::try_join_all;
use nix::{sys::signal::Signal, unistd::Pid};
use tokio::time::Instant;

use crate::{
    recovery::Recoveries,
    schedule::{Fault, Kind, Part, Schedule},
    stack::{Stack, signal_all},
};

/// How long people go on after the last fault, at least.
const LAST_LOOK: Duration = Duration::from_secs(3);

/// Breaks the parts of a stack.
#[derive(Debug)]
pub(crate) struct Injector<'a> {
    stack: &'a Stack,
    recoveries: Arc<Recoveries>,
}

impl<'a> Injector<'a> {
    pub(crate) fn new(stack: &'a Stack, recoveries: Arc<Recoveries>) -> Self {
        Self { stack, recoveries }
    }

    /// Goes through the schedule, `duration` in all; `progress` is printed beside
    /// each fault.
    pub(crate) async fn run(
        &self,
        schedule: &Schedule,
        duration: Duration,
        progress: impl Fn() -> String,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        for (number, fault) in schedule.faults.iter().enumerate() {
            tokio::time::sleep_until(begun + Duration::from_millis(fault.at_ms)).await;
            println!(
                "{:>5.0} s  fault {}/{}: {:?} {} for {:.1} s   ({})",
                begun.elapsed().as_secs_f64(),
                number + 1,
                schedule.faults.len(),
                fault.kind,
                names(&fault.parts),
                Duration::from_millis(fault.lasts_ms).as_secs_f64(),
                progress()
            );
            self.make(fault).await?;
        }
        // What comes after the last fault belongs to the run.
        tokio::time::sleep_until(begun + duration.max(begun.elapsed() + LAST_LOOK)).await;
        Ok(())
    }

    async fn make(&self, fault: &Fault) -> anyhow::Result<()> {
        let lasts = Duration::from_millis(fault.lasts_ms);
        match fault.kind {
            Kind::Kill => {
                try_join_all(fault.parts.iter().map(|part| self.stack.kill(*part))).await?;
                tokio::time::sleep(lasts).await;
                // Dependencies first: a start waits until the part is ready.
                let mut parts = fault.parts.clone();
                parts.sort_unstable();
                for part in parts {
                    self.stack.start_part(part).await.with_context(|| {
                        format!("{} did not come back after a kill", part.name())
                    })?;
                }
            }
            Kind::Pause => {
                let processes: Vec<Pid> =
                    try_join_all(fault.parts.iter().map(|part| self.stack.processes(*part)))
                        .await?
                        .concat();
                signal_all(&processes, Signal::SIGSTOP);
                tokio::time::sleep(lasts).await;
                signal_all(&processes, Signal::SIGCONT);
            }
        }
        self.recoveries.mended(fault);
        Ok(())
    }
}

fn names(parts: &[Part]) -> String {
    let names: Vec<_> = parts.iter().map(|part| part.name()).collect();
    names.join(" and ")
}
