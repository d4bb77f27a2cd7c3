//! How far the streams of a partition were dealt with, and where the cursor
//! stands in each. Pure: no I/O.

use plaza_events::{
    Source,
    stream::{Entry, EntryId},
};

use crate::publisher::incoming::Incoming;

/// Of each stream the last entry that was dealt with, but for the words that
/// wait, and where the cursor stands.
#[derive(Debug, Default)]
pub(super) struct Progress {
    dealt: [Option<EntryId>; Source::ALL.len()],
    moved: [Option<EntryId>; Source::ALL.len()],
}

impl Progress {
    /// Takes note of what was dealt with, up to the last entry of each stream.
    pub(super) fn deal(&mut self, ends: &[(Source, EntryId)]) {
        for (source, last) in ends {
            let dealt = &mut self.dealt[*source as usize];
            *dealt = (*dealt).max(Some(*last));
        }
    }

    /// Where the cursor may be moved on to, in the streams in which it may:
    /// behind what was dealt with, but not past the entry where it is `held`.
    pub(super) fn ahead(&self, held: impl Fn(Source) -> Option<EntryId>) -> Vec<(Source, EntryId)> {
        let ahead = Source::ALL.into_iter().filter_map(|source| {
            let dealt = self.dealt[source as usize]?;
            let end = held(source).map_or(dealt, |held| held.min(dealt));
            let moved = self.moved[source as usize];
            moved
                .is_none_or(|moved| moved < end)
                .then_some((source, end))
        });
        ahead.collect()
    }

    /// The cursor was moved there.
    pub(super) fn moved(&mut self, ends: &[(Source, EntryId)]) {
        for (source, end) in ends {
            self.moved[*source as usize] = Some(*end);
        }
    }
}

/// The last entry of each stream.
pub(super) fn ends(entries: &[(Entry, Incoming)]) -> Vec<(Source, EntryId)> {
    Source::ALL
        .into_iter()
        .filter_map(|source| {
            let of_source = |(entry, _): &&(Entry, Incoming)| entry.source == source;
            let (last, _) = entries.iter().rev().find(of_source)?;
            Some((source, last.id))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> EntryId {
        EntryId { ms, counter: 0 }
    }

    const NOTHING_HELD: fn(Source) -> Option<EntryId> = |_| None;

    #[test]
    fn the_cursor_follows_what_was_dealt_with_and_never_goes_back() {
        let mut progress = Progress::default();
        assert_eq!(progress.ahead(NOTHING_HELD), []);
        progress.deal(&[(Source::Messages, at(5))]);
        progress.deal(&[(Source::Messages, at(3))]);
        let ahead = progress.ahead(NOTHING_HELD);
        assert_eq!(ahead, [(Source::Messages, at(5))]);
        progress.moved(&ahead);
        assert_eq!(progress.ahead(NOTHING_HELD), []);
        progress.deal(&[(Source::Rooms, at(1)), (Source::Messages, at(6))]);
        let ahead = progress.ahead(NOTHING_HELD);
        assert_eq!(ahead, [(Source::Rooms, at(1)), (Source::Messages, at(6))]);
    }

    #[test]
    fn the_cursor_stays_where_a_word_holds_it_in_that_stream_alone() {
        let mut progress = Progress::default();
        progress.deal(&[(Source::Rooms, at(9)), (Source::Messages, at(9))]);
        let held = |source| (source == Source::Messages).then_some(at(4));
        let ahead = progress.ahead(held);
        assert_eq!(ahead, [(Source::Rooms, at(9)), (Source::Messages, at(4))]);
        progress.moved(&ahead);
        assert_eq!(progress.ahead(held), []);
        assert_eq!(progress.ahead(NOTHING_HELD), [(Source::Messages, at(9))]);
    }
}
