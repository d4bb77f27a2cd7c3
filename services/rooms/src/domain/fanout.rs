//! By which channels a room's events travel, and when that changes.

use plaza_types::{FanoutMode, Generation, Visibility};

/// By which channels a room's events travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Channels {
    /// The members' own channels or the room's.
    pub(crate) mode: FanoutMode,
    /// Who may read: the namespace of the room's channels.
    pub(crate) visibility: Visibility,
    /// Part of their names.
    pub(crate) generation: Generation,
}

impl Channels {
    /// Of a new room.
    pub(crate) const fn new(visibility: Visibility) -> Self {
        Self {
            mode: FanoutMode::Personal,
            visibility,
            generation: Generation::ZERO.next(),
        }
    }

    /// Of the room when other people may read it.
    pub(crate) const fn opened_to(self, visibility: Visibility) -> Self {
        Self {
            visibility,
            generation: self.generation.next(),
            ..self
        }
    }
}

/// From how many members on a room has channels of its own. It loses them at
/// half of that, so that one who comes and goes does not move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold(pub u32);

impl Default for Threshold {
    fn default() -> Self {
        Self(50)
    }
}

impl Threshold {
    /// The mode when somebody has joined a room that has so many members now.
    pub(crate) fn grown(self, mode: FanoutMode, members: i64) -> FanoutMode {
        if members >= i64::from(self.0) {
            FanoutMode::Room
        } else {
            mode
        }
    }

    /// The mode when somebody has left a room that has so many members now.
    pub(crate) fn shrunk(self, mode: FanoutMode, members: i64) -> FanoutMode {
        if members <= i64::from(self.0 / 2) {
            FanoutMode::Personal
        } else {
            mode
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_crosses_up_at_the_threshold_and_down_at_half_of_it() {
        use FanoutMode::{Personal, Room};
        let threshold = Threshold(50);
        for (members, mode) in [(1, Personal), (49, Personal), (50, Room), (51, Room)] {
            assert_eq!(threshold.grown(Personal, members), mode, "{members}");
            assert_eq!(threshold.grown(Room, members), Room, "{members}");
        }
        for (members, mode) in [(60, Room), (26, Room), (25, Personal), (0, Personal)] {
            assert_eq!(threshold.shrunk(Room, members), mode, "{members}");
            assert_eq!(threshold.shrunk(Personal, members), Personal, "{members}");
        }
        assert_eq!(Threshold(1).grown(Personal, 1), Room);
        assert_eq!(Threshold(1).shrunk(Room, 1), Room);
        assert_eq!(Threshold(1).shrunk(Room, 0), Personal);
    }
}
