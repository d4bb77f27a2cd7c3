//! The virtual users of a run: they come over the ramp, stay until they have
//! everything, and leave together.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::bail;
use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::{
    pace::Pace,
    subscriber::{Phase, Shared, Subscriber},
    timeline::Timeline,
};
use crate::{cast::VirtualUser, progress::Step, scenario::Scenario};

/// How long after the ramp everybody has to follow the room.
const CONNECT_PATIENCE: Duration = Duration::from_mins(2);
/// How often it is looked how far things are.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The virtual users of a run.
pub(super) struct Crowd {
    shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    following: JoinSet<Option<Timeline>>,
    count: usize,
}

impl Crowd {
    /// Has everybody follow the room, one after another over the ramp.
    pub(super) async fn gather(
        shared: Arc<Shared>,
        users: &[Arc<VirtualUser>],
        scenario: &Scenario,
    ) -> anyhow::Result<Self> {
        let (phase, _) = watch::channel(Phase::Running);
        let mut crowd = Self {
            shared,
            phase,
            following: JoinSet::new(),
            count: users.len(),
        };
        let step = Step::begin("connections", users.len() as u64);
        let begun = Instant::now();
        let ramp = Pace::over(scenario.ramp(), users.len());
        for (number, user) in users.iter().enumerate() {
            tokio::time::sleep_until(begun + ramp.due(number as u64)).await;
            let subscriber = Subscriber {
                number,
                user: user.clone(),
                shared: crowd.shared.clone(),
                phase: crowd.phase.subscribe(),
            };
            crowd.following.spawn(subscriber.run());
            step.done(crowd.shared.meters.live.load(Ordering::Relaxed));
        }
        let until = Instant::now() + CONNECT_PATIENCE;
        loop {
            let live = crowd.shared.meters.live.load(Ordering::Relaxed);
            step.done(live);
            if live >= users.len() as u64 {
                break;
            }
            if Instant::now() > until {
                let errors = crowd.shared.meters.errors();
                let errors = errors
                    .iter()
                    .map(|(label, count)| format!("{label} ({count} times)"));
                let errors = errors.collect::<Vec<_>>().join(", ");
                bail!(
                    "{live} of {} virtual users follow the room {} s after the ramp. What failed: {}",
                    users.len(),
                    CONNECT_PATIENCE.as_secs(),
                    if errors.is_empty() {
                        "nothing, it takes long".into()
                    } else {
                        errors
                    },
                );
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        step.end(&format!("{} follow the room", users.len()));
        Ok(crowd)
    }

    /// Waits until everybody has everything up to a place; how many have not.
    pub(super) async fn drain(&self, up_to: i64, until: Instant) -> u64 {
        let step = Step::begin("deliveries", self.count as u64);
        self.phase.send_replace(Phase::Draining { up_to });
        loop {
            let whole = self.shared.meters.whole.load(Ordering::Relaxed);
            step.done(whole);
            let lacking = (self.count as u64).saturating_sub(whole);
            if lacking == 0 || Instant::now() > until {
                step.end(&format!("{whole} subscribers are up to date"));
                return lacking;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Ends all connections; what each was shown.
    pub(super) async fn leave(mut self) -> Vec<Option<Timeline>> {
        self.phase.send_replace(Phase::Over);
        let mut timelines = Vec::with_capacity(self.count);
        while let Some(left) = self.following.join_next().await {
            // One that panicked followed nothing.
            timelines.push(left.ok().flatten());
        }
        timelines
    }
}
