//! What was promised against what is there.

use std::collections::HashSet;

use serde::Serialize;

use crate::{
    load::{End, RoomEnd},
    timeline::State,
};

/// Counts of what should not be.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Verdict {
    /// Accepted and not stored (guarantee 1).
    pub(crate) not_stored: usize,
    /// Stored twice under one content, which is unique (guarantee 3).
    pub(crate) stored_twice: usize,
    /// Places in a room's order that are out of it (guarantee 2).
    pub(crate) disordered_stored: usize,
    /// Stored and not on a screen (guarantee 4).
    pub(crate) missing: usize,
    /// On a screen more than once.
    pub(crate) doubled: usize,
    /// On a screen in another order than stored.
    pub(crate) disordered: usize,
    /// On a screen in an older state than stored.
    pub(crate) outdated: usize,
}

impl Verdict {
    pub(crate) fn of(end: &End) -> Self {
        let mut verdict = Self::default();
        for room in &end.rooms {
            verdict.stored(room);
            for shown in &room.shown {
                verdict.screen(&room.stored, shown);
            }
        }
        verdict
    }

    /// Whether every promise was kept.
    pub(crate) const fn holds(&self) -> bool {
        self.not_stored == 0
            && self.stored_twice == 0
            && self.disordered_stored == 0
            && self.missing == 0
            && self.doubled == 0
            && self.disordered == 0
            && self.outdated == 0
    }

    fn stored(&mut self, room: &RoomEnd) {
        let ids: HashSet<&str> = room.stored.iter().map(|state| state.id.as_str()).collect();
        self.not_stored += room
            .accepted
            .iter()
            .filter(|id| !ids.contains(id.as_str()))
            .count();
        let contents = room.stored.iter().map(|state| &state.content);
        let contents: Vec<_> = contents.filter(|content| !content.is_empty()).collect();
        let once: HashSet<_> = contents.iter().collect();
        self.stored_twice += contents.len() - once.len();
        let numbers = (1_i64..).zip(&room.stored);
        self.disordered_stored += numbers
            .filter(|(number, state)| state.number != *number)
            .count();
        let pairs = room.stored.windows(2);
        self.disordered_stored += pairs.filter(|pair| pair[0].seq >= pair[1].seq).count();
    }

    fn screen(&mut self, stored: &[State], shown: &[State]) {
        let on_screen: HashSet<&str> = shown.iter().map(|state| state.id.as_str()).collect();
        self.doubled += shown.len() - on_screen.len();
        self.missing += stored
            .iter()
            .filter(|state| !on_screen.contains(state.id.as_str()))
            .count();
        let order: Vec<&str> = stored
            .iter()
            .map(|state| state.id.as_str())
            .filter(|id| on_screen.contains(id))
            .collect();
        let seen = shown.iter().map(|state| state.id.as_str());
        self.disordered += order
            .iter()
            .zip(seen)
            .filter(|(one, other)| **one != *other)
            .count();
        let states: std::collections::HashMap<&str, &State> = shown
            .iter()
            .map(|state| (state.id.as_str(), state))
            .collect();
        self.outdated += stored
            .iter()
            .filter(|state| {
                states
                    .get(state.id.as_str())
                    .is_some_and(|shown| shown != state)
            })
            .count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(id: &str, number: i64) -> State {
        State {
            id: id.into(),
            seq: number,
            number,
            changed_seq: number,
            content: id.into(),
            deleted_at: None,
        }
    }

    fn verdict(accepted: &[&str], stored: Vec<State>, shown: Vec<State>) -> Verdict {
        let mut verdict = Verdict::default();
        let room = RoomEnd {
            stored,
            accepted: accepted.iter().map(|id| (*id).to_owned()).collect(),
            shown: vec![shown],
        };
        verdict.stored(&room);
        verdict.screen(&room.stored, &room.shown[0]);
        verdict
    }

    #[test]
    fn what_is_whole_holds() {
        let whole = || vec![state("a", 1), state("b", 2)];
        assert!(verdict(&["a", "b"], whole(), whole()).holds());
    }

    #[test]
    fn each_broken_promise_is_counted() {
        let (a, b) = (state("a", 1), state("b", 2));
        let both = || vec![a.clone(), b.clone()];
        assert_eq!(verdict(&["c"], both(), both()).not_stored, 1);
        let twin = State {
            content: "a".into(),
            ..b.clone()
        };
        assert_eq!(verdict(&[], vec![a.clone(), twin], vec![]).stored_twice, 1);
        assert_eq!(verdict(&[], vec![b.clone()], vec![]).disordered_stored, 1);
        assert_eq!(verdict(&[], both(), vec![a.clone()]).missing, 1);
        assert_eq!(
            verdict(&[], both(), vec![a.clone(), a.clone(), b.clone()]).doubled,
            1
        );
        assert_eq!(
            verdict(&[], both(), vec![b.clone(), a.clone()]).disordered,
            2
        );
        let old = State {
            changed_seq: 0,
            ..a.clone()
        };
        assert_eq!(verdict(&[], both(), vec![old, b.clone()]).outdated, 1);
    }
}
