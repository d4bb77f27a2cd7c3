//! Invitations that can be used: a room's and a user's, and their end.

use std::time::Duration;

use chrono::{DateTime, Utc};
use plaza_clients::rooms::Invitation;
use plaza_types::{InvitationId, RoomId, UserId};
use uuid::Uuid;

use super::{StorageError, Store, error::read};
use crate::domain::{Act, permit};

struct Row {
    id: Uuid,
    room_id: Uuid,
    room_name: String,
    inviter_id: Uuid,
    user_id: Option<Uuid>,
    max_uses: i32,
    uses: i32,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl From<Row> for Invitation {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            room_id: row.room_id.into(),
            room_name: row.room_name,
            inviter_id: row.inviter_id.into(),
            invitee_id: row.user_id.map(Into::into),
            token: None,
            max_uses: row.max_uses,
            uses: row.uses,
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

impl Store {
    /// At most `limit` invitations of a room, the newest first, older than one.
    pub(crate) async fn invitations(
        &self,
        room: RoomId,
        before: InvitationId,
        limit: i64,
    ) -> Result<Vec<Invitation>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT i.id, i.room_id, r.name AS room_name, i.inviter_id, i.user_id, i.max_uses,
                    i.uses, i.created_at, i.expires_at
             FROM invitations AS i JOIN rooms AS r ON r.id = i.room_id
             WHERE i.room_id = $1 AND i.id < $2
               AND i.uses < i.max_uses AND i.expires_at > clock_timestamp()
             ORDER BY i.id DESC LIMIT $3",
            room.uuid(),
            before.uuid(),
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// At most `limit` invitations of a user by name, the newest first, older than one.
    pub(crate) async fn invitations_of(
        &self,
        user: UserId,
        before: InvitationId,
        limit: i64,
    ) -> Result<Vec<Invitation>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT i.id, i.room_id, r.name AS room_name, i.inviter_id, i.user_id, i.max_uses,
                    i.uses, i.created_at, i.expires_at
             FROM invitations AS i JOIN rooms AS r ON r.id = i.room_id
             WHERE i.user_id = $1 AND i.id < $2
               AND i.uses < i.max_uses AND i.expires_at > clock_timestamp()
             ORDER BY i.id DESC LIMIT $3",
            user.uuid(),
            before.uuid(),
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Ends an invitation, of who is invited by it or of a room where the user
    /// may invite. Answers whether there was one.
    pub(crate) async fn revoke_invitation(
        &self,
        user: UserId,
        invitation: InvitationId,
    ) -> Result<bool, StorageError> {
        let found = sqlx::query!(
            "SELECT i.user_id = $2 AS own, m.role::text AS role
             FROM invitations AS i
             LEFT JOIN members AS m ON m.room_id = i.room_id AND m.user_id = $2
             WHERE i.id = $1",
            invitation.uuid(),
            user.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else {
            return Ok(false);
        };
        let role = found.role.map(|role| read("role", &role)).transpose()?;
        if found.own != Some(true) && permit(role, Act::Invite).is_err() {
            return Ok(false);
        }
        sqlx::query!("DELETE FROM invitations WHERE id = $1", invitation.uuid())
            .execute(&self.pool)
            .await?;
        Ok(true)
    }

    /// Forgets invitations that ended longer ago than `keep`; answers how many.
    pub(crate) async fn forget_invitations(&self, keep: Duration) -> Result<u64, StorageError> {
        let gone = sqlx::query!(
            "DELETE FROM invitations
             WHERE expires_at < clock_timestamp() - make_interval(secs => $1)",
            keep.as_secs_f64(),
        )
        .execute(&self.pool)
        .await?;
        Ok(gone.rows_affected())
    }
}
