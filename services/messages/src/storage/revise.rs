//! Editing and deleting.

use std::time::Instant;

use chrono::{DateTime, Utc};
use plaza_events::outbox::{self, NewEvent};
use plaza_types::{Message, MessageId, RoomId, Seq};
use sqlx::PgConnection;

use super::{StorageError, Store, row::MessageRow};
use crate::domain::{Deleted, Revision};

/// Why a message was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReviseError {
    /// It is a tombstone.
    #[error(transparent)]
    Deleted(#[from] Deleted),
    /// It is not there.
    #[error("there is no such message")]
    Unknown,
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<sqlx::Error> for ReviseError {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error.into())
    }
}

impl Store {
    /// Changes a message of `room` as the room's next change, and answers its
    /// present state after the commit; what is no change writes nothing.
    pub(crate) async fn revise(
        &self,
        room: RoomId,
        id: MessageId,
        revision: &Revision,
    ) -> Result<Message, ReviseError> {
        let begun = Instant::now();
        let mut transaction = self.pool.begin().await?;
        let (seq, at) = lock(&mut transaction, room).await?;
        let message = read(&mut transaction, room, id).await?;
        let Some(changed) = revision.apply(&message, seq, at)? else {
            return Ok(message);
        };

        write(&mut transaction, &changed, at).await?;
        let event = NewEvent::room(room, revision.event(changed.clone(), self.epoch, at));
        if self.realtime.is_on() {
            outbox::append(&mut transaction, std::slice::from_ref(&event)).await?;
        }
        transaction.commit().await?;

        metrics::histogram!("plaza_messages_commit_duration_seconds", "change" => "revise")
            .record(begun.elapsed().as_secs_f64());
        self.realtime.committed(event.partition());
        Ok(changed)
    }
}

/// Locks the room; answers its next seq and the time of the change, in ms.
async fn lock(
    connection: &mut PgConnection,
    room: RoomId,
) -> Result<(Seq, DateTime<Utc>), ReviseError> {
    let head = sqlx::query!(
        r#"SELECT last_seq, date_trunc('milliseconds', clock_timestamp()) AS "at!"
           FROM room_heads WHERE room_id = $1 FOR NO KEY UPDATE"#,
        room.uuid()
    )
    .fetch_optional(connection)
    .await?
    .ok_or(ReviseError::Unknown)?;
    let last = Seq::try_from(head.last_seq).map_err(StorageError::from)?;
    Ok((last.next(), head.at))
}

async fn read(
    connection: &mut PgConnection,
    room: RoomId,
    id: MessageId,
) -> Result<Message, ReviseError> {
    let row = sqlx::query_as!(
        MessageRow,
        "SELECT id, room_id, seq, number, changed_seq, author_id, content, created_at,
                edited_at, deleted_at, client_message_id, reply_to
         FROM messages WHERE id = $1 AND room_id = $2",
        id.uuid(),
        room.uuid()
    )
    .fetch_optional(connection)
    .await?
    .ok_or(ReviseError::Unknown)?;
    Ok(Message::try_from(row).map_err(StorageError::from)?)
}

async fn write(
    connection: &mut PgConnection,
    message: &Message,
    at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH changed AS (
             UPDATE messages
             SET content = $3, edited_at = $4, deleted_at = $5, changed_seq = $6
             WHERE room_id = $1 AND seq = $2
         )
         UPDATE room_heads SET last_seq = $6, changed_at = $7 WHERE room_id = $1",
        message.room_id.uuid(),
        message.seq.get(),
        message.content,
        message.edited_at,
        message.deleted_at,
        message.changed_seq.get(),
        at
    )
    .execute(connection)
    .await?;
    Ok(())
}
