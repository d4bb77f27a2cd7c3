//! The virtual users of a fleet: they come over the ramp, behave, stay until
//! they have everything, and leave together.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::{
    person::{Person, Phase},
    shared::Shared,
};
use crate::{
    cast::VirtualUser,
    progress::Step,
    run::{
        crowd::{all_follow, wait_for_whole},
        pace::Pace,
    },
};

/// The virtual users of a run.
pub(super) struct Crowd {
    shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    people: JoinSet<bool>,
    count: u64,
}

/// One of them, before it comes.
pub(super) struct Guest {
    pub(super) user: Arc<VirtualUser>,
    /// The numbers of its rooms, its favourites first.
    pub(super) rooms: Box<[u32]>,
    pub(super) slowness: f64,
    pub(super) random: fastrand::Rng,
}

impl Crowd {
    /// Has everybody connect and open a room, one after another over the ramp.
    pub(super) async fn gather(
        shared: Arc<Shared>,
        guests: Vec<Guest>,
        ramp: Duration,
    ) -> anyhow::Result<Self> {
        let (phase, _) = watch::channel(Phase::Gathering);
        let count = guests.len() as u64;
        let step = Step::begin("connections", count);
        let begun = Instant::now();
        let ramp = Pace::over(ramp, guests.len());
        let mut people = JoinSet::new();
        for (number, guest) in guests.into_iter().enumerate() {
            tokio::time::sleep_until(begun + ramp.due(number as u64)).await;
            let person = Person {
                number,
                user: guest.user,
                rooms: guest.rooms,
                shared: shared.clone(),
                phase: phase.subscribe(),
                slowness: guest.slowness,
                random: guest.random,
            };
            people.spawn(person.run());
            step.done(shared.meters().live.load(Ordering::Relaxed));
        }
        all_follow(shared.meters(), count, &step).await?;
        step.end(&format!("{count} have a room open"));
        Ok(Self {
            shared,
            phase,
            people,
            count,
        })
    }

    /// Has everybody behave as people do.
    pub(super) fn act(&self) {
        self.phase.send_replace(Phase::Acting);
    }

    /// Waits until everybody has everything that was accepted; how many have
    /// not.
    pub(super) async fn drain(&self, until: Instant) -> u64 {
        let step = Step::begin("deliveries", self.count);
        self.phase.send_replace(Phase::Draining);
        let whole = wait_for_whole(self.shared.meters(), self.count, until, &step).await;
        step.end(&format!("{whole} users are up to date"));
        self.count.saturating_sub(whole)
    }

    /// Ends all connections; how many never had a room open.
    pub(super) async fn leave(mut self) -> u64 {
        self.phase.send_replace(Phase::Over);
        let mut never = 0;
        while let Some(left) = self.people.join_next().await {
            // One that panicked had none.
            never += u64::from(!left.unwrap_or(false));
        }
        never
    }
}
