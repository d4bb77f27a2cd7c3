//! Messages by id.

use plaza_types::{Message, MessageId};
use uuid::Uuid;

use super::{StorageError, Store, row::MessageRow};

impl Store {
    /// Messages by id, in the order of the ids; unknown ones are left out. The
    /// caller has yet to be checked against their rooms.
    pub(crate) async fn messages(&self, ids: &[MessageId]) -> Result<Vec<Message>, StorageError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let rows = sqlx::query_as!(
            MessageRow,
            "SELECT id, room_id, seq, number, changed_seq, author_id, content, created_at,
                    edited_at, deleted_at, client_message_id, reply_to
             FROM messages WHERE id = ANY ($1)
             ORDER BY array_position($1, id)",
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(Message::try_from)
            .collect::<Result<_, _>>()?)
    }
}
