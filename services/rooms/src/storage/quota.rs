//! The bound on rooms a user.

use chrono::{DateTime, Utc};
use plaza_types::UserId;
use sqlx::PgConnection;

use super::StorageError;

/// First key of the advisory locks by user; the second is a hash of the user.
const LOCK_CLASS: i32 = 0x726f_6f6d;

/// Locks a user's memberships against growing to the end of the transaction,
/// and counts them: the present time while one more is allowed, else none.
pub(super) async fn reserve(
    connection: &mut PgConnection,
    user: UserId,
    max_rooms: u32,
) -> Result<Option<DateTime<Utc>>, StorageError> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock($1, hashtext($2))",
        LOCK_CLASS,
        user.to_string(),
    )
    .execute(&mut *connection)
    .await?;
    // A statement of its own: its snapshot has what was committed during the wait.
    let row = sqlx::query!(
        r#"SELECT count(*) AS "rooms!", clock_timestamp() AS "now!" FROM members WHERE user_id = $1"#,
        user.uuid(),
    )
    .fetch_one(connection)
    .await?;
    Ok((row.rooms < i64::from(max_rooms)).then_some(row.now))
}
