//! The virtual users of a run: they come over the ramp, stay until they have
//! everything, and leave together.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::bail;
use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::{
    meters::Meters,
    pace::Pace,
    shared::Shared,
    stage::{Phase, Stage, Weather},
    subscriber::Subscriber,
    timeline::Timeline,
};
use crate::{cast::VirtualUser, progress::Step};

/// How long after the ramp everybody has to follow the room.
const CONNECT_PATIENCE: Duration = Duration::from_mins(2);
/// How often it is looked how far things are.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The virtual users of a run.
pub(super) struct Crowd {
    shared: Arc<Shared>,
    stage: watch::Sender<Stage>,
    following: JoinSet<Option<Timeline>>,
    count: usize,
}

impl Crowd {
    /// Has everybody follow the room, one after another over the ramp; `first`
    /// is the number of the first among all of the run.
    pub(super) async fn gather(
        shared: Arc<Shared>,
        users: &[Arc<VirtualUser>],
        first: usize,
        ramp: Duration,
    ) -> anyhow::Result<Self> {
        let (stage, _) = watch::channel(Stage {
            phase: Phase::Running,
            weather: Weather::default(),
        });
        let mut crowd = Self {
            shared,
            stage,
            following: JoinSet::new(),
            count: users.len(),
        };
        let step = Step::begin("connections", users.len() as u64);
        let begun = Instant::now();
        let ramp = Pace::over(ramp, users.len());
        for (number, user) in users.iter().enumerate() {
            tokio::time::sleep_until(begun + ramp.due(number as u64)).await;
            let subscriber = Subscriber {
                number: first + number,
                user: user.clone(),
                shared: crowd.shared.clone(),
                stage: crowd.stage.subscribe(),
            };
            crowd.following.spawn(subscriber.run());
            step.done(crowd.shared.meters.live.load(Ordering::Relaxed));
        }
        all_follow(&crowd.shared.meters, users.len() as u64, &step).await?;
        step.end(&format!("{} follow the room", users.len()));
        Ok(crowd)
    }

    /// What the scenario does to connections goes to everybody from here.
    pub(super) fn stage(&self) -> watch::Sender<Stage> {
        self.stage.clone()
    }

    /// Waits until everybody has everything up to a place; how many have not.
    pub(super) async fn drain(&self, up_to: i64, until: Instant) -> u64 {
        let step = Step::begin("deliveries", self.count as u64);
        self.stage
            .send_modify(|stage| stage.phase = Phase::Draining { up_to });
        let whole = wait_for_whole(&self.shared.meters, self.count as u64, until, &step).await;
        step.end(&format!("{whole} subscribers are up to date"));
        (self.count as u64).saturating_sub(whole)
    }

    /// Ends all connections; what each was shown.
    pub(super) async fn leave(mut self) -> Vec<Option<Timeline>> {
        self.stage.send_modify(|stage| stage.phase = Phase::Over);
        let mut timelines = Vec::with_capacity(self.count);
        while let Some(left) = self.following.join_next().await {
            // One that panicked followed nothing.
            timelines.push(left.ok().flatten());
        }
        timelines
    }
}

/// Waits until so many follow their rooms, or it takes too long.
pub(super) async fn all_follow(meters: &Meters, count: u64, step: &Step) -> anyhow::Result<()> {
    let until = Instant::now() + CONNECT_PATIENCE;
    loop {
        let live = meters.live.load(Ordering::Relaxed);
        step.done(live);
        if live >= count {
            return Ok(());
        }
        if Instant::now() > until {
            let errors = meters.errors();
            let errors = errors
                .iter()
                .map(|(label, count)| format!("{label} ({count} times)"));
            let errors = errors.collect::<Vec<_>>().join(", ");
            bail!(
                "{live} of {count} virtual users follow the room {} s after the ramp. What failed: {}",
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
}

/// Waits until so many have everything, or to a moment; how many have.
pub(super) async fn wait_for_whole(
    meters: &Meters,
    count: u64,
    until: Instant,
    step: &Step,
) -> u64 {
    loop {
        let whole = meters.whole.load(Ordering::Relaxed);
        step.done(whole);
        if whole >= count || Instant::now() > until {
            return whole;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
