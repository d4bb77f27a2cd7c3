//! Read marks.

use chrono::{DateTime, Utc};
use plaza_events::{
    Body, Event,
    outbox::{self, NewEvent},
};
use plaza_types::{Number, RoomId, UserId};

use super::{StorageError, Store};

impl Store {
    /// Moves the reader's mark up to `number`, the head at most; none: to the
    /// head. A mark only grows, and the first one begins at the head. One that
    /// moved is told to the reader's other tabs.
    pub(crate) async fn mark_read(
        &self,
        reader: UserId,
        room: RoomId,
        number: Option<Number>,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let mut transaction = self.pool.begin().await?;
        let moved = sqlx::query_scalar!(
            r#"
            INSERT INTO read_state AS mark (user_id, room_id, read_number)
            SELECT $1, $2, coalesce((SELECT last_number FROM room_heads WHERE room_id = $2), 0)
            ON CONFLICT (user_id, room_id) DO UPDATE
            SET read_number = least(excluded.read_number, coalesce($3, excluded.read_number))
            WHERE mark.read_number
                < least(excluded.read_number, coalesce($3, excluded.read_number))
            RETURNING read_number
            "#,
            reader.uuid(),
            room.uuid(),
            number.map(Number::get)
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(moved) = moved else {
            return Ok(());
        };
        let number = moved.try_into()?;
        let event = NewEvent::user(
            reader,
            Event {
                room: Some(room),
                epoch: self.epoch,
                time: at,
                body: Body::Read { number },
            },
        );
        if self.realtime.is_on() {
            outbox::append(&mut transaction, std::slice::from_ref(&event)).await?;
        }
        transaction.commit().await?;
        self.realtime.committed(event.partition());
        Ok(())
    }
}
