//! The letters about what can never be published. Pure: no I/O.

use chrono::Utc;
use plaza_events::{
    Partition, Source,
    stream::{DeadLetter, Entry, EntryId},
};

use super::{heads::Word, incoming::Incoming, send::Refusal};

/// Writes those of one partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letters {
    partition: Partition,
}

impl Letters {
    pub(super) const fn new(partition: Partition) -> Self {
        Self { partition }
    }

    /// One about an entry.
    pub(super) fn letter(self, entry: &Entry, reason: String) -> DeadLetter {
        DeadLetter {
            source: entry.source,
            partition: self.partition,
            entry: entry.id.to_string(),
            reason,
            fields: entry.into(),
        }
    }

    /// One for each event that Centrifugo refused, in however many channels it
    /// did, and one for each word on where a room stands.
    pub(super) fn refused(
        self,
        mut refused: Vec<Refusal>,
        entries: &[(Entry, Incoming)],
        words: &[Word],
    ) -> Vec<DeadLetter> {
        refused.sort_by_key(|refusal| refusal.place);
        let of_one_event =
            refused.chunk_by(|one, other| one.place.is_some() && one.place == other.place);
        let letters = of_one_event.filter_map(|refusals| {
            let (first, others) = refusals.split_first()?;
            let reason = reason(first, others.len());
            if let Some(place) = first.place {
                return Some(self.letter(&entries.get(place)?.0, reason));
            }
            let word = words.iter().find(|word| word.channel == first.channel)?;
            Some(self.letter(&as_entry(word), reason))
        });
        letters.collect()
    }
}

fn reason(refusal: &Refusal, others: usize) -> String {
    let Refusal {
        code,
        message,
        channel,
        ..
    } = refusal;
    let more = match others {
        0 => String::new(),
        more => format!(" and in {more} more"),
    };
    format!("Centrifugo refused it in {channel}{more} with code {code} ({message})")
}

/// A word as the relay would have written it: replayed, it is said anew.
fn as_entry(word: &Word) -> Entry {
    Entry {
        id: EntryId::ZERO,
        source: Source::Messages,
        key: word.room.to_string(),
        event: word.event.clone(),
        traceparent: None,
        at_ms: Utc::now().timestamp_millis(),
    }
}
