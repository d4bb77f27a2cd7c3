//! What all virtual users of a fleet share.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use plaza_types::RoomId;
use uuid::Uuid;

use super::acts::ActMeters;
use crate::{
    accounting::Ledger,
    cast::CastRoom,
    fleet::Habits,
    run::{self, meters::Meters},
};

/// No room is open yet.
const NONE: u32 = u32::MAX;

/// Where a room's events are: the same for all who read it.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// None: on each member's personal channel.
    pub(super) channel: Option<Arc<str>>,
    /// Who is there and who types.
    pub(super) live: Arc<str>,
}

/// The rooms, by number.
#[derive(Debug)]
pub(super) struct Rooms {
    ids: Vec<RoomId>,
    numbers: HashMap<Uuid, u32>,
    /// As somebody was told last.
    routes: Vec<Mutex<Option<Route>>>,
}

impl Rooms {
    pub(super) fn new(rooms: &[CastRoom]) -> Self {
        let numbers = (0..).zip(rooms);
        Self {
            ids: rooms.iter().map(|room| room.id).collect(),
            numbers: numbers
                .map(|(number, room)| (room.id.uuid(), number))
                .collect(),
            routes: rooms.iter().map(|_| Mutex::default()).collect(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.ids.len()
    }

    /// The id of a number that a virtual user has.
    pub(super) fn id(&self, number: u32) -> RoomId {
        self.ids[number as usize]
    }

    /// The number of a room; none: it is none of the fleet.
    pub(super) fn number(&self, id: Uuid) -> Option<u32> {
        self.numbers.get(&id).copied()
    }

    /// Where a room's events are; none: nobody was told.
    pub(super) fn route(&self, number: u32) -> Option<Route> {
        lock(&self.routes[number as usize]).clone()
    }

    /// Somebody was told where they are.
    pub(super) fn learn(&self, number: u32, channel: Option<&str>, live: &str) {
        let mut known = lock(&self.routes[number as usize]);
        let is_known = known
            .as_ref()
            .is_some_and(|known| known.channel.as_deref() == channel && *known.live == *live);
        // The names stay shared while they are the same.
        if !is_known {
            *known = Some(Route {
                channel: channel.map(Into::into),
                live: live.into(),
            });
        }
    }
}

/// What all virtual users of a fleet share.
#[derive(Debug)]
pub(super) struct Shared {
    /// As in any run.
    pub(super) run: Arc<run::shared::Shared>,
    pub(super) rooms: Rooms,
    pub(super) habits: Habits,
    pub(super) acts: ActMeters,
    ledger: Mutex<Ledger>,
    /// The number of the room that each user has open.
    open: Box<[AtomicU32]>,
}

impl Shared {
    pub(super) fn new(
        run: Arc<run::shared::Shared>,
        rooms: Rooms,
        habits: Habits,
        acts: ActMeters,
        users: usize,
    ) -> Self {
        Self {
            ledger: Mutex::new(Ledger::new(rooms.count())),
            open: (0..users).map(|_| AtomicU32::new(NONE)).collect(),
            run,
            rooms,
            habits,
            acts,
        }
    }

    pub(super) fn meters(&self) -> &Meters {
        &self.run.meters
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// Takes the ledger, at the end.
    pub(super) fn take_ledger(&self) -> Ledger {
        std::mem::replace(&mut *self.ledger(), Ledger::new(0))
    }

    /// A user opened a room.
    pub(super) fn opened(&self, user: usize, room: u32) {
        self.open[user].store(room, Ordering::Relaxed);
    }

    /// The room that a user has open; none: it has opened none.
    pub(super) fn open(&self, user: usize) -> Option<u32> {
        let room = self.open[user].load(Ordering::Relaxed);
        (room != NONE).then_some(room)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
