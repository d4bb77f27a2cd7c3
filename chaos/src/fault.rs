//! Makes the faults of a schedule and mends them.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::future::try_join_all;
use nix::{sys::signal::Signal, unistd::Pid};
use plaza_local::Passage;
use tokio::time::Instant;

use crate::{
    part::{Node, Target},
    recovery::Recoveries,
    schedule::{Fault, Kind, Schedule},
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
                "{:>5.0} s  fault {}/{}: {} of {} for {:.1} s   ({})",
                begun.elapsed().as_secs_f64(),
                number + 1,
                schedule.faults.len(),
                fault.kind,
                fault.names(),
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
        let missing = match fault.kind {
            Kind::FullDisk if self.stack.disk().is_none() => "disk of its own",
            Kind::Clock if self.stack.clocks().is_none() => "clock of its own",
            _ => "",
        };
        if !missing.is_empty() {
            println!("         left out: it has no {missing} here");
            return Ok(());
        }
        let nodes = fault.targets.iter().filter_map(|target| match target {
            Target::Node(node) => Some(*node),
            Target::Link(_) => None,
        });
        let nodes: Vec<Node> = nodes.collect();
        let lasts = tokio::time::sleep(Duration::from_millis(fault.lasts_ms));
        self.recoveries.broken(fault);
        match fault.kind {
            Kind::Kill => {
                try_join_all(nodes.iter().map(|node| self.stack.kill(*node))).await?;
                lasts.await;
                self.start(nodes).await?;
            }
            Kind::Pause => {
                let processes = nodes.iter().map(|node| self.stack.processes(*node));
                let processes: Vec<Pid> = try_join_all(processes).await?.concat();
                signal_all(&processes, Signal::SIGSTOP);
                lasts.await;
                signal_all(&processes, Signal::SIGCONT);
            }
            Kind::Cut => self.disconnect(fault, Passage::Cut, lasts).await,
            Kind::BlackHole => self.disconnect(fault, Passage::Held, lasts).await,
            Kind::FullDisk => {
                let disk = self.stack.disk().context("Redis has no disk")?;
                disk.fill()?;
                lasts.await;
                disk.free()?;
            }
            Kind::Clock => {
                let clocks = self.stack.clocks().context("there are no clocks")?;
                let step = |by| nodes.iter().try_for_each(|node| clocks.set(*node, by));
                step(fault.step_s)?;
                lasts.await;
                step(0)?;
            }
        }
        self.recoveries.mended(fault);
        Ok(())
    }

    async fn start(&self, mut nodes: Vec<Node>) -> anyhow::Result<()> {
        // Dependencies first: a start waits until the part is ready.
        nodes.sort_unstable();
        for node in nodes {
            let started = self.stack.start_node(node).await;
            started.with_context(|| format!("{node} did not come back after a kill"))?;
        }
        Ok(())
    }

    async fn disconnect(&self, fault: &Fault, how: Passage, lasts: tokio::time::Sleep) {
        for target in &fault.targets {
            self.stack.connect(*target, how);
        }
        lasts.await;
        for target in &fault.targets {
            self.stack.connect(*target, Passage::Open);
        }
    }
}
