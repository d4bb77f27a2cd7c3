//! The rule by which a client keeps its place in a room (docs/api.md, "Places
//! in a room"): the next change is shown, an older one dropped, and before one
//! further ahead `changes` is asked.

/// What becomes of a change that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The next one: shown.
    Show,
    /// Shown before.
    Drop,
    /// Something is missing before it: ask `changes`, which brings it too.
    Gap,
}

/// A place in one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    position: i64,
    /// The newest change that was heard of.
    heard: i64,
}

impl Rule {
    /// Begins where a page stands.
    pub(crate) const fn at(position: i64) -> Self {
        Self {
            position,
            heard: position,
        }
    }

    /// Every change up to here was applied.
    pub(crate) const fn position(&self) -> i64 {
        self.position
    }

    /// Whether a change was heard of that was not applied.
    pub(crate) const fn is_behind(&self) -> bool {
        self.heard > self.position
    }

    /// A change came over the wire.
    pub(crate) fn change(&mut self, seq: i64) -> Step {
        self.hear(seq);
        if seq <= self.position {
            Step::Drop
        } else if seq == self.position + 1 {
            self.position = seq;
            Step::Show
        } else {
            Step::Gap
        }
    }

    /// The room was said to stand here.
    pub(crate) fn hear(&mut self, seq: i64) {
        self.heard = self.heard.max(seq);
    }

    /// `changes` has a message whose place is `seq`: whether it is new here.
    /// Call it before [`Self::caught_up`].
    pub(crate) const fn is_new(&self, seq: i64) -> bool {
        seq > self.position
    }

    /// `changes` since `since` was answered up to `next`. An answer about a
    /// place further ahead says nothing of what is between.
    pub(crate) fn caught_up(&mut self, since: i64, next: i64) {
        if since <= self.position {
            self.position = self.position.max(next);
        }
        self.hear(next);
    }

    /// Begins anew where the newest page stands.
    pub(crate) fn reset(&mut self, head: i64) {
        self.position = self.position.max(head);
        self.hear(head);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_is_shown_a_repeat_dropped_and_a_gap_told() {
        let mut rule = Rule::at(4);
        assert_eq!(rule.change(5), Step::Show);
        assert_eq!(rule.change(5), Step::Drop);
        assert_eq!(rule.change(4), Step::Drop);
        assert_eq!(rule.change(7), Step::Gap);
        assert!(rule.is_behind());
        assert_eq!(rule.position(), 5);
        // What is missing may still come by itself.
        assert_eq!(rule.change(6), Step::Show);
        assert!(rule.is_behind(), "7 was not applied");
        rule.caught_up(5, 7);
        assert!(!rule.is_behind());
        assert_eq!(rule.change(8), Step::Show);
    }

    #[test]
    fn an_answer_about_a_place_further_ahead_moves_nothing() {
        let mut rule = Rule::at(4);
        rule.caught_up(6, 9);
        assert_eq!(rule.position(), 4);
        assert!(rule.is_behind());
    }

    #[test]
    fn what_changes_repeats_is_not_new() {
        let mut rule = Rule::at(4);
        rule.change(5);
        assert!(!rule.is_new(5));
        assert!(rule.is_new(6));
    }

    #[test]
    fn a_head_further_ahead_is_a_reason_to_ask() {
        let mut rule = Rule::at(4);
        rule.hear(4);
        assert!(!rule.is_behind());
        rule.hear(5);
        assert!(rule.is_behind());
        rule.reset(9);
        assert!(!rule.is_behind());
    }
}
