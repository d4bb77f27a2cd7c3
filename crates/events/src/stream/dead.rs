//! Events that can never be published: a bounded stream that keeps each with
//! its reason, until somebody has looked at it.

use plaza_kit::redis::Shared;
use redis::{
    AsyncCommands, FromRedisValue, RedisResult,
    streams::{StreamId, StreamRangeReply},
};

use crate::{Partition, Source};

/// The key of the dead letters.
pub const DEAD_LETTERS: &str = "plaza:dead-letters";

/// Letters that are kept; the oldest go first.
pub const MAX_DEAD_LETTERS: usize = 10_000;

/// Names of a letter's own fields. Those of the entry follow with a prefix, so
/// that they can be added to its stream again as they were.
mod own {
    pub(super) const SERVICE: &str = "service";
    pub(super) const PARTITION: &str = "partition";
    pub(super) const ENTRY: &str = "entry";
    pub(super) const REASON: &str = "reason";
    pub(super) const OF_ENTRY: &str = "entry:";
}

/// An entry that can never be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Whose stream it was in.
    pub source: Source,
    /// The stream's partition.
    pub partition: Partition,
    /// Its id in that stream.
    pub entry: String,
    /// Why it cannot be published.
    pub reason: String,
    /// Its fields as they were.
    pub fields: Vec<(String, Vec<u8>)>,
}

/// A dead letter with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buried {
    /// Its id among the dead letters: when it was put there, in ms since the
    /// Unix epoch, and a counter.
    pub id: String,
    /// The letter.
    pub letter: DeadLetter,
}

impl DeadLetter {
    /// A field of the entry, where it is text.
    pub fn field(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(of, _)| of == name)?;
        std::str::from_utf8(value).ok()
    }

    fn read(raw: &StreamId) -> Option<Self> {
        let source: String = raw.get(own::SERVICE)?;
        let fields = raw.map.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix(own::OF_ENTRY)?;
            Some((name.to_owned(), Vec::from_redis_value_ref(value).ok()?))
        });
        let mut fields: Vec<_> = fields.collect();
        fields.sort();
        Some(Self {
            source: Source::ALL.into_iter().find(|of| of.name() == source)?,
            partition: raw.get::<i16>(own::PARTITION)?.try_into().ok()?,
            entry: raw.get(own::ENTRY)?,
            reason: raw.get(own::REASON)?,
            fields,
        })
    }
}

/// Puts letters to the others.
pub(super) async fn bury(connection: &mut Shared, letters: &[DeadLetter]) -> RedisResult<()> {
    let mut pipe = redis::pipe();
    for letter in letters {
        let add = pipe
            .cmd("XADD")
            .arg(DEAD_LETTERS)
            .arg("MAXLEN")
            .arg(MAX_DEAD_LETTERS);
        add.arg("*").arg(own::SERVICE).arg(letter.source.name());
        add.arg(own::PARTITION).arg(letter.partition.number());
        add.arg(own::ENTRY).arg(&letter.entry);
        add.arg(own::REASON).arg(&letter.reason);
        for (name, value) in &letter.fields {
            add.arg(format!("{}{name}", own::OF_ENTRY)).arg(value);
        }
        add.ignore();
    }
    pipe.query_async(connection).await
}

/// The oldest letters behind this id, or from the first one on.
pub async fn dead_letters(
    connection: &mut impl AsyncCommands,
    after: Option<&str>,
    most: usize,
) -> RedisResult<Vec<Buried>> {
    let from = after.map_or_else(|| "-".to_owned(), |id| format!("({id}"));
    let reply: StreamRangeReply = connection
        .xrange_count(DEAD_LETTERS, from, "+", most)
        .await?;
    let letters = reply.ids.iter().filter_map(|raw| {
        Some(Buried {
            id: raw.id.clone(),
            letter: DeadLetter::read(raw)?,
        })
    });
    Ok(letters.collect())
}

/// How many there are.
pub async fn count_dead_letters(connection: &mut impl AsyncCommands) -> RedisResult<u64> {
    connection.xlen(DEAD_LETTERS).await
}

/// Adds a letter's entry to its stream again, and takes the letter from the
/// others: the publisher tries once more. The connection is that of the letters.
pub async fn replay(letters: &mut Shared, buried: &Buried) -> RedisResult<()> {
    let letter = &buried.letter;
    let stream = letter.source.stream_key(letter.partition);
    let mut add = redis::cmd("XADD");
    add.arg(&stream).arg("*");
    for (name, value) in &letter.fields {
        add.arg(name).arg(value);
    }
    let _: String = add.query_async(&mut letters.to(&stream)).await?;
    // Behind the addition: a letter may come twice and is never lost.
    let _: u64 = letters.xdel(DEAD_LETTERS, &[&buried.id]).await?;
    Ok(())
}
