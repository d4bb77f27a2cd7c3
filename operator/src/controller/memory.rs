//! What was applied last. An object that nobody has touched since, and that is
//! to be the same, is not applied again: a pass over a chat that is as it
//! should be costs a list of each kind and no write.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Objects that are remembered; with one more, everything is forgotten and
/// applied again once.
const MOST: usize = 50_000;

/// Namespace, kind and name.
pub(super) type Place = (String, String, String);

#[derive(Debug, PartialEq)]
struct Entry {
    /// Of what was applied.
    checksum: String,
    /// Of what was there then.
    mark: String,
}

/// By object.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<Place, Entry>>);

impl Memory {
    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this was applied, and the object is as it was after that.
    pub(super) fn stands(&self, place: &Place, checksum: &str, mark: Option<&str>) -> bool {
        self.lock()
            .get(place)
            .is_some_and(|entry| entry.checksum == checksum && mark == Some(entry.mark.as_str()))
    }

    /// It was applied just now.
    pub(super) fn note(&self, place: Place, checksum: String, mark: String) {
        let mut entries = self.lock();
        if entries.len() >= MOST {
            entries.clear();
        }
        entries.insert(place, Entry { checksum, mark });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_touched_or_changes_is_applied_again() {
        let memory = Memory::default();
        let place: Place = ("default".into(), "Service".into(), "chat-rooms".into());
        assert!(!memory.stands(&place, "a", Some("1")));
        memory.note(place.clone(), "a".into(), "1".into());
        assert!(memory.stands(&place, "a", Some("1")));
        assert!(!memory.stands(&place, "b", Some("1")), "to be another");
        assert!(!memory.stands(&place, "a", Some("2")), "touched");
        assert!(!memory.stands(&place, "a", None), "deleted");
    }
}
