//! Who writes, and where: the fast more than the slow, each in the room that it
//! has open.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use fastrand::Rng;
use uuid::Uuid;

use super::shared::Shared;
use crate::{
    accounting::Accepted,
    cast::VirtualUser,
    run::sender::{Pick, Script},
};

/// The writers of a fleet.
pub(super) struct Writing {
    shared: Arc<Shared>,
    users: Vec<Arc<VirtualUser>>,
    /// For each user, how much all up to it write, of which a random part is
    /// drawn.
    sums: Vec<f64>,
    random: Mutex<Rng>,
}

impl Writing {
    /// Of users that are so many times slower than the fastest.
    pub(super) fn new(
        shared: Arc<Shared>,
        users: Vec<Arc<VirtualUser>>,
        slowness: &[f64],
        random: Rng,
    ) -> Self {
        let sums = slowness.iter().scan(0.0, |sum, slowness| {
            *sum += 1.0 / slowness;
            Some(*sum)
        });
        Self {
            sums: sums.collect(),
            shared,
            users,
            random: Mutex::new(random),
        }
    }
}

impl Script for Writing {
    fn pick(&self, _number: u64) -> Pick {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let at = random.f64() * self.sums.last().copied().unwrap_or_default();
        let drawn = self.sums.partition_point(|sum| *sum <= at);
        let writer = drawn.min(self.users.len().saturating_sub(1));
        let user = self.users[writer].clone();
        // All have a room open before the first message.
        let room = self.shared.open(writer).or(user.rooms.first().copied());
        Pick {
            room: self.shared.rooms.id(room.unwrap_or_default()),
            user,
        }
    }

    fn accepted(&self, pick: &Pick, seq: i64, id: Uuid, _: &mut Accepted) {
        if let Some(room) = self.shared.rooms.number(pick.room.uuid()) {
            self.shared.ledger().accepted(room as usize, seq, id);
        }
    }
}

impl fmt::Debug for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writing").finish_non_exhaustive()
    }
}
