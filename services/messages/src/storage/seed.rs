//! A long history for a load test, in bulk.

use chrono::{DateTime, Utc};
use plaza_types::RoomId;
use sqlx::PgConnection;

use crate::domain::Draft;

/// Where a room's messages stand, under the lock of its row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    seq: i64,
    number: i64,
    /// Of the last message; none: there is none yet.
    time: Option<DateTime<Utc>>,
}

/// Locks where a room stands to the end of the transaction.
pub(crate) async fn lock(transaction: &mut PgConnection, room: RoomId) -> sqlx::Result<Head> {
    sqlx::query!(
        "INSERT INTO room_heads (room_id) VALUES ($1) ON CONFLICT DO NOTHING",
        room.uuid(),
    )
    .execute(&mut *transaction)
    .await?;
    let row = sqlx::query!(
        "SELECT last_seq, last_number, last_message_at FROM room_heads
         WHERE room_id = $1 FOR NO KEY UPDATE",
        room.uuid(),
    )
    .fetch_one(transaction)
    .await?;
    Ok(Head {
        seq: row.last_seq,
        number: row.last_number,
        time: row.last_message_at,
    })
}

/// Appends messages to a locked room, without events, and moves its head. A
/// time before the room's last message becomes that message's.
pub(crate) async fn append(
    transaction: &mut PgConnection,
    room: RoomId,
    head: Head,
    messages: &[(Draft, DateTime<Utc>)],
) -> sqlx::Result<()> {
    fn column<T>(messages: &[(Draft, DateTime<Utc>)], value: impl Fn(&Draft) -> T) -> Vec<T> {
        messages.iter().map(|(draft, _)| value(draft)).collect()
    }
    let earliest = head.time.unwrap_or(DateTime::UNIX_EPOCH);
    let times: Vec<_> = messages.iter().map(|(_, at)| (*at).max(earliest)).collect();
    sqlx::query!(
        "INSERT INTO messages (room_id, seq, number, changed_seq, id, author_id,
                               client_message_id, sent_hash, content, created_at)
         SELECT $1, $2::bigint + place, $3::bigint + place, $2::bigint + place, id, author_id,
                client_message_id, sent_hash, content, date_trunc('milliseconds', created_at)
         FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::bytea[], $8::text[], $9::timestamptz[])
              WITH ORDINALITY
              AS new (id, author_id, client_message_id, sent_hash, content, created_at, place)
         ORDER BY place",
        room.uuid(),
        head.seq,
        head.number,
        &column(messages, |draft| draft.id.uuid()),
        &column(messages, |draft| draft.author.id.uuid()),
        &column(messages, |draft| draft
            .client_message_id
            .as_str()
            .to_owned()),
        &column(messages, |draft| draft.sent_hash().to_vec()),
        &column(messages, |draft| draft.content.as_str().to_owned()),
        &times,
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "UPDATE room_heads
         SET last_seq = last_seq + added.count, last_number = last_number + added.count,
             last_message_at = date_trunc('milliseconds', added.last),
             changed_at = clock_timestamp()
         FROM (VALUES ($2::bigint, $3::timestamptz)) AS added (count, last)
         WHERE room_id = $1",
        room.uuid(),
        i64::try_from(messages.len()).unwrap_or(i64::MAX),
        times.last().copied().unwrap_or(earliest),
    )
    .execute(transaction)
    .await?;
    Ok(())
}
