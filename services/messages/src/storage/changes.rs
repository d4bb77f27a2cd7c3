//! What changed after a position.

use plaza_clients::messages::Changes;
use plaza_types::{Message, RoomId};

use super::{StorageError, Store, row::joined};
use crate::domain::{ChangesWindow, MAX_CHANGES};

impl Store {
    /// The messages of a room that changed after a position, with the head
    /// and the epoch, read in one statement. The caller may read the room.
    pub(crate) async fn changes(
        &self,
        room: RoomId,
        window: ChangesWindow,
    ) -> Result<Changes, StorageError> {
        let rows = sqlx::query!(
            r#"
            SELECT installation.epoch,
                   coalesce(head.last_seq, 0) AS "last_seq!",
                   missing.count AS "missing!",
                   id AS "id?", seq AS "seq?", number AS "number?",
                   changed_seq AS "changed_seq?", author_id AS "author_id?",
                   content AS "content?", created_at AS "created_at?",
                   edited_at AS "edited_at?", deleted_at AS "deleted_at?",
                   client_message_id AS "client_message_id?", reply_to AS "reply_to?"
            FROM installation
            CROSS JOIN (
                SELECT count(*) FROM (
                    SELECT FROM messages WHERE room_id = $1 AND changed_seq > $2 LIMIT $4::bigint + 1
                ) AS counted
            ) AS missing
            LEFT JOIN room_heads AS head ON head.room_id = $1
            LEFT JOIN LATERAL (
                SELECT * FROM messages
                WHERE room_id = $1 AND changed_seq > $2 AND missing.count <= $4::bigint
                ORDER BY changed_seq LIMIT $3
            ) AS message ON true
            ORDER BY message.changed_seq
            "#,
            room.uuid(),
            window.since.get(),
            i64::from(window.limit),
            i64::from(MAX_CHANGES)
        )
        .fetch_all(&self.pool)
        .await?;

        let head = rows.first().ok_or(StorageError::Missing("the epoch"))?;
        let (epoch, missing) = (head.epoch.into(), head.missing);
        let head_seq = head.last_seq.try_into()?;
        let messages = rows
            .into_iter()
            .filter_map(|row| joined!(row, room.uuid()))
            .map(Message::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(window.answer(head_seq, missing, messages, epoch))
    }
}
