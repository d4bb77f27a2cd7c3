//! What was promised against what is there.

use std::collections::HashSet;

use serde::Serialize;

use crate::timeline::State;

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

    /// What is stored of a room, against the ids that were answered as accepted.
    pub(crate) fn stored(&mut self, stored: &[State], accepted: &[String]) {
        let ids: HashSet<&str> = stored.iter().map(|state| state.id.as_str()).collect();
        self.not_stored += accepted
            .iter()
            .filter(|id| !ids.contains(id.as_str()))
            .count();
        let contents = stored.iter().map(|state| &state.content);
        let contents: Vec<_> = contents.filter(|content| !content.is_empty()).collect();
        let once: HashSet<_> = contents.iter().collect();
        self.stored_twice += contents.len() - once.len();
        let numbers = (1_i64..).zip(stored);
        self.disordered_stored += numbers
            .filter(|(number, state)| state.number != *number)
            .count();
        let pairs = stored.windows(2);
        self.disordered_stored += pairs.filter(|pair| pair[0].seq >= pair[1].seq).count();
    }

    /// A screen of a room, which begins with a number; none: it shows nothing.
    pub(crate) fn screen(&mut self, stored: &[State], shown: Option<(i64, &[State])>) {
        let (first, shown) = shown.unwrap_or((1, &[]));
        let from = stored.partition_point(|state| state.number < first);
        let stored = &stored[from..];
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

    #[expect(clippy::needless_pass_by_value, reason = "calls are shorter")]
    fn verdict(accepted: &[&str], stored: Vec<State>, shown: Vec<State>) -> Verdict {
        let mut verdict = Verdict::default();
        let accepted: Vec<_> = accepted.iter().map(|id| (*id).to_owned()).collect();
        verdict.stored(&stored, &accepted);
        verdict.screen(&stored, Some((1, &shown)));
        verdict
    }

    #[test]
    fn what_is_whole_holds() {
        let whole = || vec![state("a", 1), state("b", 2)];
        assert!(verdict(&["a", "b"], whole(), whole()).holds());
    }

    #[test]
    fn what_is_above_the_first_message_is_not_missing() {
        let stored = [state("a", 1), state("b", 2), state("c", 3)];
        let mut verdict = Verdict::default();
        verdict.screen(&stored, Some((2, &stored[1..])));
        assert!(verdict.holds());
        verdict.screen(&stored, Some((2, &stored[1..2])));
        assert_eq!(verdict.missing, 1);
        verdict.screen(&stored, None);
        assert_eq!(verdict.missing, 4);
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
