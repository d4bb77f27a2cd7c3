//! Who is in which room: rooms of each size, and some whose size changes.

use std::ops::Range;

/// What kind of room it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// Everybody is in it: its events travel on its own channel.
    Large,
    /// The same, for members alone.
    Private,
    /// Half of the threshold: they travel on the members' channels.
    Small,
    /// People come and go so that it crosses the threshold again and again.
    Tidal,
}

/// Who is in a room, by their numbers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) size: Size,
    /// In it from beginning to end; the first opens it.
    pub(crate) steady: Vec<usize>,
    /// Come and go.
    pub(crate) tide: Vec<usize>,
}

impl Layout {
    /// Who is in it at the end.
    pub(crate) fn members(&self) -> impl Iterator<Item = usize> {
        self.steady.iter().chain(&self.tide).copied()
    }

    /// Of the room with this number among `people`, when rooms of `threshold`
    /// members and more have a channel of their own.
    pub(crate) fn of(room: usize, people: usize, threshold: usize) -> Self {
        let size = [Size::Large, Size::Tidal, Size::Private, Size::Small][room % 4];
        // Others in each room.
        let from = |range: Range<usize>| range.map(|at| (room * 7 + at) % people).collect();
        let half = (threshold / 2).clamp(1, people);
        let (steady, tide) = match size {
            Size::Large | Size::Private => (from(0..people), Vec::new()),
            Size::Small => (from(0..half), Vec::new()),
            Size::Tidal => (from(0..half), from(half..people.min(threshold + 1))),
        };
        Self { size, steady, tide }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_tidal_room_crosses_the_threshold_both_ways_and_others_never() {
        for (people, threshold) in [(20, 6), (100, 30), (7, 5)] {
            for room in 0..8 {
                let layout = Layout::of(room, people, threshold);
                let (low, tide) = (layout.steady.len(), layout.tide.len());
                let all: HashSet<_> = layout.steady.iter().chain(&layout.tide).collect();
                assert_eq!(all.len(), low + tide, "nobody is in it twice");
                match layout.size {
                    Size::Large | Size::Private => assert!(low >= threshold),
                    Size::Small => assert!(low + tide < threshold),
                    Size::Tidal => assert!(low * 2 <= threshold && low + tide >= threshold),
                }
            }
        }
    }
}
