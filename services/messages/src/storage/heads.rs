//! Where rooms stand for one reader.

use plaza_clients::messages::Head;
use plaza_types::{Message, RoomId, UserId};
use uuid::Uuid;

use super::{StorageError, Store, row::joined};

impl Store {
    /// Heads, last messages and the reader's marks of many rooms in one query,
    /// one entry a room. With `joined`, a room without a mark gets one at its
    /// head. The reader may read the rooms.
    pub(crate) async fn heads(
        &self,
        reader: UserId,
        rooms: &[RoomId],
        joined: bool,
    ) -> Result<Vec<Head>, StorageError> {
        let rooms: Vec<Uuid> = rooms.iter().map(|room| room.uuid()).collect();
        let rows = sqlx::query!(
            r#"
            WITH asked AS (
                SELECT room_id, min(place) AS place
                FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (room_id, place)
                GROUP BY room_id
            ), marked AS (
                INSERT INTO read_state (user_id, room_id, read_number)
                SELECT $2, asked.room_id, coalesce(head.last_number, 0)
                FROM asked LEFT JOIN room_heads AS head USING (room_id)
                WHERE $3 AND NOT EXISTS (
                    SELECT FROM read_state
                    WHERE read_state.user_id = $2 AND read_state.room_id = asked.room_id
                )
                ORDER BY asked.room_id
                ON CONFLICT DO NOTHING
            )
            SELECT asked.room_id AS "room_id!",
                   installation.epoch,
                   coalesce(head.last_seq, 0) AS "last_seq!",
                   coalesce(head.last_number, 0) AS "last_number!",
                   coalesce(mark.read_number, head.last_number, 0) AS "read_number!",
                   head.last_message_at AS "last_message_at?",
                   message.id AS "id?", message.seq AS "seq?", message.number AS "number?",
                   message.changed_seq AS "changed_seq?", message.author_id AS "author_id?",
                   message.content AS "content?", message.created_at AS "created_at?",
                   message.edited_at AS "edited_at?", message.deleted_at AS "deleted_at?",
                   message.client_message_id AS "client_message_id?",
                   message.reply_to AS "reply_to?"
            FROM asked
            CROSS JOIN installation
            LEFT JOIN room_heads AS head USING (room_id)
            LEFT JOIN read_state AS mark
                ON mark.user_id = $2 AND mark.room_id = asked.room_id
            LEFT JOIN LATERAL (
                SELECT * FROM messages WHERE messages.room_id = asked.room_id
                ORDER BY messages.seq DESC LIMIT 1
            ) AS message ON true
            ORDER BY asked.place
            "#,
            &rooms,
            reader.uuid(),
            joined
        )
        .fetch_all(&self.pool)
        .await?;

        rows.into_iter()
            .map(|row| {
                let message = joined!(row, row.room_id);
                Ok(Head {
                    room_id: row.room_id.into(),
                    head_seq: row.last_seq.try_into()?,
                    last_number: row.last_number.try_into()?,
                    read_number: row.read_number.try_into()?,
                    last_message_at: row.last_message_at,
                    last_message: message.map(Message::try_from).transpose()?,
                    epoch: row.epoch.into(),
                })
            })
            .collect()
    }
}
