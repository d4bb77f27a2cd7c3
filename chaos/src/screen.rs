//! What a person sees: a timeline of each room that they are in.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::{
    catch_up::{Caught, News, Page},
    timeline::{State, Timeline},
};

/// The timelines of a person, by room.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    timelines: Mutex<HashMap<String, Timeline>>,
    /// The last question that was not answered, and when.
    trouble: Mutex<Option<(Instant, String)>>,
}

impl Screen {
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<String, Timeline>> {
        self.timelines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A question was not answered.
    pub(crate) fn failed(&self, error: &anyhow::Error) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = Some((Instant::now(), format!("{error:#}")));
    }

    /// How it stands with a room, and with what was asked last.
    pub(crate) fn standing(&self, room: &str) -> String {
        let timelines = self.lock();
        let position = timelines.get(room).map_or_else(
            || "no timeline".to_owned(),
            |timeline| {
                let (first, position) = (timeline.first(), timeline.position());
                format!("from number {first} up to seq {position}")
            },
        );
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = trouble.as_ref().map_or_else(
            || "every question was answered".to_owned(),
            |(at, error)| format!("{:.0} s ago: {error}", at.elapsed().as_secs_f64()),
        );
        format!("{position}; {trouble}")
    }

    /// Where each room stands.
    pub(crate) fn positions(&self) -> HashMap<String, i64> {
        let timelines = self.lock();
        let positions = timelines
            .iter()
            .map(|(room, timeline)| (room.clone(), timeline.position()));
        positions.collect()
    }

    /// Whether something is missing before what came of a room.
    pub(crate) fn waits(&self, room: &str) -> bool {
        self.lock().get(room).is_some_and(Timeline::waits)
    }

    /// What is shown of a room, from top to bottom, and the number that it
    /// begins with.
    pub(crate) fn shown(&self, room: &str) -> Option<(i64, Vec<State>)> {
        let timelines = self.lock();
        let timeline = timelines.get(room)?;
        Some((timeline.first(), timeline.shown()))
    }

    /// Whether all that is stored of a room is shown, from its first message on.
    pub(crate) fn is_whole(&self, room: &str, stored: &[State]) -> bool {
        let timelines = self.lock();
        timelines
            .get(room)
            .is_some_and(|timeline| timeline.is_whole(stored))
    }

    /// Takes in what was answered. Rooms that the person is in no more go,
    /// unless that may have changed since it was asked.
    pub(crate) fn apply(&self, caught: &mut Caught, may_have_joined: bool) {
        let mut timelines = self.lock();
        if let Some(heads) = &caught.heads
            && !may_have_joined
        {
            let present: HashSet<&str> =
                heads.rooms.iter().map(|head| head.room.as_str()).collect();
            timelines.retain(|room, _| present.contains(room.as_str()));
        }
        for Page { room, news } in caught.pages.drain(..) {
            match news {
                News::Newest(timeline) => {
                    timelines.insert(room, timeline);
                }
                News::Changes {
                    since,
                    states,
                    next,
                } => {
                    if let Some(timeline) = timelines.get_mut(&room) {
                        timeline.changes(since, states, next);
                    }
                }
            }
        }
    }
}
