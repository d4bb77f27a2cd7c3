//! The bound on rooms a user.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use plaza_types::UserId;
use sqlx::PgConnection;
use uuid::Uuid;

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

/// As [`reserve`] for many users, whose locks are taken in one order: those who
/// are allowed one more.
pub(super) async fn reserve_all(
    connection: &mut PgConnection,
    users: &[UserId],
    max_rooms: u32,
) -> Result<HashSet<UserId>, StorageError> {
    let users: Vec<Uuid> = users.iter().map(|user| user.uuid()).collect();
    sqlx::query!(
        "SELECT pg_advisory_xact_lock($1, key)
         FROM (SELECT DISTINCT hashtext(id::text) AS key
               FROM UNNEST($2::uuid[]) AS users (id) ORDER BY key OFFSET 0) AS keys",
        LOCK_CLASS,
        &users,
    )
    .execute(&mut *connection)
    .await?;
    let rows = sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM UNNEST($1::uuid[]) AS users (id)
           WHERE (SELECT count(*) FROM members WHERE user_id = id) < $2"#,
        &users,
        i64::from(max_rooms),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}
