//! Who reads which room: a bounded cache of what rooms said. Pure: no I/O.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use plaza_centrifugo::Channel;
use plaza_clients::rooms::Fanout;
use plaza_types::{FanoutMode, Generation, RoomId, UserId, Version, Visibility};

/// The readers of a room as of one of its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Room {
    version: Version,
    way: Way,
    /// The channels of its members, sorted. In room mode there are none, but
    /// those of the early members right after rooms were asked for them.
    members: Arc<Vec<Channel>>,
    /// It is in personal mode, but its members are not known.
    lacks_members: bool,
    /// As was said last.
    member_count: i64,
}

/// How the events of a room travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) room: RoomId,
    pub(super) mode: FanoutMode,
    pub(super) visibility: Visibility,
    pub(super) generation: Generation,
}

impl Way {
    /// The channel of its events in room mode.
    pub(super) const fn channel(self) -> Channel {
        Channel::of_room(self.visibility, self.room, self.generation)
    }

    /// The channel that says where it stands in room mode.
    pub(super) const fn head(self) -> Channel {
        Channel::head_of(self.visibility, self.room, self.generation)
    }

    /// Both, sorted.
    pub(super) fn channels(self) -> Vec<Channel> {
        let mut channels = vec![self.channel(), self.head()];
        channels.sort_unstable();
        channels
    }

    /// The way before the last change of visibility; none when there was none.
    pub(super) fn before(self) -> Option<Self> {
        let generation = Generation::try_from(self.generation.get() - 1).ok()?;
        (generation > Generation::ZERO).then_some(Self {
            visibility: match self.visibility {
                Visibility::Public => Visibility::Private,
                Visibility::Private => Visibility::Public,
            },
            generation,
            ..self
        })
    }
}

/// What a change of a room did to the state that was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Applied {
    /// It was the next one.
    New,
    /// The state is at least as new.
    Known,
    /// Changes between are missing: the state has to be asked for.
    Gap,
}

impl Room {
    /// What rooms said of a room.
    pub(super) fn new(room: RoomId, fanout: Fanout) -> Self {
        let mut members: Vec<_> = fanout.members.into_iter().map(Channel::Personal).collect();
        members.sort_unstable();
        members.dedup();
        Self {
            version: fanout.version,
            way: Way {
                room,
                mode: fanout.mode,
                visibility: fanout.visibility,
                generation: fanout.generation,
            },
            members: Arc::new(members),
            lacks_members: false,
            member_count: fanout.member_count,
        }
    }

    /// How its events travel.
    pub(super) const fn way(&self) -> Way {
        self.way
    }

    /// The channels of its members as they are now; in room mode see
    /// [`take_early_members`](Self::take_early_members).
    pub(super) fn members(&self) -> Arc<Vec<Channel>> {
        self.members.clone()
    }

    /// In room mode, the channels of those who were members before, as rooms
    /// were asked for.
    pub(super) fn take_early_members(&mut self) -> Arc<Vec<Channel>> {
        std::mem::take(&mut self.members)
    }

    /// How many members there are now, as far as it was said.
    pub(super) fn count(&mut self, members: Option<i64>) {
        self.member_count = members.unwrap_or(self.member_count);
    }

    /// How many may follow its own channel.
    pub(super) fn audience(&self) -> u64 {
        u64::try_from(self.member_count).unwrap_or_default()
    }

    /// Whether this person is a member; in room mode nobody is known to be.
    pub(super) fn has(&self, user: UserId) -> bool {
        let channel = Channel::Personal(user);
        self.way.mode == FanoutMode::Personal && self.members.binary_search(&channel).is_ok()
    }

    /// What a change of this version is to the known state.
    pub(super) fn compare(&self, version: Version) -> Applied {
        if version <= self.version {
            Applied::Known
        } else if version == self.version.next() {
            Applied::New
        } else {
            Applied::Gap
        }
    }

    /// Takes the version of a change that says nothing about readers.
    pub(super) fn apply_version(&mut self, version: Version) -> Applied {
        let applied = self.compare(version);
        if applied == Applied::New {
            self.version = version;
        }
        applied
    }

    /// Takes a member's state after a change.
    pub(super) fn apply_member(
        &mut self,
        version: Version,
        user: UserId,
        is_member: bool,
    ) -> Applied {
        let applied = self.apply_version(version);
        if applied == Applied::New && self.way.mode == FanoutMode::Personal {
            let channel = Channel::Personal(user);
            match self.members.binary_search(&channel) {
                Ok(place) if !is_member => {
                    Arc::make_mut(&mut self.members).remove(place);
                }
                Err(place) if is_member => {
                    Arc::make_mut(&mut self.members).insert(place, channel);
                }
                _ => {}
            }
        }
        applied
    }

    /// Takes another way for its events from this version on. Who is a member
    /// now is not known when it was in room mode before.
    pub(super) fn turn(&mut self, version: Version, way: Way) {
        self.version = version;
        self.lacks_members = way.mode == FanoutMode::Personal && self.way.mode == FanoutMode::Room;
        if way.mode != self.way.mode {
            self.members = Arc::default();
        }
        self.way = way;
    }

    /// Whether all is known that publishing takes. Otherwise it is to be
    /// forgotten, so that the next event asks for it.
    pub(super) const fn is_complete(&self) -> bool {
        !self.lacks_members
    }
}

/// The rooms of one partition that were needed last. A room that does not
/// exist is remembered as such.
#[derive(Debug)]
pub(super) struct Rooms {
    known: HashMap<RoomId, Slot>,
    by_use: BTreeMap<u64, RoomId>,
    uses: u64,
    size: usize,
    max_size: usize,
}

/// What is known of a room.
#[derive(Debug)]
pub(super) enum Known<'a> {
    /// Nothing: rooms have to be asked.
    Nothing,
    /// It does not exist.
    Gone,
    /// Its readers.
    Room(&'a mut Room),
}

#[derive(Debug)]
struct Slot {
    room: Option<Room>,
    used: u64,
    size: usize,
}

/// What a room costs in the cache beside its members.
const ROOM_SIZE: usize = 8;

fn size(room: Option<&Room>) -> usize {
    ROOM_SIZE + room.map_or(0, |room| room.members.len())
}

impl Rooms {
    /// A cache of rooms with `max_size` members together; a room without
    /// members counts as eight.
    pub(super) fn new(max_size: usize) -> Self {
        Self {
            known: HashMap::new(),
            by_use: BTreeMap::new(),
            uses: 0,
            size: 0,
            max_size,
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.max_size);
    }

    /// Whether the room need not be asked for.
    pub(super) fn knows(&self, room: RoomId) -> bool {
        self.known.contains_key(&room)
    }

    /// What is known of the room.
    pub(super) fn get_mut(&mut self, room: RoomId) -> Known<'_> {
        let Some(slot) = self.known.get_mut(&room) else {
            return Known::Nothing;
        };
        self.uses += 1;
        self.by_use.remove(&slot.used);
        slot.used = self.uses;
        self.by_use.insert(self.uses, room);
        // Joins since the last use have made it larger.
        self.size -= slot.size;
        slot.size = size(slot.room.as_ref());
        self.size += slot.size;
        slot.room.as_mut().map_or(Known::Gone, Known::Room)
    }

    /// Takes what rooms said, and forgets what was not used for longest.
    pub(super) fn insert(&mut self, id: RoomId, room: Option<Room>) {
        self.forget(id);
        self.uses += 1;
        let size = size(room.as_ref());
        self.size += size;
        self.by_use.insert(self.uses, id);
        let used = self.uses;
        self.known.insert(id, Slot { room, used, size });
        while self.size > self.max_size && self.known.len() > 1 {
            let Some((_, oldest)) = self.by_use.first_key_value() else {
                return;
            };
            self.forget(*oldest);
        }
    }

    /// Forgets one room.
    pub(super) fn forget(&mut self, room: RoomId) {
        if let Some(slot) = self.known.remove(&room) {
            self.by_use.remove(&slot.used);
            self.size -= slot.size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn version(number: i64) -> Version {
        Version::try_from(number).unwrap()
    }

    fn room(at: i64, members: &[UserId]) -> Room {
        Room::new(
            RoomId::new(),
            Fanout {
                version: version(at),
                mode: FanoutMode::Personal,
                visibility: Visibility::Public,
                generation: Generation::ZERO.next(),
                members: members.to_vec(),
                member_count: 0,
            },
        )
    }

    #[test]
    fn changes_apply_in_the_order_of_their_versions() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut room = room(3, &[ada]);
        assert_eq!(room.apply_member(version(3), bob, true), Applied::Known);
        assert!(!room.has(bob), "an older change says nothing");
        assert_eq!(room.apply_member(version(4), bob, true), Applied::New);
        assert!(room.has(bob));
        assert_eq!(room.apply_member(version(6), ada, false), Applied::Gap);
        assert!(room.has(ada), "nothing is applied over a gap");
        assert_eq!(room.apply_version(version(5)), Applied::New);
        assert_eq!(room.apply_member(version(6), ada, false), Applied::New);
        assert_eq!(*room.members(), [Channel::Personal(bob)]);
    }

    #[test]
    fn what_was_handed_out_does_not_change() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut room = room(1, &[ada]);
        let before = room.members();
        room.apply_member(version(2), bob, true);
        assert_eq!(before.len(), 1);
        assert_eq!(room.members().len(), 2);
    }

    #[test]
    fn the_room_that_was_not_used_for_longest_is_forgotten() {
        let ids = [RoomId::new(), RoomId::new(), RoomId::new()];
        let mut rooms = Rooms::new(2 * ROOM_SIZE + 1);
        rooms.insert(ids[0], None);
        rooms.insert(ids[1], None);
        assert!(matches!(rooms.get_mut(ids[0]), Known::Gone));
        rooms.insert(ids[2], None);
        assert!(rooms.knows(ids[0]) && !rooms.knows(ids[1]) && rooms.knows(ids[2]));
    }

    #[test]
    fn a_room_larger_than_the_cache_is_known_alone() {
        let members: Vec<_> = (0..100).map(|_| UserId::new()).collect();
        let (small, large) = (RoomId::new(), RoomId::new());
        let mut rooms = Rooms::new(20);
        rooms.insert(small, None);
        rooms.insert(large, Some(room(1, &members)));
        assert!(rooms.knows(large) && !rooms.knows(small));
    }

    proptest! {
        #[test]
        fn members_are_those_of_the_latest_changes(
            changes in prop::collection::vec((0_usize..6, any::<bool>()), 0..60)
        ) {
            let users: Vec<_> = (0..6).map(|_| UserId::new()).collect();
            let mut room = room(0, &[]);
            let mut expected = [false; 6];
            for (at, (user, is_member)) in (1..).zip(changes) {
                room.apply_member(version(at), users[user], is_member);
                expected[user] = is_member;
            }
            for (user, is_member) in users.iter().zip(expected) {
                prop_assert_eq!(room.has(*user), is_member);
            }
        }

        #[test]
        fn the_cache_keeps_its_bound(uses in prop::collection::vec(0_usize..40, 0..200)) {
            let ids: Vec<_> = (0..40).map(|_| RoomId::new()).collect();
            let mut rooms = Rooms::new(10 * ROOM_SIZE);
            for id in uses {
                if matches!(rooms.get_mut(ids[id]), Known::Nothing) {
                    rooms.insert(ids[id], None);
                }
                prop_assert!(rooms.knows(ids[id]));
                prop_assert!(rooms.known.len() <= 10);
                prop_assert_eq!(rooms.known.len(), rooms.by_use.len());
                prop_assert_eq!(rooms.size, rooms.known.len() * ROOM_SIZE);
            }
        }
    }
}
