//! How large the rooms of a fleet are, and who is in which: few large rooms and
//! many small ones, by Zipf's law.

use fastrand::Rng;

/// The smallest room: two people.
const SMALLEST: usize = 2;
/// Most rooms of one user: what Plaza allows.
const MOST_ROOMS_OF_A_USER: usize = 1_000;

/// Why there is no fleet.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum DealError {
    #[error(
        "{rooms} rooms have {places} places together, and there are {users} users, of whom each has to be in \
         a room: make more --rooms or a larger one by --members, or lower --zipf"
    )]
    TooFewPlaces {
        rooms: usize,
        places: usize,
        users: usize,
    },
    #[error(
        "{rooms} rooms have {places} places together, and {users} users can be in 1000 rooms each: make more \
         --users or fewer --rooms, or raise --zipf"
    )]
    TooManyPlaces {
        rooms: usize,
        places: usize,
        users: usize,
    },
}

/// The sizes of so many rooms, the largest first: that of the room with the
/// number n is the largest by n to the power of `exponent`.
pub(crate) fn sizes(rooms: usize, largest: usize, exponent: f64) -> Vec<usize> {
    let size = |rank: usize| {
        let size = as_f64(largest) / as_f64(rank).powf(exponent);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, above 0 and at most the largest"
        )]
        let size = size.round() as usize;
        size.max(SMALLEST).min(largest)
    };
    (1..=rooms).map(size).collect()
}

/// Deals users out to rooms, as cards: everybody gets a place before anybody
/// gets the next, so that all are in about as many rooms.
#[derive(Debug)]
pub(crate) struct Deal {
    users: usize,
    /// Who is to be dealt next is last.
    deck: Vec<u32>,
    random: Rng,
}

impl Deal {
    /// For rooms of these sizes, each at most as large as there are users. The
    /// first room has the first users.
    pub(crate) fn begin(users: u32, sizes: &[usize], random: Rng) -> Result<Self, DealError> {
        let deck: Vec<_> = (0..users).rev().collect();
        let (rooms, places, users) = (sizes.len(), sizes.iter().sum(), deck.len());
        if places < users {
            return Err(DealError::TooFewPlaces {
                rooms,
                places,
                users,
            });
        }
        // Nobody gets two places more than another.
        if places.div_ceil(users) > MOST_ROOMS_OF_A_USER {
            return Err(DealError::TooManyPlaces {
                rooms,
                places,
                users,
            });
        }
        Ok(Self {
            users,
            deck,
            random,
        })
    }

    /// The members of the next room.
    pub(crate) fn room(&mut self, size: usize) -> Vec<u32> {
        let size = size.min(self.users);
        let rest = self.deck.len().saturating_sub(size);
        let mut members = self.deck.split_off(rest);
        members.reverse();
        if members.len() < size {
            let mut next: Vec<u32> = (0..).take(self.users).collect();
            self.random.shuffle(&mut next);
            // Who is in the room already is dealt at the end.
            let dealt: std::collections::HashSet<_> = members.iter().copied().collect();
            let (again, others): (Vec<_>, Vec<_>) =
                next.into_iter().partition(|user| dealt.contains(user));
            self.deck = again.into_iter().chain(others).collect();
            let rest = self.deck.len() - (size - members.len());
            members.extend(self.deck.split_off(rest));
        }
        members
    }
}

#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
const fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn sizes_fall_by_zipfs_law_down_to_two() {
        assert_eq!(sizes(6, 100, 1.0), [100, 50, 33, 25, 20, 17]);
        assert_eq!(sizes(4, 100, 2.0), [100, 25, 11, 6]);
        assert_eq!(sizes(3, 100, 0.0), [100, 100, 100]);
        assert_eq!(sizes(1_000, 100, 1.0).last(), Some(&2));
        assert_eq!(sizes(2, 1, 1.0), [1, 1], "one user alone");
    }

    fn deal(users: u32, sizes: &[usize], seed: u64) -> Vec<Vec<u32>> {
        let mut deal = Deal::begin(users, sizes, Rng::with_seed(seed)).unwrap();
        sizes.iter().map(|size| deal.room(*size)).collect()
    }

    #[test]
    fn everybody_is_in_a_room_once_and_in_about_as_many() {
        let sizes = sizes(300, 60, 0.8);
        let rooms = deal(100, &sizes, 7);
        let mut places = vec![0; 100];
        for (room, size) in rooms.iter().zip(&sizes) {
            assert_eq!(room.len(), *size);
            assert_eq!(room.iter().collect::<HashSet<_>>().len(), *size, "once");
            for user in room {
                places[*user as usize] += 1;
            }
        }
        let (least, most) = (places.iter().min().unwrap(), places.iter().max().unwrap());
        assert!(*least > 0 && most - least <= 2, "{least} to {most}");
        assert_eq!(rooms[0], (0..60).collect::<Vec<_>>(), "the first users");
    }

    #[test]
    fn the_same_seed_deals_the_same() {
        let sizes = sizes(50, 20, 1.0);
        assert_eq!(deal(20, &sizes, 7), deal(20, &sizes, 7));
        assert_ne!(deal(20, &sizes, 7), deal(20, &sizes, 8));
    }

    #[test]
    fn too_few_and_too_many_places_are_told() {
        let begin = |sizes: &[usize]| Deal::begin(10, sizes, Rng::with_seed(1)).map(|_| ());
        assert_eq!(begin(&[5, 5]), Ok(()));
        let few = begin(&[5, 4]).unwrap_err().to_string();
        assert!(few.contains("9 places") && few.contains("--rooms"), "{few}");
        assert_eq!(begin(&[10; 1_000]), Ok(()));
        let many = begin(&[10; 1_001]).unwrap_err().to_string();
        assert!(many.contains("--users"), "{many}");
    }
}
