//! What the scenario does to a subscriber, and when it is back.

use super::{Kept, Subscriber};
use crate::run::{connection::FollowError, meters::count, stage::Weather, timeline::Timeline};

impl Subscriber {
    /// Notes what the scenario does; an error where it takes connections away.
    pub(super) fn weather(&self, weather: Weather, kept: &mut Kept) -> Result<(), FollowError> {
        let before = std::mem::replace(&mut kept.weather, weather);
        if weather.is_dark {
            return Err(FollowError::Away);
        }
        if before.is_dark || before.storms != weather.storms {
            kept.trouble = weather.since;
            kept.is_back = false;
        }
        if before.storms != weather.storms {
            if self.shared.storms_lose_history {
                kept.place = None;
            }
            return Err(FollowError::Dropped);
        }
        Ok(())
    }

    /// Notes when it is back after what the scenario did, and when it has
    /// everything again.
    pub(super) fn is_back(&self, is_connected: bool, kept: &mut Kept) {
        let Some(trouble) = kept.trouble.filter(|_| is_connected) else {
            return;
        };
        let meters = &self.shared.meters;
        if !kept.is_back {
            kept.is_back = true;
            meters.connections().back.record(trouble.elapsed());
        }
        if kept.timeline.as_ref().is_some_and(Timeline::is_whole) {
            kept.trouble = None;
            meters.connections().back_whole.record(trouble.elapsed());
            count(&meters.back);
        }
    }
}
