//! What rooms said, until it says otherwise.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use moka::sync::Cache;
use plaza_clients::rooms::{Access, Removal};
use plaza_kit::feed::{Consumer, FeedEntry};
use plaza_types::{RoomId, UserId, Visibility};
use tokio::time::Instant;

/// Bounds of the memory.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct MemoryArgs {
    /// Most members remembered, across rooms; about 150 bytes each
    #[arg(long, env = "PLAZA_MEMBER_CACHE_SIZE", default_value_t = 200_000)]
    pub member_cache_size: u64,
    /// Most rooms whose visibility is remembered; about 100 bytes each
    #[arg(long, env = "PLAZA_ROOM_CACHE_SIZE", default_value_t = 50_000)]
    pub room_cache_size: u64,
}

/// Something rooms said, and when it was asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<T> {
    pub(super) what: T,
    pub(super) asked: Instant,
}

/// A member's right to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) visibility: Visibility,
    pub(crate) muted_until: Option<DateTime<Utc>>,
}

/// Taken before rooms is asked: an answer that removals overtook is not remembered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    asked: Instant,
    removals: u64,
}

/// Members, and the visibility of rooms. It is fed by rooms' removals.
#[derive(Debug)]
pub(super) struct Memory {
    members: Cache<(RoomId, UserId), Known<Member>>,
    rooms: Cache<RoomId, Known<Visibility>>,
    /// How often removals have arrived.
    removals: AtomicU64,
}

impl Memory {
    pub(super) fn new(args: MemoryArgs) -> Self {
        Self {
            members: Cache::builder()
                .max_capacity(args.member_cache_size)
                .support_invalidation_closures()
                .build(),
            rooms: Cache::new(args.room_cache_size),
            removals: AtomicU64::new(0),
        }
    }

    pub(super) fn member(&self, room: RoomId, user: UserId) -> Option<Known<Member>> {
        self.members.get(&(room, user))
    }

    pub(super) fn room(&self, room: RoomId) -> Option<Known<Visibility>> {
        self.rooms.get(&room)
    }

    pub(super) fn question(&self) -> Question {
        Question {
            removals: self.removals.load(Ordering::SeqCst),
            asked: Instant::now(),
        }
    }

    /// Takes the answer to a question: the room's visibility, and the caller
    /// as a member if they are one.
    pub(super) fn remember(&self, question: Question, room: RoomId, user: UserId, access: &Access) {
        let Question { asked, removals } = question;
        let overtaken = || self.removals.load(Ordering::SeqCst) != removals;
        if overtaken() {
            return;
        }
        let visibility = access.visibility;
        self.rooms.insert(
            room,
            Known {
                what: visibility,
                asked,
            },
        );
        if let Some(membership) = access.membership {
            let what = Member {
                visibility,
                muted_until: membership.muted_until,
            };
            self.members.insert((room, user), Known { what, asked });
        }
        // Removals that arrived between the first look and the insertions
        // found nothing to drop.
        if overtaken() {
            self.rooms.invalidate(&room);
            self.members.invalidate(&(room, user));
        }
    }

    /// Drops a member who turned out to be none.
    pub(super) fn forget(&self, room: RoomId, user: UserId) {
        self.members.invalidate(&(room, user));
    }
}

impl Consumer for Memory {
    type Entry = Removal;

    fn apply(&self, replace: bool, entries: Vec<FeedEntry<Removal>>) {
        self.removals.fetch_add(1, Ordering::SeqCst);
        if replace {
            // What was removed before the list begins is not in it.
            self.members.invalidate_all();
            self.rooms.invalidate_all();
            return;
        }
        for FeedEntry { entry, .. } in entries {
            let room = entry.room_id;
            if let Some(user) = entry.user_id {
                self.members.invalidate(&(room, user));
                continue;
            }
            self.rooms.invalidate(&room);
            let of_room = move |key: &(RoomId, UserId), _: &Known<Member>| key.0 == room;
            if self.members.invalidate_entries_if(of_room).is_err() {
                self.members.invalidate_all();
            }
        }
    }
}
