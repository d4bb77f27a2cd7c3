//! A long history for a load test, on the database. No network API reaches
//! this, and no event tells of it: seed a room that nobody follows yet.

use std::time::Duration;

use chrono::Utc;
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
    mut content: impl FnMut(u64) -> String,
    mut written: impl FnMut(u64),
) -> Result<(), SeedError> {
    let now = Utc::now();
    let mut authors = history.authors.iter().cycle();
    let mut done = 0;
    while done < history.count {
        let end = history.count.min(done + AT_ONCE);
        let messages = (done..end)
            .map(|place| {
                let age = history.apart.as_secs_f64() * as_f64(history.count - 1 - place);
                let age = chrono::Duration::from_std(Duration::from_secs_f64(age));
                let draft = Draft {
                    room: history.room,
                    author: Person {
                        id: *authors.next().ok_or(SeedError::NoAuthors)?,
                        username: String::new(),
                        display_name: String::new(),
                    },
                    id: MessageId::new(),
                    client_message_id: ClientMessageId::parse(&format!("seed-{place}"))?,
                    content: MessageContent::parse(&content(place))?,
                    reply_to: None,
                };
                Ok((draft, now - age.unwrap_or_default()))
            })
            .collect::<Result<Vec<_>, SeedError>>()?;
        let mut transaction = pool.begin().await?;
        let head = seed::lock(&mut transaction, history.room).await?;
        seed::append(&mut transaction, history.room, head, &messages).await?;
        transaction.commit().await?;
        done = end;
        written(done);
    }
    Ok(())
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
