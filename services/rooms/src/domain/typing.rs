//! How many people type in large rooms, as one replica hears it.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use plaza_types::{RoomId, UserId};

/// How long somebody types after they last said so.
const TYPES: Duration = Duration::from_secs(5);
/// Between two counts of one room.
const APART: Duration = Duration::from_secs(2);
/// Most rooms that are counted.
const ROOMS: usize = 10_000;
/// Up to how many people of a room are counted.
const PEOPLE: usize = 1_000;

/// Who types where.
#[derive(Debug, Default)]
pub(crate) struct Typists {
    rooms: HashMap<RoomId, Room>,
}

#[derive(Debug, Default)]
struct Room {
    people: HashMap<UserId, Instant>,
    told: Option<Instant>,
}

impl Room {
    fn forget_who_stopped(&mut self, now: Instant) {
        self.people
            .retain(|_, said| now.saturating_duration_since(*said) < TYPES);
    }
}

impl Typists {
    /// Somebody types now: how many do, when it is time to tell.
    pub(crate) fn typed(&mut self, room: RoomId, user: UserId, now: Instant) -> Option<usize> {
        if self.rooms.len() >= ROOMS && !self.rooms.contains_key(&room) {
            self.rooms.retain(|_, room| {
                room.forget_who_stopped(now);
                !room.people.is_empty()
            });
            if self.rooms.len() >= ROOMS {
                return None;
            }
        }
        let room = self.rooms.entry(room).or_default();
        room.forget_who_stopped(now);
        if room.people.len() < PEOPLE || room.people.contains_key(&user) {
            room.people.insert(user, now);
        }
        let is_time = room
            .told
            .is_none_or(|told| now.saturating_duration_since(told) >= APART);
        is_time.then(|| {
            room.told = Some(now);
            room.people.len()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: f32) -> Duration {
        Duration::from_secs_f32(seconds)
    }

    #[test]
    fn a_rooms_count_is_told_at_most_once_in_2_s_and_is_of_the_last_5() {
        let (mut typists, start) = (Typists::default(), Instant::now());
        let (room, other) = (RoomId::new(), RoomId::new());
        let [ada, bob, cleo] = [UserId::new(), UserId::new(), UserId::new()];
        assert_eq!(typists.typed(room, ada, start), Some(1));
        assert_eq!(typists.typed(room, bob, start + s(1.0)), None);
        assert_eq!(typists.typed(other, bob, start + s(1.0)), Some(1));
        assert_eq!(typists.typed(room, bob, start + s(2.0)), Some(2));
        assert_eq!(typists.typed(room, cleo, start + s(4.5)), Some(3));
        assert_eq!(typists.typed(room, cleo, start + s(7.5)), Some(1));
    }

    #[test]
    fn rooms_and_people_are_bounded() {
        let (mut typists, start) = (Typists::default(), Instant::now());
        for _ in 0..ROOMS {
            typists.typed(RoomId::new(), UserId::new(), start);
        }
        let room = RoomId::new();
        assert_eq!(typists.typed(room, UserId::new(), start), None);
        assert_eq!(typists.typed(room, UserId::new(), start + TYPES), Some(1));
        for _ in 0..PEOPLE + 10 {
            typists.typed(room, UserId::new(), start + TYPES);
        }
        let later = start + TYPES + APART;
        assert_eq!(typists.typed(room, UserId::new(), later), Some(PEOPLE));
        assert_eq!(typists.rooms.len(), 1);
    }
}
