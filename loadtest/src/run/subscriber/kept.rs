//! What a subscriber keeps.

use tokio::time::Instant;

use crate::run::{place::Place, pulse::Pulse, stage::Weather, timeline::Timeline};

/// What a subscriber keeps from one connection to the next.
#[derive(Debug)]
pub(super) struct Kept {
    /// None: it followed the room never yet.
    pub(super) timeline: Option<Timeline>,
    /// Of the room's own channel.
    pub(super) place: Option<Place>,
    pub(super) pulse: Pulse,
    /// Whether the last try to connect failed.
    pub(super) failed: bool,
    /// Whether it has all that it has to have at the end.
    pub(super) whole: bool,
    /// What it knows of what the scenario does.
    pub(super) weather: Weather,
    /// Since when it may be back, and is not, or not whole yet.
    pub(super) trouble: Option<Instant>,
    /// Whether it was noted that it is back, if not whole.
    pub(super) is_back: bool,
}

impl Kept {
    /// Of one that was never connected.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            timeline: None,
            place: None,
            pulse: Pulse::begin(now),
            failed: false,
            whole: false,
            weather: Weather::default(),
            trouble: None,
            is_back: false,
        }
    }
}
