//! Who stands where in which room, until it ends.

use std::sync::atomic::{AtomicU64, Ordering};

use moka::sync::Cache;
use plaza_clients::rooms::Removal;
use plaza_kit::feed::{Consumer, FeedEntry};
use plaza_types::{RoomId, UserId};

use crate::domain::Standing;

/// Taken before the database is asked: an answer that something ended
/// meanwhile is not remembered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked(u64);

/// People who may read a room. Bounded; fed by removals.
#[derive(Debug)]
pub(crate) struct Memory {
    standings: Cache<(RoomId, UserId), Standing>,
    /// How often something ended.
    ended: AtomicU64,
}

impl Memory {
    pub(crate) fn new(most: u64) -> Self {
        Self {
            standings: Cache::builder()
                .max_capacity(most)
                .support_invalidation_closures()
                .build(),
            ended: AtomicU64::new(0),
        }
    }

    pub(super) fn get(&self, room: RoomId, user: UserId) -> Option<Standing> {
        self.standings.get(&(room, user))
    }

    pub(super) fn asked(&self) -> Asked {
        Asked(self.ended.load(Ordering::SeqCst))
    }

    /// Takes an answer to what was asked then.
    pub(super) fn remember(&self, asked: Asked, room: RoomId, user: UserId, standing: Standing) {
        let overtaken = || self.ended.load(Ordering::SeqCst) != asked.0;
        if overtaken() || !standing.may_read() {
            return;
        }
        self.standings.insert((room, user), standing);
        // What ended between the look and the insertion found nothing to drop.
        if overtaken() {
            self.standings.invalidate(&(room, user));
        }
    }

    /// Something ended or changed, for one person or (none) for everybody.
    pub(crate) fn ended(&self, room: RoomId, user: Option<UserId>) {
        self.ended.fetch_add(1, Ordering::SeqCst);
        if let Some(user) = user {
            self.standings.invalidate(&(room, user));
            return;
        }
        let of_room = move |key: &(RoomId, UserId), _: &Standing| key.0 == room;
        if self.standings.invalidate_entries_if(of_room).is_err() {
            self.standings.invalidate_all();
        }
    }
}

impl Consumer for Memory {
    type Entry = Removal;

    fn apply(&self, replace: bool, entries: Vec<FeedEntry<Removal>>) {
        if replace {
            // What ended before the list begins is not in it.
            self.ended.fetch_add(1, Ordering::SeqCst);
            self.standings.invalidate_all();
            return;
        }
        for FeedEntry { entry, .. } in entries {
            self.ended(entry.room_id, entry.user_id);
        }
    }
}
