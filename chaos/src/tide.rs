//! People who come to a room and leave it again, together, so that it crosses
//! the threshold in both directions.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use serde_json::json;

use crate::person::Person;

/// How long one coming or going is tried: longer than any fault lasts.
const PATIENCE: Duration = Duration::from_mins(2);
/// From one turn to the next, at least and at most (ms).
const STAY_MS: std::ops::RangeInclusive<u64> = 2_000..=8_000;

/// They end in the room.
pub(crate) struct Tide {
    pub(crate) room: String,
    pub(crate) people: Vec<Arc<Person>>,
    pub(crate) random: fastrand::Rng,
    pub(crate) stop: Arc<AtomicBool>,
}

impl Tide {
    /// Fails when something is refused that should not be.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        loop {
            for person in &self.people {
                join(person, &self.room).await?;
            }
            self.stay().await;
            if self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            for person in &self.people {
                let query = "mutation($room: ID!) { leaveRoom(roomId: $room) }";
                let variables = json!({ "room": self.room });
                let left = person.insist(query, &variables, PATIENCE).await;
                left.context("somebody could not leave")?;
            }
            self.stay().await;
        }
    }

    async fn stay(&mut self) {
        tokio::time::sleep(Duration::from_millis(self.random.u64(STAY_MS))).await;
    }
}

/// Makes somebody a member of a public room.
pub(crate) async fn join(person: &Person, room: &str) -> anyhow::Result<()> {
    let query = "mutation($room: ID!) { joinRoom(roomId: $room) { id } }";
    let variables = json!({ "room": room });
    let joined = person.insist(query, &variables, PATIENCE).await;
    joined.context("somebody could not join").map(drop)
}
