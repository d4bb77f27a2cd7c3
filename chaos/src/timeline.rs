//! The client's rule for one room (DESIGN: docs/api.md, "Places in a room"):
//! what a screen shows is what these functions keep.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

/// Events of a room that wait for what is before them, at most.
const MOST_AHEAD: usize = 500;

/// A message's state, as pages, `changes` and events give it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    pub(crate) id: String,
    pub(crate) seq: i64,
    pub(crate) number: i64,
    pub(crate) changed_seq: i64,
    pub(crate) content: String,
    pub(crate) deleted_at: Option<String>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applied {
    /// The next change.
    Yes,
    /// Seen before.
    Repeat,
    /// Something is missing before it, and it waits: ask `changes`.
    Gap,
}

/// A room from one message on, as its newest page was when it was opened.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    position: i64,
    first: i64,
    messages: HashMap<String, State>,
    /// Events further ahead, by their seq, until what is between is known.
    ahead: BTreeMap<i64, State>,
}

impl Timeline {
    /// Opens at the newest page: where the room stood, and the number that the
    /// page begins with.
    pub(crate) fn open(states: Vec<State>, head_seq: i64, first: i64) -> Self {
        let messages = states.into_iter().map(|state| (state.id.clone(), state));
        Self {
            position: head_seq,
            first,
            messages: messages.collect(),
            ahead: BTreeMap::new(),
        }
    }

    /// The number that it begins with.
    pub(crate) const fn first(&self) -> i64 {
        self.first
    }

    /// Every change up to here has been applied.
    pub(crate) const fn position(&self) -> i64 {
        self.position
    }

    /// Whether events wait for what is before them.
    pub(crate) fn waits(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// An event came.
    pub(crate) fn event(&mut self, seq: i64, state: State) -> Applied {
        if seq <= self.position {
            return Applied::Repeat;
        }
        if seq > self.position + 1 {
            // Beyond the bound `changes` brings it, too.
            if self.ahead.len() < MOST_AHEAD {
                self.ahead.insert(seq, state);
            }
            return Applied::Gap;
        }
        self.position = seq;
        self.merge(state);
        self.catch_up_with_ahead();
        Applied::Yes
    }

    fn catch_up_with_ahead(&mut self) {
        while let Some(next) = self.ahead.first_entry() {
            if *next.key() > self.position + 1 {
                return;
            }
            let (seq, state) = next.remove_entry();
            self.position = self.position.max(seq);
            self.merge(state);
        }
    }

    /// `changes` since `since` was answered.
    pub(crate) fn changes(&mut self, since: i64, states: Vec<State>, next_seq: i64) {
        for state in states {
            self.merge(state);
        }
        // An answer about a place further ahead says nothing of what is between.
        if since <= self.position {
            self.position = self.position.max(next_seq);
        }
        self.catch_up_with_ahead();
    }

    /// Of two states of one message the later change stands. What is above the
    /// first is not shown.
    fn merge(&mut self, state: State) {
        if state.number < self.first {
            return;
        }
        let known = self.messages.entry(state.id.clone());
        let kept = known.or_insert_with(|| state.clone());
        if state.changed_seq > kept.changed_seq {
            *kept = state;
        }
    }

    /// What is shown, from top to bottom.
    pub(crate) fn shown(&self) -> Vec<State> {
        let mut shown: Vec<State> = self.messages.values().cloned().collect();
        shown.sort_by_key(|state| state.seq);
        shown
    }

    /// Whether it shows what is stored, from its first message on.
    pub(crate) fn is_whole(&self, stored: &[State]) -> bool {
        let from = stored.partition_point(|state| state.number < self.first);
        let stored = &stored[from..];
        let is_shown = |state: &State| self.messages.get(&state.id) == Some(state);
        stored.len() == self.messages.len() && stored.iter().all(is_shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(id: &str, seq: i64, changed_seq: i64) -> State {
        State {
            id: id.into(),
            seq,
            number: seq,
            changed_seq,
            content: format!("{id} at {changed_seq}"),
            deleted_at: None,
        }
    }

    #[test]
    fn the_next_is_applied_a_repeat_dropped_and_a_gap_told() {
        let mut timeline = Timeline::open(vec![], 0, 1);
        assert_eq!(timeline.event(1, state("a", 1, 1)), Applied::Yes);
        assert_eq!(timeline.event(1, state("a", 1, 1)), Applied::Repeat);
        assert_eq!(timeline.event(3, state("c", 3, 3)), Applied::Gap);
        assert_eq!(timeline.event(5, state("e", 5, 5)), Applied::Gap);
        assert_eq!(timeline.position(), 1);
        assert_eq!(timeline.shown().len(), 1);
        timeline.changes(1, vec![state("b", 2, 2)], 2);
        assert_eq!(timeline.position(), 3, "what waited follows");
        assert_eq!(timeline.event(4, state("d", 4, 4)), Applied::Yes);
        assert_eq!(timeline.position(), 5);
        assert_eq!(timeline.shown().len(), 5);
    }

    #[test]
    fn an_older_state_does_not_come_back() {
        let mut timeline = Timeline::open(vec![], 0, 1);
        timeline.changes(0, vec![state("a", 1, 4)], 4);
        timeline.changes(0, vec![state("a", 1, 1)], 2);
        assert_eq!(timeline.position(), 4);
        assert_eq!(timeline.shown()[0].changed_seq, 4);
    }

    #[test]
    fn a_change_above_the_first_message_moves_the_position_alone() {
        let mut timeline = Timeline::open(vec![state("b", 2, 2)], 2, 2);
        assert_eq!(timeline.event(3, state("a", 1, 3)), Applied::Yes);
        assert_eq!(timeline.position(), 3);
        let stored = [state("a", 1, 3), state("b", 2, 2)];
        assert!(timeline.is_whole(&stored));
        assert_eq!(timeline.event(4, state("c", 4, 4)), Applied::Yes);
        assert!(!timeline.is_whole(&stored));
        assert!(!timeline.is_whole(&[state("b", 2, 2), state("c", 4, 5)]));
        assert!(timeline.is_whole(&[state("b", 2, 2), state("c", 4, 4)]));
    }
}
