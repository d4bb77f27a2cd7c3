//! Who may open which of a room's channels by the subscribe proxy.

use plaza_centrifugo::Channel;
use plaza_types::{FanoutMode, Generation, Visibility};

/// A room and somebody's place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Who may read the room.
    pub(crate) visibility: Visibility,
    /// How its events travel.
    pub(crate) mode: FanoutMode,
    /// Part of the names of its channels.
    pub(crate) generation: Generation,
    /// Whether the person is a member.
    pub(crate) is_member: bool,
    /// Whether the person is kept out.
    pub(crate) is_banned: bool,
}

impl Standing {
    /// Whether the person may read the room.
    pub(crate) fn may_read(&self) -> bool {
        self.is_member || (self.visibility == Visibility::Public && !self.is_banned)
    }
}

/// Whether somebody who stands like this may open a channel of that room. What
/// the proxy is not asked for (tokens and the connection open it) is refused.
pub(crate) fn may_open(channel: Channel, standing: &Standing) -> bool {
    let is_present = channel
        .room()
        .is_some_and(|(_, generation)| generation == standing.generation);
    is_present
        && match channel {
            Channel::Private(..) | Channel::PrivateHead(..) => {
                standing.is_member
                    && standing.visibility == Visibility::Private
                    && standing.mode == FanoutMode::Room
            }
            Channel::Live(..) => standing.may_read(),
            Channel::Personal(_) | Channel::Pulse | Channel::Room(..) | Channel::Head(..) => false,
        }
}

#[cfg(test)]
mod tests {
    use plaza_types::{RoomId, UserId};

    use super::*;

    fn generation(number: i64) -> Generation {
        number.try_into().unwrap()
    }

    /// Every standing there is, in the second generation.
    fn standings() -> Vec<Standing> {
        let mut all = Vec::new();
        for visibility in [Visibility::Public, Visibility::Private] {
            for mode in [FanoutMode::Personal, FanoutMode::Room] {
                for (is_member, is_banned) in [(true, false), (false, false), (false, true)] {
                    all.push(Standing {
                        visibility,
                        mode,
                        generation: generation(2),
                        is_member,
                        is_banned,
                    });
                }
            }
        }
        all
    }

    #[test]
    fn members_open_a_large_private_rooms_channels_and_nobody_else() {
        let room = RoomId::new();
        for channel in [
            Channel::Private(room, generation(2)),
            Channel::PrivateHead(room, generation(2)),
        ] {
            for standing in standings() {
                let may = standing.is_member
                    && standing.visibility == Visibility::Private
                    && standing.mode == FanoutMode::Room;
                assert_eq!(may_open(channel, &standing), may, "{standing:?}");
            }
        }
    }

    #[test]
    fn who_reads_a_room_sees_who_is_there() {
        let room = RoomId::new();
        for standing in standings() {
            let may = may_open(Channel::Live(room, generation(2)), &standing);
            let reads = standing.is_member
                || (standing.visibility == Visibility::Public && !standing.is_banned);
            assert_eq!(may, reads, "{standing:?}");
        }
    }

    #[test]
    fn another_generation_and_what_opens_otherwise_is_refused_to_everybody() {
        let room = RoomId::new();
        let mut channels = vec![Channel::Personal(UserId::new()), Channel::Pulse];
        for number in [1, 2, 3] {
            channels.push(Channel::Room(room, generation(number)));
            channels.push(Channel::Head(room, generation(number)));
        }
        for number in [1, 3] {
            channels.push(Channel::Private(room, generation(number)));
            channels.push(Channel::PrivateHead(room, generation(number)));
            channels.push(Channel::Live(room, generation(number)));
        }
        for channel in channels {
            for standing in standings() {
                assert!(!may_open(channel, &standing), "{channel} {standing:?}");
            }
        }
    }
}
