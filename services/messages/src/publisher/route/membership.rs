//! Who came, went or has another role: whom it is told, and which channels are
//! closed to them.

use plaza_centrifugo::Channel;
use plaza_events::{Body, Event, LeaveReason};
use plaza_types::FanoutMode;
use serde_json::value::{RawValue, to_raw_value};

use super::{Asked, Routed, Routing, one};
use crate::publisher::{
    heads::Said,
    incoming::{MemberChange, Stands},
    publication::{Content, Recipients},
    rooms::{Applied, Room, Way},
};

impl Routing<'_> {
    pub(super) fn member(&mut self, change: &MemberChange) -> serde_json::Result<Routed> {
        let user = change.user.id;
        let was_member = self.known.has(user);
        let is_member = change.role.is_some();
        self.known.count(change.member_count);
        let applied = self.known.apply_member(change.version, user, is_member);
        if applied == Applied::Gap && self.asked == Asked::Nothing {
            return Ok(self.ask());
        }
        for channel in leaves(change, self.known.way()) {
            self.out
                .add(Recipients::One(channel), Content::Removal(user));
        }
        // A state that is newer than the change does not say whether the
        // person came with it: told once too often does no harm.
        let came_or_went = !is_member || !was_member || applied != Applied::New;
        if came_or_went && let Some(body) = told(change, Some(self.known)) {
            self.out.add_event(one(user), &to_person(change, body)?);
        }
        if change.reason == Some(LeaveReason::RoomDeleted) {
            // Who remains of a deleted room is told of the own departure
            // alone: to tell each of all departures would be N² deliveries.
            return Ok(Routed::Added);
        }
        if change.to_others && self.known.way().mode == FanoutMode::Personal {
            let members = Recipients::Many(self.known.members());
            self.out.add_event(members, &self.entry.event);
        }
        self.note(Said {
            stands: Stands {
                member_count: change.member_count,
                ..Stands::default()
            },
            version: Some(change.version),
            compares: false,
        });
        Ok(Routed::Added)
    }
}

/// The channels that a person has to leave, whatever the mode: who is hostile
/// stays in the room's channels when it goes down, and they may be used again.
/// In a deleted room nothing is said any more.
fn leaves(change: &MemberChange, way: Way) -> Vec<Channel> {
    let is_departure = change.role.is_none() && change.reason != Some(LeaveReason::RoomDeleted);
    if is_departure && !change.came_back {
        way.channels()
    } else {
        Vec::new()
    }
}

/// What the person is told whose membership began or ended.
pub(super) fn told(change: &MemberChange, room: Option<&Room>) -> Option<Body> {
    let version = change.version;
    match change.role {
        None => Some(Body::Left {
            version,
            reason: change.reason.unwrap_or(LeaveReason::Left),
        }),
        Some(_) => room.map(|room| Body::Joined {
            version,
            mode: room.way().mode,
        }),
    }
}

pub(super) fn to_person(change: &MemberChange, body: Body) -> serde_json::Result<Box<RawValue>> {
    to_raw_value(&Event {
        room: Some(change.room),
        epoch: change.epoch,
        time: change.time,
        body,
    })
}

#[cfg(test)]
mod tests {
    use plaza_types::{FanoutMode, UserId};
    use serde_json::json;

    use crate::publisher::{
        incoming::mark_who_came_back,
        publication::Content,
        route::{
            Asked, route,
            testing::{Fixture, channels, removals},
        },
    };

    #[test]
    fn a_newcomer_is_told_first_and_gets_everything_later() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[ada]);
        let join = fixture.member(2, bob, Some("member"));
        let (_, out) = fixture.route(Asked::Nothing, &join);
        assert_eq!(out[0].0, channels(&[bob]));
        assert_eq!(out[0].1["type"], "joined");
        assert_eq!(out[0].1["mode"], "personal");
        assert_eq!(out[0].1["version"], 2);
        assert_eq!(out[1].0, channels(&[ada, bob]));
        assert_eq!(out[1].1, join, "passed through as it is");
        let message = json!({ "type": "message.created", "room": fixture.room, "seq": 1 });
        let (_, out) = fixture.route(Asked::Nothing, &message);
        assert_eq!(out[0].0, channels(&[ada, bob]));
    }

    #[test]
    fn who_left_is_told_and_gets_nothing_later() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[ada, bob]);
        let mut leave = fixture.member(2, bob, None);
        leave["reason"] = json!("kicked");
        let (_, out) = fixture.route(Asked::Nothing, &leave);
        let way = fixture.way(FanoutMode::Personal);
        assert_eq!(removals(&out), [(way.channel(), bob), (way.head(), bob)]);
        let told = &out[2..];
        assert_eq!(told[0].0, channels(&[bob]));
        assert_eq!(told[0].1["type"], "left");
        assert_eq!(told[0].1["reason"], "kicked");
        assert_eq!(told[1].0, channels(&[ada]));
    }

    #[test]
    fn who_is_back_already_is_not_made_to_leave() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[ada, bob]);
        let entries = [
            fixture.member(2, bob, None),
            fixture.member(3, bob, Some("member")),
        ];
        let mut entries = entries.map(|event| fixture.read(&event)).to_vec();
        mark_who_came_back(&mut entries);
        let mut out = Vec::new();
        let (entry, incoming) = &entries[0];
        route(
            incoming,
            entry,
            0,
            &mut fixture.state,
            Asked::Nothing,
            &mut out,
        )
        .unwrap();
        assert!(
            out.iter()
                .all(|draft| matches!(draft.what, Content::Event(_)))
        );
    }

    #[test]
    fn a_deleted_room_is_told_to_each_person_alone() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[ada, bob]);
        let mut leave = fixture.member(2, bob, None);
        leave["reason"] = json!("room_deleted");
        let (_, out) = fixture.route(Asked::Nothing, &leave);
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].0, channels(&[bob]));
        assert_eq!(out[0].1["reason"], "room_deleted");
    }

    #[test]
    fn another_role_is_no_join() {
        let ada = UserId::new();
        let mut fixture = Fixture::new(1, &[ada]);
        let promoted = fixture.member(2, ada, Some("admin"));
        let (_, out) = fixture.route(Asked::Nothing, &promoted);
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].1["type"], "member.updated");
    }

    #[test]
    fn a_join_that_is_in_the_state_already_is_still_told() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(5, &[ada, bob]);
        let join = fixture.member(4, bob, Some("member"));
        let (_, out) = fixture.route(Asked::Nothing, &join);
        assert_eq!(out[0].1["type"], "joined");
        assert_eq!(out[1].0, channels(&[ada, bob]));
    }
}
