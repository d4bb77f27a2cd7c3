//! How often rooms changed the way their events travel, as people were told.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// By room and version; the new mode is that of a room's own channel or not.
#[derive(Debug, Default)]
pub(crate) struct Crossings(Mutex<HashMap<(String, i64), bool>>);

impl Crossings {
    /// Somebody was told of one.
    pub(crate) fn seen(&self, room: &str, version: Option<i64>, mode: Option<&str>) {
        if let Some(version) = version {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert((room.to_owned(), version), mode == Some("room"));
        }
    }

    /// How many went to a channel of the room's own, and how many back.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let up = known.values().filter(|up| **up).count();
        (up, known.len() - up)
    }
}
