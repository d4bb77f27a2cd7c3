//! Pages of history.

use plaza_clients::messages::HistoryPage;
use plaza_types::{Message, RoomId};

use super::{StorageError, Store, row::joined};
use crate::domain::{Direction, Window, page};

impl Store {
    /// A page of a room's history with the head and the epoch, read in one
    /// statement. The caller may read the room.
    pub(crate) async fn history(
        &self,
        room: RoomId,
        window: Window,
    ) -> Result<HistoryPage, StorageError> {
        let (forwards, place) = match window.direction {
            Direction::After(seq) => (true, seq.map_or(0, Into::into)),
            Direction::Before(seq) => (false, seq.map_or(i64::MAX, Into::into)),
        };
        // The head comes without messages too, in a row of its own.
        let rows = sqlx::query!(
            r#"
            SELECT installation.epoch,
                   coalesce(head.last_seq, 0) AS "last_seq!",
                   coalesce(head.last_number, 0) AS "last_number!",
                   id AS "id?", seq AS "seq?", number AS "number?",
                   changed_seq AS "changed_seq?", author_id AS "author_id?",
                   content AS "content?", created_at AS "created_at?",
                   edited_at AS "edited_at?", deleted_at AS "deleted_at?",
                   client_message_id AS "client_message_id?", reply_to AS "reply_to?"
            FROM installation
            LEFT JOIN room_heads AS head ON head.room_id = $1
            LEFT JOIN LATERAL (
                (SELECT * FROM messages WHERE $2 AND room_id = $1 AND seq > $3
                 ORDER BY seq LIMIT $4)
                UNION ALL
                (SELECT * FROM messages WHERE NOT $2 AND room_id = $1 AND seq < $3
                 ORDER BY seq DESC LIMIT $4)
            ) AS message ON true
            ORDER BY message.seq
            "#,
            room.uuid(),
            forwards,
            place,
            i64::from(window.limit)
        )
        .fetch_all(&self.pool)
        .await?;

        let head = rows.first().ok_or(StorageError::Missing("the epoch"))?;
        let epoch = head.epoch.into();
        let head_seq = head.last_seq.try_into()?;
        let last_number = head.last_number.try_into()?;
        let messages = rows
            .into_iter()
            .filter_map(|row| joined!(row, room.uuid()))
            .map(Message::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(HistoryPage {
            page: page(window, last_number, messages),
            head_seq,
            epoch,
        })
    }
}
