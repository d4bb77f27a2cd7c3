//! Sessions: a row a signed-in device.

use std::time::Duration;

use chrono::{DateTime, Utc};
use plaza_clients::auth::{DeviceSession, MAX_SESSIONS, User};
use plaza_kit::token::Revocation;
use plaza_types::{DeviceName, SessionId, UserId};
use sqlx::{PgConnection, PgExecutor};

use super::{
    endings, revocations,
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
    pub(crate) synthetic: bool,
    pub(crate) standing: Standing,
    pub(crate) expires_at: DateTime<Utc>,
}

/// Opens a session at generation 0 and gives when it expires; none when the
/// account is gone or disabled. The account cannot be disabled before this
/// transaction ends, so that who disables it sees every session.
pub(crate) async fn open(
    transaction: &mut PgConnection,
    session: SessionId,
    user: UserId,
    device: &DeviceName,
    lifetime: Duration,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        "WITH account AS MATERIALIZED (
             SELECT id FROM users WHERE id = $2 AND disabled_at IS NULL FOR SHARE
         )
         INSERT INTO sessions (id, user_id, device, expires_at)
         SELECT $1, id, $3, now() + make_interval(secs => $4) FROM account
         RETURNING expires_at",
        session.uuid(),
        user.uuid(),
        device.as_str(),
        lifetime.as_secs_f64(),
    )
    .fetch_optional(transaction)
    .await
}

/// A user's sessions that are not over, the one used last first; `current` is
/// the one that asks.
pub(crate) async fn of_user(
    database: impl PgExecutor<'_>,
    user: UserId,
    current: SessionId,
) -> sqlx::Result<Vec<DeviceSession>> {
    let rows = sqlx::query!(
        "SELECT id, device, created_at, last_seen_at FROM sessions
         WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now()
         ORDER BY last_seen_at DESC, id DESC
         LIMIT $2",
        user.uuid(),
        i64::try_from(MAX_SESSIONS).unwrap_or(i64::MAX),
    )
    .fetch_all(database)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DeviceSession {
            id: row.id.into(),
            device: row.device,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            current: row.id == current.uuid(),
        })
        .collect())
}

/// Whether a session, over or not, is this user's.
pub(crate) async fn is_of(
    database: impl PgExecutor<'_>,
    session: SessionId,
    user: UserId,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM sessions WHERE id = $1 AND user_id = $2) AS "is!""#,
        session.uuid(),
        user.uuid(),
    )
    .fetch_one(database)
    .await
}

/// The sessions of a user that were not ended.
pub(crate) async fn open_of(
    transaction: &mut PgConnection,
    user: UserId,
) -> sqlx::Result<Vec<SessionId>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL",
        user.uuid(),
    )
    .fetch_all(transaction)
    .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// Locks a session to the end of the transaction and reads it.
pub(crate) async fn lock(
    transaction: &mut PgConnection,
    session: SessionId,
) -> sqlx::Result<Option<Locked>> {
    let row = sqlx::query!(
        r#"SELECT u.id, u.username, u.display_name, u.kind AS "kind: Kind", u.created_at,
                  u.disabled_at IS NOT NULL AS "disabled!", u.synthetic,
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
        synthetic: row.synthetic,
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

/// Ends sessions, says so in the feed and notes that their connections have to
/// be closed; gives how many were not over before.
pub(crate) async fn end(
    transaction: &mut PgConnection,
    sessions: &[SessionId],
) -> sqlx::Result<usize> {
    let mut ids: Vec<_> = sessions.iter().map(|session| session.uuid()).collect();
    ids.sort_unstable();
    // Locked in one order, so that two who end the same sessions never wait
    // for each other.
    let ended = sqlx::query!(
        "WITH locked AS MATERIALIZED (
             SELECT id FROM sessions WHERE id = ANY($1) AND revoked_at IS NULL
             ORDER BY id FOR UPDATE
         )
         UPDATE sessions SET revoked_at = clock_timestamp()
         FROM locked WHERE sessions.id = locked.id
         RETURNING sessions.id, sessions.user_id",
        &ids,
    )
    .fetch_all(&mut *transaction)
    .await?;
    if !ended.is_empty() {
        let users: Vec<_> = ended.iter().map(|row| row.user_id.into()).collect();
        endings::append(transaction, &users).await?;
        let entries: Vec<_> = ended
            .iter()
            .map(|row| Revocation::Session(row.id.into()))
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
