//! The joined list: what rooms and messages each know of the caller's rooms,
//! in one order, by last activity. Nothing of it is stored: the order is made
//! anew for every request, and a page continues from a place in it, not from
//! a count.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use chrono::{DateTime, Utc};
use plaza_clients::{Cursored, Page, messages::Head, rooms::Room};
use plaza_types::RoomId;
use uuid::Uuid;

/// A room of the list.
#[derive(Debug, Clone)]
pub(crate) struct Joined {
    /// What rooms says.
    pub(crate) room: Room,
    /// What messages says; none when it does not know the room.
    pub(crate) head: Option<Head>,
}

/// A place in the list: the newest activity first, then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// In microseconds of Unix time, as the databases have it.
    at: i64,
    room: RoomId,
}

/// A cursor that this list never gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("This is not a cursor of the list of rooms.")]
pub(crate) struct CursorError;

impl Joined {
    /// A room without messages stands where the caller joined it.
    fn place(&self) -> Place {
        let joined = || self.room.membership.map(|membership| membership.joined_at);
        let at: DateTime<Utc> = self
            .head
            .as_ref()
            .and_then(|head| head.last_message_at)
            .or_else(joined)
            .unwrap_or(self.room.created_at);
        Place {
            at: at.timestamp_micros(),
            room: self.room.id,
        }
    }
}

impl Place {
    fn cursor(self) -> String {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.at.to_be_bytes());
        bytes[8..].copy_from_slice(self.room.uuid().as_bytes());
        B64.encode(bytes)
    }
}

impl std::str::FromStr for Place {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let mut bytes = [0; 24];
        match B64.decode_slice(text, &mut bytes) {
            Ok(24) => {}
            _ => return Err(CursorError),
        }
        let (at, room) = bytes.split_first_chunk::<8>().ok_or(CursorError)?;
        Ok(Self {
            at: i64::from_be_bytes(*at),
            room: Uuid::from_slice(room).map_err(|_| CursorError)?.into(),
        })
    }
}

/// Joins the two answers.
pub(crate) fn join(rooms: Vec<Room>, heads: Vec<Head>) -> Vec<Joined> {
    let mut heads: HashMap<RoomId, Head> =
        heads.into_iter().map(|head| (head.room_id, head)).collect();
    rooms
        .into_iter()
        .map(|room| Joined {
            head: heads.remove(&room.id),
            room,
        })
        .collect()
}

/// The `most` rooms of this kind that stand first in the list's order.
pub(crate) fn most_active(
    joined: &[Joined],
    most: usize,
    kind: impl Fn(&Room) -> bool,
) -> HashSet<RoomId> {
    let placed = joined.iter().filter(|joined| kind(&joined.room));
    let mut placed: Vec<Place> = placed.map(Joined::place).collect();
    if placed.len() > most {
        placed.select_nth_unstable_by_key(most, |place| Reverse(*place));
        placed.truncate(most);
    }
    placed.into_iter().map(|place| place.room).collect()
}

/// The `first` rooms behind `after`, in the list's order.
pub(crate) fn page(joined: Vec<Joined>, after: Option<Place>, first: usize) -> Page<Joined> {
    let mut placed: Vec<(Place, Joined)> = joined
        .into_iter()
        .map(|joined| (joined.place(), joined))
        .collect();
    placed.sort_unstable_by_key(|(place, _)| Reverse(*place));
    let begin = after.map_or(0, |after| {
        placed.partition_point(|(place, _)| *place >= after)
    });
    let has_next = placed.len() > begin + first;
    let items = placed
        .into_iter()
        .skip(begin)
        .take(first)
        .map(|(place, item)| Cursored {
            cursor: place.cursor(),
            item,
        })
        .collect();
    Page {
        items,
        has_next,
        has_previous: begin > 0,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use plaza_clients::rooms::Membership;
    use plaza_types::{Epoch, FanoutMode, Number, Role, Seq, Version, Visibility};

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn room(joined_at: i64) -> Room {
        Room {
            id: RoomId::new(),
            name: "a".into(),
            topic: String::new(),
            visibility: Visibility::Public,
            open: true,
            generation: plaza_types::Generation::ZERO.next(),
            fanout: FanoutMode::Personal,
            member_count: 1,
            online_count: None,
            version: Version::ZERO,
            epoch: Epoch::new(),
            created_at: at(0),
            membership: Some(Membership {
                role: Role::Member,
                joined_at: at(joined_at),
                muted_until: None,
            }),
        }
    }

    fn head(room: &Room, last_message_at: Option<i64>) -> Head {
        Head {
            room_id: room.id,
            head_seq: Seq::ZERO,
            last_number: Number::ZERO,
            read_number: Number::ZERO,
            last_message_at: last_message_at.map(at),
            last_message: None,
            epoch: room.epoch,
        }
    }

    fn ids(page: &Page<Joined>) -> Vec<RoomId> {
        page.items.iter().map(|item| item.item.room.id).collect()
    }

    #[test]
    fn rooms_stand_by_last_message_and_without_messages_by_when_they_were_joined() {
        let (old, silent, new) = (room(1), room(50), room(2));
        let heads = vec![
            head(&new, Some(100)),
            head(&silent, None),
            head(&old, Some(10)),
        ];
        let expected = [new.id, silent.id, old.id];
        let list = join(vec![old, silent, new], heads);
        assert_eq!(ids(&page(list, None, 30)), expected);
    }

    #[test]
    fn pages_cover_the_list_once_each_even_at_equal_times() {
        let rooms: Vec<_> = (0..25).map(|i| room(i / 5)).collect();
        let list = join(rooms, Vec::new());
        let whole = ids(&page(list.clone(), None, 100));
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let next = page(list.clone(), after, 4);
            seen.extend(ids(&next));
            assert_eq!(next.has_previous, after.is_some());
            if !next.has_next {
                break;
            }
            after = next.items.last().map(|item| item.cursor.parse().unwrap());
        }
        assert_eq!(seen, whole);
        assert_eq!(seen.len(), 25);
    }

    #[test]
    fn a_page_goes_on_where_it_was_although_its_last_room_moved_up() {
        let rooms: Vec<_> = (0..6).map(room).collect();
        let first = page(join(rooms.clone(), Vec::new()), None, 3);
        let after = first.items[2].cursor.parse().unwrap();
        let moved = head(&first.items[2].item.room, Some(1_000));
        let second = page(join(rooms.clone(), vec![moved]), Some(after), 3);
        assert_eq!(ids(&second), [rooms[2].id, rooms[1].id, rooms[0].id]);
    }

    #[test]
    fn a_cursor_from_elsewhere_is_refused() {
        for bad in ["", "x", "AAAA", &"A".repeat(33), "!".repeat(32).as_str()] {
            assert_eq!(bad.parse::<Place>(), Err(CursorError), "{bad:?}");
        }
    }
}
