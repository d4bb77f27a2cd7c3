//! A change of a room: each step takes the next version and is told by one
//! event that carries the whole present state of what it is about.

use chrono::{DateTime, Utc};
use plaza_events::{Body, Event, LeaveReason};
use plaza_types::{Epoch, Person, Role, RoomId, UserId, Version, Visibility};

/// A room's counters, as they stand under the lock of its row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Counts every change.
    pub(crate) version: Version,
    /// The latest change other than a join or leave.
    pub(crate) state_version: Version,
    /// How many members there are.
    pub(crate) member_count: i64,
}

/// The steps of one transaction on one room, in their order.
#[derive(Debug)]
pub(crate) struct Change {
    room: RoomId,
    epoch: Epoch,
    counters: Counters,
    events: Vec<Event>,
}

impl Change {
    /// Begins where the room stands.
    pub(crate) const fn new(room: RoomId, epoch: Epoch, counters: Counters) -> Self {
        Self {
            room,
            epoch,
            counters,
            events: Vec::new(),
        }
    }

    /// The room's own attributes are these now.
    pub(crate) fn attributes(
        &mut self,
        name: &str,
        topic: &str,
        visibility: Visibility,
        time: DateTime<Utc>,
    ) {
        let version = self.state_step();
        let member_count = self.counters.member_count;
        self.tell(
            time,
            Body::RoomUpdated {
                version,
                name: name.to_owned(),
                topic: topic.to_owned(),
                visibility,
                member_count,
            },
        );
    }

    /// Somebody became a member.
    pub(crate) fn joined(&mut self, user: Person, role: Role, time: DateTime<Utc>) {
        self.counters.member_count += 1;
        let version = self.step();
        self.member(version, user, Seat::new(role), time);
    }

    /// Somebody is no longer a member.
    pub(crate) fn left(&mut self, user: Person, reason: LeaveReason, time: DateTime<Utc>) {
        self.counters.member_count -= 1;
        let version = self.step();
        self.member(version, user, Seat::Gone(reason), time);
    }

    /// A member has another role, or may write no longer or again.
    pub(crate) fn member_state(
        &mut self,
        user: Person,
        role: Role,
        muted_until: Option<DateTime<Utc>>,
        time: DateTime<Utc>,
    ) {
        let version = self.state_step();
        self.member(version, user, Seat::Taken { role, muted_until }, time);
    }

    /// Where the room stands so far.
    pub(crate) const fn counters(&self) -> Counters {
        self.counters
    }

    /// Where the room stands after it, and what tells of it.
    pub(crate) fn finish(self) -> (RoomId, Counters, Vec<Event>) {
        (self.room, self.counters, self.events)
    }

    const fn step(&mut self) -> Version {
        self.counters.version = self.counters.version.next();
        self.counters.version
    }

    const fn state_step(&mut self) -> Version {
        self.counters.state_version = self.step();
        self.counters.state_version
    }

    fn member(&mut self, version: Version, user: Person, seat: Seat, time: DateTime<Utc>) {
        let member_count = self.counters.member_count;
        let (role, muted_until, reason) = match seat {
            Seat::Taken { role, muted_until } => (Some(role), muted_until, None),
            Seat::Gone(reason) => (None, None, Some(reason)),
        };
        self.tell(
            time,
            Body::MemberUpdated {
                version,
                user,
                role,
                member_count,
                reason,
                muted_until,
            },
        );
    }

    fn tell(&mut self, time: DateTime<Utc>, body: Body) {
        self.events.push(Event {
            room: Some(self.room),
            epoch: self.epoch,
            time,
            body,
        });
    }
}

/// Somebody whose names are not at hand: events of a departure need none.
pub(crate) const fn nameless(id: UserId) -> Person {
    Person {
        id,
        username: String::new(),
        display_name: String::new(),
    }
}

/// A person's place in a room after a step.
#[derive(Clone, Copy)]
enum Seat {
    Taken {
        role: Role,
        muted_until: Option<DateTime<Utc>>,
    },
    Gone(LeaveReason),
}

impl Seat {
    const fn new(role: Role) -> Self {
        Self::Taken {
            role,
            muted_until: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> Person {
        Person {
            id: UserId::new(),
            username: name.into(),
            display_name: name.into(),
        }
    }

    fn at(version: i64, state_version: i64, member_count: i64) -> Counters {
        Counters {
            version: version.try_into().unwrap(),
            state_version: state_version.try_into().unwrap(),
            member_count,
        }
    }

    #[test]
    fn a_new_room_is_told_before_its_owner() {
        let mut change = Change::new(RoomId::new(), Epoch::new(), Counters::default());
        let now = Utc::now();
        change.attributes("Rust", "", Visibility::Public, now);
        change.joined(person("ada"), Role::Owner, now);
        let (_, counters, events) = change.finish();
        assert_eq!(counters, at(2, 1, 1));
        assert!(matches!(
            events[0].body,
            Body::RoomUpdated { version, member_count: 0, .. } if version.get() == 1
        ));
        assert!(matches!(
            events[1].body,
            Body::MemberUpdated { version, role: Some(Role::Owner), member_count: 1, .. }
                if version.get() == 2
        ));
    }

    #[test]
    fn joins_and_leaves_count_but_are_nothing_that_clients_compare() {
        let mut change = Change::new(RoomId::new(), Epoch::new(), at(7, 3, 2));
        let now = Utc::now();
        change.joined(person("bob"), Role::Member, now);
        change.left(person("ada"), LeaveReason::Left, now);
        let (_, counters, _) = change.finish();
        assert_eq!(counters, at(9, 3, 2));
    }

    #[test]
    fn another_role_is_what_clients_compare() {
        let mut change = Change::new(RoomId::new(), Epoch::new(), at(7, 3, 2));
        change.member_state(person("bob"), Role::Owner, None, Utc::now());
        let (_, counters, _) = change.finish();
        assert_eq!(counters, at(8, 8, 2));
    }
}
