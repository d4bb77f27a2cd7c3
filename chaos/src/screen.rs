//! What a person sees: a timeline of each room that they are in.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    catch_up::Caught,
    timeline::{State, Timeline},
};

/// The timelines of a person, by room.
#[derive(Debug, Default)]
pub(crate) struct Screen(Mutex<HashMap<String, Timeline>>);

impl Screen {
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<String, Timeline>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where each room stands.
    pub(crate) fn positions(&self) -> HashMap<String, i64> {
        let timelines = self.lock();
        let positions = timelines
            .iter()
            .map(|(room, timeline)| (room.clone(), timeline.position()));
        positions.collect()
    }

    /// What is shown of a room, from top to bottom.
    pub(crate) fn shown(&self, room: &str) -> Vec<State> {
        self.lock()
            .get(room)
            .map(Timeline::shown)
            .unwrap_or_default()
    }

    /// Takes in what was answered. Rooms that the person is in no more go,
    /// unless that may have changed since it was asked.
    pub(crate) fn apply(&self, caught: &mut Caught, may_have_joined: bool) {
        let mut timelines = self.lock();
        if !may_have_joined {
            let present: HashSet<&str> =
                caught.rooms.iter().map(|head| head.room.as_str()).collect();
            timelines.retain(|room, _| present.contains(room.as_str()));
        }
        for head in &caught.rooms {
            timelines.entry(head.room.clone()).or_default();
        }
        for page in caught.pages.drain(..) {
            if let Some(timeline) = timelines.get_mut(&page.room) {
                timeline.changes(page.since, page.states, page.next);
            }
        }
    }
}
