//! What is known of people in rooms, until a removal says otherwise.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use moka::sync::Cache;
use plaza_kit::feed::{Consumer, FeedEntry};
use plaza_types::{RoomId, UserId};

use super::Removal;

/// A bounded cache in front of whoever knows who may do what in a room. It
/// consumes the feed of removals, and drops what they name.
pub struct AccessCache<T> {
    people: Cache<(RoomId, UserId), T>,
    /// How often removals have come.
    removals: AtomicU64,
}

/// The moment before something was asked: an answer that a removal overtook is
/// not remembered.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    removals: u64,
}

impl<T> fmt::Debug for AccessCache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessCache").finish_non_exhaustive()
    }
}

impl<T: Clone + Send + Sync + 'static> AccessCache<T> {
    /// Of at most `most` entries, each for `lives`; none: until it is dropped
    /// or others need its place.
    pub fn new(most: u64, lives: Option<Duration>) -> Self {
        let people = Cache::builder()
            .max_capacity(most)
            .support_invalidation_closures();
        let people = match lives {
            Some(lives) => people.time_to_live(lives),
            None => people,
        };
        Self {
            people: people.build(),
            removals: AtomicU64::new(0),
        }
    }

    /// What is known of somebody in a room.
    pub fn get(&self, room: RoomId, user: UserId) -> Option<T> {
        self.people.get(&(room, user))
    }

    /// Call it before asking what is then to be remembered.
    pub fn question(&self) -> Question {
        Question {
            removals: self.removals.load(Ordering::SeqCst),
        }
    }

    /// Whether removals have come since: what was asked then may be over.
    pub fn is_overtaken(&self, question: Question) -> bool {
        self.removals.load(Ordering::SeqCst) != question.removals
    }

    /// Takes the answer to a question.
    pub fn remember(&self, question: Question, room: RoomId, user: UserId, what: T) {
        if self.is_overtaken(question) {
            return;
        }
        self.people.insert((room, user), what);
        // Removals that came between the look and the insertion found nothing
        // to drop.
        if self.is_overtaken(question) {
            self.forget(room, user);
        }
    }

    /// Drops what is known of somebody in a room.
    pub fn forget(&self, room: RoomId, user: UserId) {
        self.people.invalidate(&(room, user));
    }

    /// The access of one person or (none) of everybody ended or changed.
    pub fn ended(&self, room: RoomId, user: Option<UserId>) {
        self.overtake();
        self.drop_ended(room, user);
    }

    /// Before anything is dropped: what is remembered later is of a question
    /// that knew of the removal.
    fn overtake(&self) {
        self.removals.fetch_add(1, Ordering::SeqCst);
    }

    fn drop_ended(&self, room: RoomId, user: Option<UserId>) {
        if let Some(user) = user {
            self.forget(room, user);
            return;
        }
        let of_room = move |key: &(RoomId, UserId), _: &T| key.0 == room;
        if self.people.invalidate_entries_if(of_room).is_err() {
            self.people.invalidate_all();
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Consumer for AccessCache<T> {
    type Entry = Removal;

    fn apply(&self, replace: bool, entries: Vec<FeedEntry<Removal>>) {
        self.overtake();
        if replace {
            // What ended before the list begins is not in it.
            self.people.invalidate_all();
            return;
        }
        for FeedEntry { entry, .. } in entries {
            self.drop_ended(entry.room_id, entry.user_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> AccessCache<&'static str> {
        AccessCache::new(10, None)
    }

    fn removal(room_id: RoomId, user_id: Option<UserId>) -> Vec<FeedEntry<Removal>> {
        let entry = Removal { room_id, user_id };
        vec![FeedEntry { number: 1, entry }]
    }

    #[test]
    fn a_removal_drops_what_it_names_and_nothing_else() {
        let cache = cache();
        let [room, other] = [RoomId::new(), RoomId::new()];
        let [ada, bob] = [UserId::new(), UserId::new()];
        for (room, user) in [(room, ada), (room, bob), (other, ada)] {
            cache.remember(cache.question(), room, user, "member");
        }
        let known = || {
            [(room, ada), (room, bob), (other, ada)]
                .map(|(room, user)| cache.get(room, user).is_some())
        };
        assert_eq!(known(), [true, true, true]);
        cache.apply(false, removal(room, Some(ada)));
        assert_eq!(known(), [false, true, true]);
        cache.apply(false, removal(room, None));
        assert_eq!(known(), [false, false, true]);
        cache.apply(true, Vec::new());
        assert_eq!(known(), [false, false, false]);
    }

    #[test]
    fn what_this_process_ended_is_dropped_as_what_the_feed_names() {
        let cache = cache();
        let room = RoomId::new();
        let [ada, bob, eve] = [UserId::new(), UserId::new(), UserId::new()];
        for user in [ada, bob, eve] {
            cache.remember(cache.question(), room, user, "member");
        }
        cache.ended(room, Some(ada));
        assert_eq!(cache.get(room, ada), None);
        assert_eq!(cache.get(room, bob), Some("member"));
        cache.forget(room, bob);
        assert_eq!(cache.get(room, bob), None);
        cache.ended(room, None);
        assert_eq!(cache.get(room, eve), None);
    }

    #[test]
    fn an_answer_that_a_removal_overtook_is_not_remembered() {
        let cache = cache();
        let [room, elsewhere] = [RoomId::new(), RoomId::new()];
        let user = UserId::new();
        let overtaking: [&dyn Fn(); 3] = [
            &|| cache.apply(false, removal(room, Some(user))),
            &|| cache.apply(true, Vec::new()),
            // Which of the answers under way it concerns is not looked at.
            &|| cache.ended(elsewhere, None),
        ];
        for overtake in overtaking {
            let question = cache.question();
            overtake();
            assert!(cache.is_overtaken(question));
            cache.remember(question, room, user, "member");
            assert_eq!(cache.get(room, user), None);
        }
        cache.remember(cache.question(), room, user, "member");
        assert_eq!(cache.get(room, user), Some("member"));
    }

    #[test]
    fn what_is_too_old_is_not_relied_on() {
        let cache = AccessCache::new(10, Some(Duration::ZERO));
        let (room, user) = (RoomId::new(), UserId::new());
        cache.remember(cache.question(), room, user, "member");
        assert_eq!(cache.get(room, user), None);
    }
}
