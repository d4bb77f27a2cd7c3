//! Entries of the streams.

use std::{fmt, str::FromStr};

use redis::{FromRedisValue, streams::StreamId};
use serde_json::value::RawValue;

use super::field;
use crate::Source;

/// An entry's place in its stream: Redis' clock in ms, and a counter inside it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// Redis' clock when the entry was added, in ms since the Unix epoch.
    pub ms: u64,
    /// Counts the entries of one millisecond.
    pub counter: u64,
}

impl EntryId {
    /// Before every entry.
    pub const ZERO: Self = Self { ms: 0, counter: 0 };

    /// The highest id below this one; below the lowest there is none.
    pub const fn previous(self) -> Self {
        match (self.counter.checked_sub(1), self.ms.checked_sub(1)) {
            (Some(counter), _) => Self {
                ms: self.ms,
                counter,
            },
            (None, Some(ms)) => Self {
                ms,
                counter: u64::MAX,
            },
            (None, None) => Self::ZERO,
        }
    }

    /// The lowest id above this one.
    pub const fn next(self) -> Self {
        match self.counter.checked_add(1) {
            Some(counter) => Self {
                ms: self.ms,
                counter,
            },
            None => Self {
                ms: self.ms.saturating_add(1),
                counter: 0,
            },
        }
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.counter)
    }
}

/// A text that is not an entry's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of a stream entry")]
pub struct EntryIdError(String);

impl FromStr for EntryId {
    type Err = EntryIdError;
    fn from_str(text: &str) -> Result<Self, EntryIdError> {
        let parse = || {
            let (ms, counter) = text.split_once('-')?;
            Some(Self {
                ms: ms.parse().ok()?,
                counter: counter.parse().ok()?,
            })
        };
        parse().ok_or_else(|| EntryIdError(text.to_owned()))
    }
}

/// An event as the relay wrote it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place in the stream.
    pub id: EntryId,
    /// Whose outbox it comes from.
    pub source: Source,
    /// The room or user that it keeps its order for.
    pub key: String,
    /// The event as browsers get it.
    pub event: Box<RawValue>,
    /// The trace that the change was made in.
    pub traceparent: Option<String>,
    /// When the change was made, in ms since the Unix epoch.
    pub at_ms: i64,
}

/// Why an entry cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Undecodable {
    /// Its id is none.
    #[error("the entry has no id")]
    Id(#[from] EntryIdError),
    /// A field is not there, or is not of its type.
    #[error("the field {0} is missing or malformed")]
    Field(&'static str),
    /// The event is no JSON.
    #[error("the event is not JSON")]
    Event(#[from] serde_json::Error),
}

impl Entry {
    pub(super) fn decode(id: EntryId, source: Source, raw: &StreamId) -> Result<Self, Undecodable> {
        fn take<T: FromRedisValue>(raw: &StreamId, name: &'static str) -> Result<T, Undecodable> {
            raw.get(name).ok_or(Undecodable::Field(name))
        }
        Ok(Self {
            id,
            source,
            key: take(raw, field::KEY)?,
            event: RawValue::from_string(take(raw, field::EVENT)?)?,
            traceparent: raw.get(field::TP),
            at_ms: take(raw, field::AT)?,
        })
    }
}

impl From<&Entry> for Vec<(String, Vec<u8>)> {
    /// The fields that it was read from.
    fn from(entry: &Entry) -> Self {
        let mut fields = vec![
            (field::KEY, entry.key.clone()),
            (field::EVENT, entry.event.get().to_owned()),
            (field::AT, entry.at_ms.to_string()),
        ];
        fields.extend(entry.traceparent.clone().map(|tp| (field::TP, tp)));
        let bytes = |(name, value): (&str, String)| (name.to_owned(), value.into_bytes());
        fields.into_iter().map(bytes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis::Value;

    fn raw(fields: &[(&str, &str)]) -> StreamId {
        StreamId {
            id: "5-0".into(),
            map: fields
                .iter()
                .map(|(name, value)| {
                    (
                        (*name).to_owned(),
                        Value::BulkString(value.as_bytes().to_vec()),
                    )
                })
                .collect(),
            milliseconds_elapsed_from_delivery: None,
            delivered_count: None,
        }
    }

    #[test]
    fn an_entry_passes_its_event_through() {
        let text = r#"{"type":"new.type","a":1.0}"#;
        let fields = [
            ("id", "7"),
            ("key", "k"),
            ("event", text),
            ("at", "1700000000000"),
        ];
        let entry = Entry::decode(EntryId::ZERO, Source::Rooms, &raw(&fields)).unwrap();
        assert_eq!(entry.event.get(), text);
        assert_eq!(entry.at_ms, 1_700_000_000_000);
        assert_eq!(entry.traceparent, None);
    }

    #[test]
    fn what_is_no_event_is_told_apart() {
        let decode = |fields: &[(&str, &str)]| {
            Entry::decode(EntryId::ZERO, Source::Rooms, &raw(fields)).unwrap_err()
        };
        assert!(matches!(
            decode(&[("key", "k"), ("event", "{}")]),
            Undecodable::Field("at")
        ));
        assert!(matches!(
            decode(&[("key", "k"), ("event", "{}"), ("at", "today")]),
            Undecodable::Field("at")
        ));
        assert!(matches!(
            decode(&[("key", "k"), ("event", "{"), ("at", "1")]),
            Undecodable::Event(_)
        ));
    }

    #[test]
    fn ids_have_an_order_and_one_spelling() {
        let id: EntryId = "17-3".parse().unwrap();
        assert_eq!(id.to_string(), "17-3");
        assert_eq!(id.next().to_string(), "17-4");
        assert!(EntryId { ms: 9, counter: 0 } < id);
        let last = EntryId {
            ms: 1,
            counter: u64::MAX,
        };
        assert_eq!(last.next().to_string(), "2-0");
        for bad in ["", "17", "a-b", "1-2-3", "-1-0"] {
            assert!(bad.parse::<EntryId>().is_err(), "{bad}");
        }
    }
}
