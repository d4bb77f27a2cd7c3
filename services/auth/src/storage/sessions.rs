//! Sessions: a row a signed-in device.

use std::time::Duration;

use chrono::{DateTime, Utc};
use plaza_clients::auth::User;
use plaza_kit::token::Revocation;
use plaza_types::{DeviceName, SessionId, UserId};
use sqlx::{PgConnection, PgExecutor};

use super::{
    revocations,
    users::{Kind, UserRow},
};
use crate::domain::rotation::Standing;

/// How long the row of a session that is over stays, for people who ask what
/// happened.
const KEPT_DAYS: i32 = 7;
/// Rows that one clean-up takes.
const CLEANED_AT_ONCE: i64 = 1_000;

/// A session under its lock, with its user.
pub(crate) struct Locked {
    pub(crate) user: User,
    pub(crate) standing: Standing,
    pub(crate) expires_at: DateTime<Utc>,
}

/// Opens a session at generation 0 and gives when it expires.
pub(crate) async fn open(
    transaction: &mut PgConnection,
    session: SessionId,
    user: UserId,
    device: &DeviceName,
    lifetime: Duration,
) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(
        "INSERT INTO sessions (id, user_id, device, expires_at)
         VALUES ($1, $2, $3, now() + make_interval(secs => $4))
         RETURNING expires_at",
        session.uuid(),
        user.uuid(),
        device.as_str(),
        lifetime.as_secs_f64(),
    )
    .fetch_one(transaction)
    .await
}

/// Locks a session to the end of the transaction and reads it.
pub(crate) async fn lock(
    transaction: &mut PgConnection,
    session: SessionId,
) -> sqlx::Result<Option<Locked>> {
    let row = sqlx::query!(
        r#"SELECT u.id, u.username, u.display_name, u.kind AS "kind: Kind", u.created_at,
                  u.disabled_at IS NOT NULL AS "disabled!",
                  s.generation, s.expires_at,
                  s.revoked_at IS NOT NULL AS "revoked!",
                  s.expires_at <= clock_timestamp() AS "expired!",
                  GREATEST(extract(epoch FROM clock_timestamp() - s.rotated_at), 0)::float8 AS "age_s!"
           FROM sessions s JOIN users u ON u.id = s.user_id
           WHERE s.id = $1
           FOR UPDATE OF s"#,
        session.uuid(),
    )
    .fetch_optional(transaction)
    .await?;
    Ok(row.map(|row| Locked {
        standing: Standing {
            generation: row.generation,
            age: Duration::try_from_secs_f64(row.age_s).unwrap_or(Duration::MAX),
            revoked: row.revoked,
            expired: row.expired,
            disabled: row.disabled,
        },
        expires_at: row.expires_at,
        user: UserRow {
            id: row.id,
            username: row.username,
            display_name: row.display_name,
            kind: row.kind,
            created_at: row.created_at,
        }
        .into(),
    }))
}

/// Moves a locked session to a generation and gives when it now expires.
pub(crate) async fn rotate(
    transaction: &mut PgConnection,
    session: SessionId,
    generation: i64,
    lifetime: Duration,
) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(
        "UPDATE sessions
         SET generation = $2, rotated_at = clock_timestamp(), last_seen_at = clock_timestamp(),
             expires_at = clock_timestamp() + make_interval(secs => $3)
         WHERE id = $1
         RETURNING expires_at",
        session.uuid(),
        generation,
        lifetime.as_secs_f64(),
    )
    .fetch_one(transaction)
    .await
}

/// Ends sessions and says so in the feed; gives how many were not over before.
pub(crate) async fn end(
    transaction: &mut PgConnection,
    sessions: &[SessionId],
) -> sqlx::Result<usize> {
    let mut ids: Vec<_> = sessions.iter().map(|session| session.uuid()).collect();
    ids.sort_unstable();
    // Locked in one order, so that two who end the same sessions never wait
    // for each other.
    let ended = sqlx::query_scalar!(
        "WITH locked AS MATERIALIZED (
             SELECT id FROM sessions WHERE id = ANY($1) AND revoked_at IS NULL
             ORDER BY id FOR UPDATE
         )
         UPDATE sessions SET revoked_at = clock_timestamp()
         FROM locked WHERE sessions.id = locked.id
         RETURNING sessions.id",
        &ids,
    )
    .fetch_all(&mut *transaction)
    .await?;
    if !ended.is_empty() {
        let entries: Vec<_> = ended
            .iter()
            .map(|id| Revocation::Session((*id).into()))
            .collect();
        revocations::append(transaction, &entries).await?;
    }
    Ok(ended.len())
}

/// Deletes some of the sessions that have been over for a week and says how many.
pub(crate) async fn clean_up(database: impl PgExecutor<'_>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM sessions WHERE id IN (
             SELECT id FROM sessions
             WHERE LEAST(expires_at, revoked_at) < now() - make_interval(days => $1)
             LIMIT $2
         )",
        KEPT_DAYS,
        CLEANED_AT_ONCE,
    )
    .execute(database)
    .await?;
    Ok(done.rows_affected())
}
