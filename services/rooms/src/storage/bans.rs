//! Who is kept out of rooms.

use chrono::{DateTime, Utc};
use plaza_clients::rooms::Ban;
use plaza_types::{RoomId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{StorageError, Store};

/// When a ban ends; none: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BannedUntil(pub(crate) Option<DateTime<Utc>>);

/// A place in a room's list of bans, the latest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BanPlace {
    /// Since when.
    pub(crate) created_at: DateTime<Utc>,
    /// Who.
    pub(crate) user: UserId,
}

impl BanPlace {
    /// Before every ban.
    pub(crate) const START: Self = Self {
        created_at: DateTime::<Utc>::MAX_UTC,
        user: UserId(Uuid::max()),
    };
}

/// The ban of a user that is in force, of a locked room.
pub(super) async fn active(
    connection: &mut PgConnection,
    room: RoomId,
    user: UserId,
) -> Result<Option<BannedUntil>, StorageError> {
    let until = sqlx::query_scalar!(
        "SELECT until FROM bans
         WHERE room_id = $1 AND user_id = $2 AND (until IS NULL OR until > clock_timestamp())",
        room.uuid(),
        user.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(until.map(BannedUntil))
}

/// Forgets the ban of who may come in again.
pub(super) async fn forget(
    connection: &mut PgConnection,
    room: RoomId,
    user: UserId,
) -> Result<(), StorageError> {
    sqlx::query!(
        "DELETE FROM bans WHERE room_id = $1 AND user_id = $2",
        room.uuid(),
        user.uuid(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// The ban of a user from a public room: of a private one they learn nothing.
    pub(super) async fn ban_from_public(
        &self,
        user: UserId,
        room: RoomId,
    ) -> Result<Option<BannedUntil>, StorageError> {
        let until = sqlx::query_scalar!(
            "SELECT b.until FROM bans AS b JOIN rooms AS r ON r.id = b.room_id
             WHERE b.room_id = $1 AND b.user_id = $2 AND r.visibility = 'public'
               AND (b.until IS NULL OR b.until > clock_timestamp())",
            room.uuid(),
            user.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(until.map(BannedUntil))
    }

    /// At most `limit` bans in force behind a place.
    pub(crate) async fn bans(
        &self,
        room: RoomId,
        after: BanPlace,
        limit: i64,
    ) -> Result<Vec<Ban>, StorageError> {
        let rows = sqlx::query!(
            "SELECT user_id, by_id, reason, created_at, until FROM bans
             WHERE room_id = $1 AND (created_at, user_id) < ($2, $3)
               AND (until IS NULL OR until > clock_timestamp())
             ORDER BY created_at DESC, user_id DESC LIMIT $4",
            room.uuid(),
            after.created_at,
            after.user.uuid(),
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        let ban = rows.into_iter().map(|row| Ban {
            user_id: row.user_id.into(),
            by_id: row.by_id.into(),
            reason: row.reason,
            created_at: row.created_at,
            until: row.until,
        });
        Ok(ban.collect())
    }
}
