//! What rooms said, until it says otherwise.

use chrono::{DateTime, Utc};
use moka::sync::Cache;
use plaza_clients::rooms::{self, Access, AccessCache, Membership, Removal};
use plaza_kit::feed::{Consumer, FeedEntry};
use plaza_types::{RoomId, UserId, Visibility};
use tokio::time::Instant;

/// Bounds of the memory.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct MemoryArgs {
    /// Most members and readers remembered, across rooms; about 150 bytes each
    #[arg(long, env = "PLAZA_MEMBER_CACHE_SIZE", default_value_t = 200_000)]
    pub member_cache_size: u64,
    /// Most public rooms remembered that everybody may read; about 100 bytes each
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

/// What is remembered of a user in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// They are a member.
    Member(Member),
    /// They may read a public room that others are banned from.
    Reader,
}

/// Taken before rooms is asked: an answer that removals overtook is not remembered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    asked: Instant,
    question: rooms::Question,
}

/// Members, the readers of public rooms that somebody is banned from, and the
/// public rooms that nobody is. It is fed by rooms' removals.
#[derive(Debug)]
pub(super) struct Memory {
    users: AccessCache<Known<Standing>>,
    open: Cache<RoomId, Known<()>>,
}

impl Memory {
    pub(super) fn new(args: MemoryArgs) -> Self {
        Self {
            // How long an entry is good depends on more than its age.
            users: AccessCache::new(args.member_cache_size, None),
            open: Cache::new(args.room_cache_size),
        }
    }

    /// A user as a member of a room.
    pub(super) fn member(&self, room: RoomId, user: UserId) -> Option<Known<Member>> {
        let Known { what, asked } = self.users.get(room, user)?;
        match what {
            Standing::Member(what) => Some(Known { what, asked }),
            Standing::Reader => None,
        }
    }

    /// A user as somebody who may read a room of this visibility.
    pub(super) fn reader(&self, room: RoomId, user: UserId) -> Option<Known<Visibility>> {
        let Known { what, asked } = self.users.get(room, user)?;
        let what = match what {
            Standing::Member(member) => member.visibility,
            Standing::Reader => Visibility::Public,
        };
        Some(Known { what, asked })
    }

    /// Whether a room is one that everybody may read.
    pub(super) fn open(&self, room: RoomId) -> Option<Known<()>> {
        self.open.get(&room)
    }

    pub(super) fn question(&self) -> Question {
        Question {
            question: self.users.question(),
            asked: Instant::now(),
        }
    }

    /// Takes the answer to a question: whether everybody may read the room, and
    /// what the caller may do in it.
    pub(super) fn remember(&self, question: Question, room: RoomId, user: UserId, access: &Access) {
        let Question { asked, question } = question;
        if self.users.is_overtaken(question) {
            return;
        }
        if access.open {
            self.open.insert(room, Known { what: (), asked });
        } else {
            self.open.invalidate(&room);
        }
        let visibility = access.visibility;
        let standing = match access.membership {
            Some(Membership { muted_until, .. }) => Some(Standing::Member(Member {
                visibility,
                muted_until,
            })),
            None if visibility == Visibility::Public && !access.open => Some(Standing::Reader),
            None => None,
        };
        match standing {
            Some(what) => self
                .users
                .remember(question, room, user, Known { what, asked }),
            None => self.users.forget(room, user),
        }
        // As there: removals that arrived meanwhile found nothing to drop.
        if self.users.is_overtaken(question) {
            self.open.invalidate(&room);
        }
    }

    /// Drops what is known of a room that is not there for this user: they may
    /// be banned from it, or it is private or gone.
    pub(super) fn forget(&self, room: RoomId, user: UserId) {
        self.open.invalidate(&room);
        self.users.forget(room, user);
    }
}

impl Consumer for Memory {
    type Entry = Removal;

    fn apply(&self, replace: bool, entries: Vec<FeedEntry<Removal>>) {
        let of_everybody = entries
            .iter()
            .filter(|removal| removal.entry.user_id.is_none());
        let closed: Vec<RoomId> = of_everybody.map(|removal| removal.entry.room_id).collect();
        // First, so that answers under way count as overtaken before what they
        // said is dropped.
        self.users.apply(replace, entries);
        if replace {
            self.open.invalidate_all();
        }
        for room in closed {
            self.open.invalidate(&room);
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
            open: true,
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
        assert!(memory.open(room).is_some());
        memory.remember(memory.question(), room, user, &member());
        assert!(memory.member(room, user).is_some());
        memory.remember(memory.question(), room, user, &stranger);
        assert!(memory.member(room, user).is_none());
    }

    #[test]
    fn a_room_that_somebody_is_banned_from_is_remembered_reader_by_reader() {
        let (memory, room) = (memory(), RoomId::new());
        let [ada, bob, eve] = [UserId::new(), UserId::new(), UserId::new()];
        let reader = Access {
            membership: None,
            ..member()
        };
        memory.remember(memory.question(), room, ada, &reader);
        assert!(memory.open(room).is_some() && memory.reader(room, ada).is_none());
        memory.apply(false, removal(room, None));
        let closed = Access {
            open: false,
            ..reader
        };
        for user in [ada, bob] {
            memory.remember(memory.question(), room, user, &closed);
            assert!(memory.reader(room, user).is_some());
            assert!(memory.member(room, user).is_none(), "a reader is no member");
        }
        assert!(memory.open(room).is_none());
        assert!(memory.reader(room, eve).is_none());
        memory.apply(false, removal(room, Some(ada)));
        assert!(memory.reader(room, ada).is_none());
        assert!(memory.reader(room, bob).is_some());
        memory.forget(room, bob);
        assert!(memory.reader(room, bob).is_none());
    }

    #[test]
    fn an_answer_that_removals_overtook_is_not_remembered() {
        let (memory, room, user) = (memory(), RoomId::new(), UserId::new());
        let question = memory.question();
        memory.apply(false, removal(room, Some(user)));
        memory.remember(question, room, user, &member());
        assert!(memory.member(room, user).is_none() && memory.open(room).is_none());
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
        assert!(memory.member(room, bob).is_some() && memory.open(room).is_some());

        memory.apply(false, removal(room, None));
        assert!(memory.member(room, bob).is_none() && memory.open(room).is_none());
        assert!(memory.member(other, ada).is_some() && memory.open(other).is_some());

        memory.apply(true, Vec::new());
        assert!(memory.member(other, ada).is_none() && memory.open(other).is_none());
    }
}
