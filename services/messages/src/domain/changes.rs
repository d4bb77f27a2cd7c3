//! What a client that is behind gets.

use plaza_clients::messages::{Changes, ChangesQuery};
use plaza_types::{Epoch, Message, Seq};

/// Changed messages in an answer that says nothing.
const DEFAULT: u32 = 100;
/// Most changed messages in one answer, and most that may be missing at all:
/// beyond, loading the newest page is less work.
pub(crate) const MAX_CHANGES: u32 = 500;

/// Which changes: at most `limit` after `since`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChangesWindow {
    pub(crate) since: Seq,
    pub(crate) limit: u32,
}

/// Why there is no such answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChangesError {
    #[error("Ask for 1 to {MAX_CHANGES} changes.")]
    Size,
}

impl ChangesWindow {
    /// Checks what was asked.
    pub(crate) fn parse(query: ChangesQuery) -> Result<Self, ChangesError> {
        match query.first.unwrap_or(DEFAULT) {
            limit @ 1..=MAX_CHANGES => Ok(Self {
                since: query.since,
                limit,
            }),
            _ => Err(ChangesError::Size),
        }
    }

    /// The answer, from one reading of the room: its head, how many messages
    /// changed after `since` (counted up to one above [`MAX_CHANGES`]), and
    /// the first of them in the order of their changes.
    ///
    /// A `since` ahead of the head comes from a room that is not this one any
    /// more: the client has to begin anew.
    pub(crate) fn answer(
        self,
        head_seq: Seq,
        missing: i64,
        messages: Vec<Message>,
        epoch: Epoch,
    ) -> Changes {
        let reset = self.since > head_seq || missing > i64::from(MAX_CHANGES);
        let messages = if reset { Vec::new() } else { messages };
        let all = i64::try_from(messages.len()).is_ok_and(|count| count >= missing);
        let next_seq = match messages.last() {
            Some(last) if !all => last.changed_seq,
            _ => head_seq,
        };
        Changes {
            messages,
            next_seq,
            head_seq,
            epoch,
            reset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(first: Option<u32>) -> Result<ChangesWindow, ChangesError> {
        ChangesWindow::parse(ChangesQuery {
            since: Seq::ZERO,
            first,
        })
    }

    #[test]
    fn a_size_is_1_to_500() {
        assert_eq!(window(None).unwrap().limit, 100);
        assert_eq!(window(Some(500)).unwrap().limit, 500);
        assert_eq!(window(Some(0)), Err(ChangesError::Size));
        assert_eq!(window(Some(501)), Err(ChangesError::Size));
    }

    #[test]
    fn with_nothing_missing_the_position_is_the_head() {
        let head = Seq::try_from(7).unwrap();
        let answer = window(None)
            .unwrap()
            .answer(head, 0, Vec::new(), Epoch::new());
        assert_eq!((answer.next_seq, answer.reset), (head, false));
    }

    #[test]
    fn more_than_500_missing_is_a_reset() {
        let head = Seq::try_from(501).unwrap();
        let answer = window(None)
            .unwrap()
            .answer(head, 501, Vec::new(), Epoch::new());
        assert!(answer.reset);
    }

    #[test]
    fn a_position_ahead_of_the_head_is_a_reset() {
        let ahead = ChangesWindow {
            since: Seq::try_from(8).unwrap(),
            limit: 100,
        };
        let head = Seq::try_from(7).unwrap();
        assert!(ahead.answer(head, 0, Vec::new(), Epoch::new()).reset);
    }
}
