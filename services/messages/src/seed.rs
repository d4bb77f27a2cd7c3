//! Long histories for a load test, on the database. No network API reaches
//! this, and no event tells of it: seed rooms that nobody follows yet.

use std::{iter, ops::Range, time::Duration};

use chrono::{DateTime, Utc};
use plaza_types::{ClientMessageId, MessageContent, MessageId, Person, RoomId, TextError, UserId};
use sqlx::PgPool;

use crate::{domain::Draft, storage::seed};

/// Messages of one transaction.
const AT_ONCE: u64 = 5_000;

/// Why there is no history, or not all of it: what was written before stays,
/// and the room stands where it ends.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// A message has an author.
    #[error("a history needs at least one author")]
    NoAuthors,
    /// A content breaks its rule.
    #[error("the content of a message is not allowed")]
    Content(#[from] TextError),
    /// The database refused.
    #[error("the messages database did not do it")]
    Database(#[from] sqlx::Error),
}

/// A history to write.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    /// Where.
    pub room: RoomId,
    /// Who wrote it, by turns.
    pub authors: &'a [UserId],
    /// How many messages.
    pub count: u64,
    /// From one to the next; the last is of now.
    pub apart: Duration,
}

/// Appends a history to a room; `content` gives the text of each message. Calls
/// `written` with how many are there.
pub async fn history(
    pool: &PgPool,
    history: History<'_>,
    content: impl FnMut(u64) -> String,
    written: impl FnMut(u64),
) -> Result<(), SeedError> {
    histories(pool, iter::once(history), content, written).await
}

/// The same for many rooms, as many of which go into one transaction as are
/// small. Each history has the same texts.
pub async fn histories<'a>(
    pool: &PgPool,
    histories: impl IntoIterator<Item = History<'a>>,
    mut content: impl FnMut(u64) -> String,
    mut written: impl FnMut(u64),
) -> Result<(), SeedError> {
    let now = Utc::now();
    let mut transaction = pool.begin().await?;
    let (mut all, mut waiting) = (0, 0);
    for history in histories {
        let mut done = 0;
        while done < history.count {
            let end = history.count.min(done + AT_ONCE - waiting);
            let messages = drafts(&history, done..end, now, &mut content)?;
            let head = seed::lock(&mut transaction, history.room).await?;
            seed::append(&mut transaction, history.room, head, &messages).await?;
            waiting += end - done;
            done = end;
            if waiting >= AT_ONCE {
                transaction.commit().await?;
                transaction = pool.begin().await?;
                all += waiting;
                waiting = 0;
                written(all);
            }
        }
    }
    transaction.commit().await?;
    if waiting > 0 {
        written(all + waiting);
    }
    Ok(())
}

/// Some messages of a history.
fn drafts(
    history: &History<'_>,
    places: Range<u64>,
    now: DateTime<Utc>,
    content: &mut impl FnMut(u64) -> String,
) -> Result<Vec<(Draft, DateTime<Utc>)>, SeedError> {
    let authors = history.authors.len() as u64;
    let drafts = places.map(|place| {
        let age = history.apart.as_secs_f64() * as_f64(history.count - 1 - place);
        let age = chrono::Duration::from_std(Duration::from_secs_f64(age));
        let turn = place.checked_rem(authors).ok_or(SeedError::NoAuthors)?;
        let author = history.authors[usize::try_from(turn).unwrap_or_default()];
        let draft = Draft {
            room: history.room,
            author: Person {
                id: author,
                username: String::new(),
                display_name: String::new(),
            },
            id: MessageId::new(),
            client_message_id: ClientMessageId::parse(&format!("seed-{place}"))?,
            content: MessageContent::parse(&content(place))?,
            reply_to: None,
        };
        Ok((draft, now - age.unwrap_or_default()))
    });
    drafts.collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a place in a history of less than 2^53"
)]
const fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use plaza_testkit::Issuer;

    use super::*;
    use crate::testing::Bench;

    #[tokio::test]
    async fn a_room_goes_on_behind_its_seeded_history() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.room(&[&ada, &bob]);
        let seeded = History {
            room,
            authors: &[ada.id, bob.id],
            count: AT_ONCE + 3,
            apart: Duration::from_secs(1),
        };
        let mut heard = Vec::new();
        let text = |place| format!("message {place}");
        history(&bench.pool, seeded, text, |done| heard.push(done))
            .await
            .unwrap();
        assert_eq!(heard, [AT_ONCE, AT_ONCE + 3]);
        assert!(bench.events().await.is_empty(), "the seeding told nobody");

        let message = bench.sent(&ada, room, "c1", "after it").await;
        assert_eq!(message.seq.get(), 5_004);
        assert_eq!(message.number.get(), 5_004);
        let changes = bench.changes(&bob, room, "since=4999&first=10").await;
        let texts: Vec<_> = changes
            .messages
            .iter()
            .map(|message| (message.seq.get(), message.content.as_str()))
            .collect();
        assert_eq!(texts[0], (5_000, "message 4999"));
        assert_eq!(texts[4], (5_004, "after it"));
        assert!(
            changes
                .messages
                .is_sorted_by_key(|message| message.created_at)
        );
    }

    #[tokio::test]
    async fn small_rooms_share_a_transaction_and_each_has_its_own_history() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let rooms: Vec<_> = (0..4).map(|_| bench.room(&[&ada, &bob])).collect();
        let authors = [ada.id, bob.id];
        let counts = [AT_ONCE - 2, 3, 0, 4];
        let seeded = rooms.iter().zip(counts).map(|(room, count)| History {
            room: *room,
            authors: &authors,
            count,
            apart: Duration::from_secs(1),
        });
        let mut heard = Vec::new();
        let text = |place| format!("message {place}");
        histories(&bench.pool, seeded, text, |done| heard.push(done))
            .await
            .unwrap();
        assert_eq!(heard, [AT_ONCE, AT_ONCE + 5]);
        for (room, count) in rooms.iter().zip(counts) {
            let message = bench.sent(&ada, *room, "c1", "after it").await;
            assert_eq!(message.number.get().unsigned_abs(), count + 1);
        }
        let changes = bench.changes(&bob, rooms[1], "since=0&first=10").await;
        let texts = changes
            .messages
            .iter()
            .map(|message| message.content.as_str());
        let expected = ["message 0", "message 1", "message 2", "after it"];
        assert!(texts.eq(expected));
    }

    #[tokio::test]
    async fn a_history_needs_an_author() {
        let bench = Bench::new().await;
        let nobody = History {
            room: RoomId::new(),
            authors: &[],
            count: 1,
            apart: Duration::ZERO,
        };
        let error = history(&bench.pool, nobody, |_| "a".into(), |_| ()).await;
        assert!(matches!(error, Err(SeedError::NoAuthors)));
    }
}
