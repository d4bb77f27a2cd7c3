//! The run of a fleet: many rooms, and virtual users that behave as people in
//! them, with every delivery accounted for.

mod acts;
mod ask;
mod connection;
mod crowd;
mod doing;
mod held;
mod person;
mod shared;
mod taking;
mod writing;

use std::sync::Arc;

use fastrand::Rng;
use plaza_centrifugo::Channel;
use tokio::time::Instant;

use self::{
    acts::ActMeters,
    crowd::{Crowd, Guest},
    shared::{Rooms, Shared},
    writing::Writing,
};
use super::{
    found::Screens,
    once::{Outcome, Place, Times, send},
};
use crate::{
    cast::VirtualUser,
    fleet::{FleetScenario, Habits},
    load::Load,
    part::Fleet,
    report::Accounting,
};

/// From one user's random numbers to the next one's.
const NEXT_USER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Runs a scenario.
pub(super) async fn run(
    place: &Place,
    run: &Arc<super::shared::Shared>,
    scenario: &FleetScenario,
    load: &Load,
) -> anyhow::Result<Outcome> {
    let habits = Habits::of(scenario);
    let rooms = Rooms::new(&place.rooms);
    let (count, users) = (rooms.count() as u64, place.users.len());
    let guests = guests(&place.users, &habits, place.seed);
    let slowness: Vec<_> = guests.iter().map(|guest| guest.slowness).collect();
    let shared = Arc::new(Shared::new(
        run.clone(),
        rooms,
        habits,
        ActMeters::new()?,
        users,
    ));
    let script = Arc::new(Writing::new(
        shared.clone(),
        place.users.clone(),
        &slowness,
        Rng::with_seed(place.seed.into()),
    ));

    let gathering = Instant::now();
    let crowd = Crowd::gather(shared.clone(), guests, load.ramp()).await?;
    let gathered = gathering.elapsed();
    let times = Times::of(place, load)?;
    times.measure(&run.meters, load)?;
    crowd.act();
    let sent = send(place, run, script, users, load, &times).await?;
    // What is done without a message goes on to the end of the time.
    if sent.interrupted_at.is_none() {
        tokio::time::sleep_until(times.sent).await;
    }
    let until = Instant::now() + load.drain();
    let behind_at_end = crowd.drain(until).await;
    let never_followed = crowd.leave().await;

    let judged = shared.take_ledger().settle();
    let accounting = Accounting {
        subscribers: users as u64,
        never_followed,
        accepted: judged.accepted,
        refused: sent.refused,
        unresolved: sent.unresolved,
        same_place: judged.same_place,
        shown: judged.shown,
        faults: judged.faults,
        resets: judged.resets,
        behind_at_end,
    };
    let acts = shared.acts.report(place.seed, count, judged.screens);
    let fleet = Fleet { accounting, acts };
    Ok(Outcome {
        screens: Screens::of_fleet(fleet, judged.came),
        sent,
        behind_at_end,
        gathered,
        times,
    })
}

/// The users with their habits: each has its own random numbers, and likes its
/// rooms in its own order.
fn guests(users: &[Arc<VirtualUser>], habits: &Habits, seed: u32) -> Vec<Guest> {
    let mut seeds = u64::from(seed);
    let guests = users.iter().map(|user| {
        seeds = seeds.wrapping_add(NEXT_USER);
        let mut random = Rng::with_seed(seeds);
        let mut rooms = user.rooms.clone();
        random.shuffle(&mut rooms);
        Guest {
            user: user.clone(),
            rooms,
            slowness: habits.slowness(&mut random),
            random,
        }
    });
    guests.collect()
}

/// Whether a channel needs a token.
fn opens_by_token(channel: &str) -> bool {
    channel.parse().is_ok_and(Channel::opens_by_token)
}
