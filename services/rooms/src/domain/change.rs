//! A change of a room: each step takes the next version and is told by one
//! event that carries the whole present state of what it is about.

use chrono::{DateTime, Utc};
use plaza_events::{Body, Event, LeaveReason};
use plaza_types::{Epoch, FanoutMode, Person, Role, RoomId, UserId, Version, Visibility};

use super::{Channels, Threshold};

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
    threshold: Threshold,
    counters: Counters,
    channels: Channels,
    events: Vec<Event>,
}

impl Change {
    /// Begins where the room stands.
    pub(crate) const fn new(
        room: RoomId,
        epoch: Epoch,
        threshold: Threshold,
        counters: Counters,
        channels: Channels,
    ) -> Self {
        Self {
            room,
            epoch,
            threshold,
            counters,
            channels,
            events: Vec::new(),
        }
    }

    /// The room's own attributes are these now. Another visibility is another
    /// generation of channels.
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
        if visibility != self.channels.visibility {
            self.travel_by(self.channels.opened_to(visibility), time);
        }
    }

    /// Somebody became a member: the room may be a large one now.
    pub(crate) fn joined(&mut self, user: Person, role: Role, time: DateTime<Utc>) {
        self.counters.member_count += 1;
        let version = self.step();
        self.member(version, user, Seat::new(role), time);
        let mode = self.channels.mode;
        let mode = self.threshold.grown(mode, self.counters.member_count);
        self.cross(mode, time);
    }

    /// Somebody is no longer a member: the room may be a large one no longer,
    /// unless it is gone altogether.
    pub(crate) fn left(&mut self, user: Person, reason: LeaveReason, time: DateTime<Utc>) {
        self.counters.member_count -= 1;
        let version = self.step();
        self.member(version, user, Seat::Gone(reason), time);
        if reason != LeaveReason::RoomDeleted {
            let mode = self.channels.mode;
            let mode = self.threshold.shrunk(mode, self.counters.member_count);
            self.cross(mode, time);
        }
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
    pub(crate) fn finish(self) -> (RoomId, Counters, Channels, Vec<Event>) {
        (self.room, self.counters, self.channels, self.events)
    }

    fn cross(&mut self, mode: FanoutMode, time: DateTime<Utc>) {
        if mode != self.channels.mode {
            let channels = Channels {
                mode,
                ..self.channels
            };
            self.travel_by(channels, time);
        }
    }

    /// The room's events travel by these channels from here on.
    fn travel_by(&mut self, channels: Channels, time: DateTime<Utc>) {
        self.channels = channels;
        let version = self.state_step();
        let Channels {
            mode,
            visibility,
            generation,
        } = channels;
        self.tell(
            time,
            Body::Fanout {
                version,
                mode,
                visibility,
                generation,
            },
        );
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

    /// Of a public room that crosses at 4 members.
    fn change(counters: Counters) -> Change {
        let channels = Channels::new(Visibility::Public);
        let (room, epoch) = (RoomId::new(), Epoch::new());
        Change::new(room, epoch, Threshold(4), counters, channels)
    }

    /// Version, mode, visibility and generation of each event about channels.
    fn channels(events: &[Event]) -> Vec<(i64, FanoutMode, Visibility, i64)> {
        let of = |event: &Event| match event.body {
            Body::Fanout {
                version,
                mode,
                visibility,
                generation,
            } => Some((version.get(), mode, visibility, generation.get())),
            _ => None,
        };
        events.iter().filter_map(of).collect()
    }

    #[test]
    fn a_new_room_is_told_before_its_owner() {
        let mut change = change(Counters::default());
        let now = Utc::now();
        change.attributes("Rust", "", Visibility::Public, now);
        change.joined(person("ada"), Role::Owner, now);
        let (_, counters, _, events) = change.finish();
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
        let mut change = change(at(7, 3, 2));
        let now = Utc::now();
        change.joined(person("bob"), Role::Member, now);
        change.left(person("ada"), LeaveReason::Left, now);
        let (_, counters, ..) = change.finish();
        assert_eq!(counters, at(9, 3, 2));
    }

    #[test]
    fn another_role_is_what_clients_compare() {
        let mut change = change(at(7, 3, 2));
        change.member_state(person("bob"), Role::Owner, None, Utc::now());
        let (_, counters, ..) = change.finish();
        assert_eq!(counters, at(8, 8, 2));
    }

    #[test]
    fn who_crosses_is_followed_by_where_events_come_from_now() {
        let mut change = change(at(7, 3, 2));
        let now = Utc::now();
        for name in ["bob", "cleo", "dan"] {
            change.joined(person(name), Role::Member, now);
        }
        for name in ["bob", "cleo", "dan", "eve"] {
            change.left(person(name), LeaveReason::Left, now);
        }
        let (_, counters, after, events) = change.finish();
        let public = Visibility::Public;
        assert_eq!(
            channels(&events),
            [
                (10, FanoutMode::Room, public, 1),
                (15, FanoutMode::Personal, public, 1)
            ]
        );
        assert_eq!(counters, at(16, 15, 1));
        assert_eq!(after, Channels::new(public));
        assert!(matches!(
            events[1].body,
            Body::MemberUpdated { version, member_count: 4, .. } if version.get() == 9
        ));
    }

    #[test]
    fn another_visibility_is_another_generation_in_either_mode() {
        for joins in [0, 2] {
            let mut change = change(at(7, 3, 2));
            let now = Utc::now();
            for _ in 0..joins {
                change.joined(person("bob"), Role::Member, now);
            }
            change.attributes("Rust", "", Visibility::Public, now);
            change.attributes("Rust", "", Visibility::Private, now);
            let (.., after, events) = change.finish();
            let told = channels(&events);
            let (_, mode, visibility, generation) = *told.last().unwrap();
            assert_eq!((visibility, generation), (Visibility::Private, 2));
            assert_eq!(mode, after.mode);
            assert_eq!(told.len(), 1 + usize::from(joins > 0));
            let last = &events[events.len() - 2].body;
            assert!(matches!(last, Body::RoomUpdated { .. }), "{last:?}");
        }
    }

    #[test]
    fn a_room_that_is_deleted_does_not_cross() {
        let mut change = change(at(7, 3, 3));
        change.joined(person("bob"), Role::Member, Utc::now());
        for _ in 0..4 {
            change.left(person("bob"), LeaveReason::RoomDeleted, Utc::now());
        }
        let (.., events) = change.finish();
        assert_eq!(channels(&events).len(), 1, "up alone");
    }
}
