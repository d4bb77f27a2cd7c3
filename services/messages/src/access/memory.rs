//! What rooms said, until it says otherwise.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use moka::sync::Cache;
use plaza_clients::rooms::{Access, Membership, Removal};
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
        let member = (room, user);
        match access.membership {
            Some(Membership { muted_until, .. }) => {
                let what = Member {
                    visibility,
                    muted_until,
                };
                self.members.insert(member, Known { what, asked });
            }
            None => self.members.invalidate(&member),
        }
        // Removals that arrived between the first look and the insertions
        // found nothing to drop.
        if overtaken() {
            self.rooms.invalidate(&room);
            self.members.invalidate(&member);
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

#[cfg(test)]
mod tests {
    use plaza_types::Role;

    use super::*;

    fn memory() -> Memory {
        Memory::new(MemoryArgs {
            member_cache_size: 10,
            room_cache_size: 10,
        })
    }

    fn member() -> Access {
        Access {
            visibility: Visibility::Public,
            membership: Some(Membership {
                role: Role::Member,
                joined_at: Utc::now(),
                muted_until: None,
            }),
        }
    }

    fn removal(room_id: RoomId, user_id: Option<UserId>) -> Vec<FeedEntry<Removal>> {
        let entry = Removal { room_id, user_id };
        vec![FeedEntry { number: 1, entry }]
    }

    #[test]
    fn only_members_are_remembered_and_no_longer_than_they_are_members() {
        let (memory, room, user) = (memory(), RoomId::new(), UserId::new());
        let stranger = Access {
            membership: None,
            ..member()
        };
        memory.remember(memory.question(), room, user, &stranger);
        assert!(memory.member(room, user).is_none());
        assert!(memory.room(room).is_some());
        memory.remember(memory.question(), room, user, &member());
        assert!(memory.member(room, user).is_some());
        memory.remember(memory.question(), room, user, &stranger);
        assert!(memory.member(room, user).is_none());
    }

    #[test]
    fn an_answer_that_removals_overtook_is_not_remembered() {
        let (memory, room, user) = (memory(), RoomId::new(), UserId::new());
        let question = memory.question();
        memory.apply(false, removal(room, Some(user)));
        memory.remember(question, room, user, &member());
        assert!(memory.member(room, user).is_none());
    }

    #[test]
    fn a_removal_drops_what_it_names_and_nothing_else() {
        let memory = memory();
        let (room, other) = (RoomId::new(), RoomId::new());
        let (ada, bob) = (UserId::new(), UserId::new());
        for (room, user) in [(room, ada), (room, bob), (other, ada)] {
            memory.remember(memory.question(), room, user, &member());
        }
        memory.apply(false, removal(room, Some(ada)));
        assert!(memory.member(room, ada).is_none());
        assert!(memory.member(room, bob).is_some() && memory.room(room).is_some());

        memory.apply(false, removal(room, None));
        assert!(memory.member(room, bob).is_none() && memory.room(room).is_none());
        assert!(memory.member(other, ada).is_some() && memory.room(other).is_some());

        memory.apply(true, Vec::new());
        assert!(memory.member(other, ada).is_none() && memory.room(other).is_none());
    }
}
