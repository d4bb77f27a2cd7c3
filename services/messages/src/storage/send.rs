//! Accepting messages.

use std::{collections::HashSet, sync::Arc, time::Instant};

use plaza_events::{Event, Partition};
use plaza_kit::{db, trace};
use plaza_types::{Message, MessageId};
use sqlx::types::Json;
use uuid::Uuid;

use super::{SharedError, StorageError, Store, row::joined};
use crate::domain::Draft;

/// Most messages that are committed together.
pub(super) const GROUP: usize = 256;

/// What became of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Accepted now.
    Created(Message),
    /// Accepted earlier under the same id; its present state.
    Repeated(Message),
    /// The id stands for other content.
    Conflict,
    /// What it answers is not a message of its room.
    NoSuchReply,
}

impl Store {
    /// Accepts a message, together with whatever arrives while those before it
    /// are committed. Nothing is delayed for it.
    pub(crate) async fn accept(&self, draft: Draft) -> Result<Sent, StorageError> {
        let store = self.clone();
        let work = move |drafts: Vec<Draft>| {
            let store = store.clone();
            async move { store.send_group(&drafts).await }
        };
        let outcome = self.sends.run(partition(&draft), draft, work).await?;
        outcome.map_err(StorageError::Shared)
    }

    /// A group in one transaction; should it fail, each in its own, so that
    /// only the bad one fails.
    async fn send_group(&self, drafts: &[Draft]) -> Vec<Result<Sent, SharedError>> {
        #[expect(clippy::cast_precision_loss, reason = "a bounded count")]
        metrics::histogram!("plaza_messages_sends_together").record(drafts.len() as f64);
        let error = match self.send(drafts).await {
            Ok(sent) => return sent.into_iter().map(Ok).collect(),
            Err(error) => error,
        };
        let is_away = matches!(&error, StorageError::Database(cause) if db::is_unavailable(cause));
        let error = Arc::new(error);
        if is_away || drafts.len() == 1 {
            return vec![Err(error); drafts.len()];
        }
        tracing::warn!(
            error = plaza_kit::http::chain(&*error),
            sends = drafts.len(),
            "sends could not be committed together, trying each alone"
        );
        let mut outcomes = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let sent = self.send(std::slice::from_ref(draft)).await;
            let lacking = StorageError::Missing("an outcome of a send");
            let sent = sent.and_then(|mut sent| sent.pop().ok_or(lacking));
            outcomes.push(sent.map_err(Arc::new));
        }
        outcomes
    }

    /// Accepts a group of messages, in its order, in one transaction and one
    /// round trip; answers one outcome a draft after the commit. A bad draft
    /// fails alone.
    pub(crate) async fn send(&self, drafts: &[Draft]) -> Result<Vec<Sent>, StorageError> {
        let begun = Instant::now();
        let sent = self.commit(drafts).await?;
        metrics::histogram!("plaza_messages_commit_duration_seconds", "change" => "send")
            .record(begun.elapsed().as_secs_f64());

        let created = |sent: &&Sent| matches!(sent, Sent::Created(_));
        let count = sent.iter().filter(created).count() as u64;
        metrics::counter!("plaza_messages_accepted_total").increment(count);
        let accepted = drafts.iter().zip(&sent).filter(|(_, sent)| created(sent));
        let told: HashSet<Partition> = accepted.map(|(draft, _)| partition(draft)).collect();
        for partition in told {
            self.realtime.committed(partition);
        }
        Ok(sent)
    }

    async fn commit(&self, drafts: &[Draft]) -> Result<Vec<Sent>, StorageError> {
        fn column<T>(drafts: &[Draft], value: impl Fn(&Draft) -> T) -> Vec<T> {
            drafts.iter().map(value).collect()
        }
        let traceparent = trace::current();
        let event = |draft: &Draft| self.realtime.is_on().then(|| Json(draft.event(self.epoch)));
        // All rows are awaited, and with them the end of the transaction: a
        // commit that fails comes after the rows.
        let rows = sqlx::query!(
            r#"
            SELECT outcome AS "outcome!",
                   (message).room_id AS "room_id?",
                   (message).id AS "id?",
                   (message).seq AS "seq?",
                   (message).number AS "number?",
                   (message).changed_seq AS "changed_seq?",
                   (message).author_id AS "author_id?",
                   (message).content AS "content?",
                   (message).created_at AS "created_at?",
                   (message).edited_at AS "edited_at?",
                   (message).deleted_at AS "deleted_at?",
                   (message).client_message_id AS "client_message_id?",
                   (message).reply_to AS "reply_to?"
            FROM send_messages($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ORDER BY place
            "#,
            &column(drafts, |draft| draft.room.uuid()),
            &column(drafts, |draft| draft.author.id.uuid()),
            &column(drafts, |draft| draft.id.uuid()),
            &column(drafts, |draft| draft.client_message_id.as_str().to_owned()),
            &column(drafts, |draft| draft.sent_hash().to_vec()),
            &column(drafts, |draft| draft.content.as_str().to_owned()),
            &column(drafts, |draft| draft.reply_to.map(MessageId::uuid)) as &[Option<Uuid>],
            &column(drafts, |draft| partition(draft).number()),
            &column(drafts, event) as &[Option<Json<Event>>],
            &column(drafts, |_| traceparent.clone()) as &[Option<String>],
        )
        .fetch_all(&self.pool)
        .await?;

        rows.into_iter()
            .map(|row| {
                let message = row.room_id.and_then(|room| joined!(row, room));
                let message = message.map(Message::try_from).transpose()?;
                match (row.outcome.as_str(), message) {
                    ("created", Some(message)) => Ok(Sent::Created(message)),
                    ("repeated", Some(message)) => Ok(Sent::Repeated(message)),
                    ("conflict", _) => Ok(Sent::Conflict),
                    ("no_such_reply", _) => Ok(Sent::NoSuchReply),
                    _ => Err(StorageError::Missing("an outcome of a send")),
                }
            })
            .collect()
    }
}

fn partition(draft: &Draft) -> Partition {
    Partition::of(&draft.room.to_string())
}
