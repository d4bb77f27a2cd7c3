//! How many people have a room open, as Centrifugo said.

use std::time::Duration;

use plaza_types::RoomId;
use uuid::Uuid;

use super::{StorageError, Store};

/// How long a count is good (s); after half of it, it is written again though
/// it is the same.
pub(super) const GOOD_S: f64 = 120.0;

impl Store {
    /// Whether it is this replica's turn to ask, `every` so often one of all.
    pub(crate) async fn takes_online_turn(&self, every: Duration) -> Result<bool, StorageError> {
        let turn = sqlx::query!(
            "UPDATE online_turn SET asked_at = clock_timestamp()
             WHERE asked_at < clock_timestamp() - make_interval(secs => $1)",
            every.as_secs_f64(),
        )
        .execute(&self.pool)
        .await?;
        Ok(turn.rows_affected() == 1)
    }

    /// Takes the counts of all rooms that anybody has open; gives those that
    /// changed.
    pub(crate) async fn set_online(
        &self,
        counts: &[(RoomId, i64)],
    ) -> Result<Vec<(RoomId, i64)>, StorageError> {
        let (rooms, counts): (Vec<Uuid>, Vec<i64>) = counts
            .iter()
            .map(|(room, count)| (room.uuid(), *count))
            .unzip();
        let rows = sqlx::query!(
            r#"WITH now AS (
                   SELECT * FROM UNNEST($1::uuid[], $2::bigint[]) AS now (room_id, count)
               ), empty AS (
                   DELETE FROM online WHERE NOT EXISTS (
                       SELECT FROM now WHERE now.room_id = online.room_id)
               ), before AS (
                   SELECT room_id, count, counted_at FROM online
               ), kept AS (
                   INSERT INTO online (room_id, count)
                   SELECT now.room_id, now.count FROM now LEFT JOIN before USING (room_id)
                   WHERE before.count IS DISTINCT FROM now.count
                      OR before.counted_at < clock_timestamp() - make_interval(secs => $3::float8 / 2)
                   ORDER BY now.room_id
                   ON CONFLICT (room_id) DO UPDATE
                   SET count = EXCLUDED.count, counted_at = EXCLUDED.counted_at
               )
               SELECT now.room_id AS "room_id!", now.count AS "count!"
               FROM now LEFT JOIN before USING (room_id)
               WHERE before.count IS DISTINCT FROM now.count"#,
            &rooms,
            &counts,
            GOOD_S,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (row.room_id.into(), row.count))
            .collect())
    }
}
