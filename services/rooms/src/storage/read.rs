//! Rooms as one caller sees them.

use chrono::{DateTime, Utc};
use plaza_clients::rooms::{Access, Membership, Room};
use plaza_types::{Epoch, RoomId, UserId};
use uuid::Uuid;

use super::{
    StorageError, Store,
    error::{position, read},
};

struct RoomRow {
    id: Uuid,
    name: String,
    topic: String,
    visibility: String,
    open: bool,
    fanout: String,
    generation: i64,
    member_count: i64,
    state_version: i64,
    created_at: DateTime<Utc>,
    role: Option<String>,
    joined_at: Option<DateTime<Utc>>,
    muted_until: Option<DateTime<Utc>>,
}

impl RoomRow {
    fn room(self, epoch: Epoch) -> Result<Room, StorageError> {
        Ok(Room {
            id: self.id.into(),
            name: self.name,
            topic: self.topic,
            visibility: read("visibility", &self.visibility)?,
            open: self.open,
            fanout: read("fanout", &self.fanout)?,
            generation: position("generation", self.generation)?,
            member_count: self.member_count,
            online_count: None,
            version: position("state_version", self.state_version)?,
            epoch,
            created_at: self.created_at,
            membership: membership(self.role.as_deref(), self.joined_at, self.muted_until)?,
        })
    }
}

fn membership(
    role: Option<&str>,
    joined_at: Option<DateTime<Utc>>,
    muted_until: Option<DateTime<Utc>>,
) -> Result<Option<Membership>, StorageError> {
    let (Some(role), Some(joined_at)) = (role, joined_at) else {
        return Ok(None);
    };
    Ok(Some(Membership {
        role: read("role", role)?,
        joined_at,
        muted_until,
    }))
}

impl Store {
    /// All rooms that a user is a member of.
    pub(crate) async fn joined(&self, user: UserId) -> Result<Vec<Room>, StorageError> {
        let rows = sqlx::query_as!(
            RoomRow,
            r#"SELECT r.id, r.name, r.topic, r.visibility, r.fanout, r.member_count,
                      r.generation, r.state_version, r.created_at,
                      r.visibility = 'public' AND NOT EXISTS (SELECT FROM bans WHERE room_id = r.id) AS "open!",
                      m.role::text AS role, m.joined_at AS "joined_at?", m.muted_until
               FROM members AS m JOIN rooms AS r ON r.id = m.room_id
               WHERE m.user_id = $1"#,
            user.uuid(),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(|row| row.room(self.epoch)).collect()
    }

    /// Those of these rooms that a user may see, in no promised order.
    pub(crate) async fn lookup(
        &self,
        user: UserId,
        ids: &[RoomId],
    ) -> Result<Vec<Room>, StorageError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let rows = sqlx::query_as!(
            RoomRow,
            r#"SELECT r.id, r.name, r.topic, r.visibility, r.fanout, r.member_count,
                      r.generation, r.state_version, r.created_at,
                      r.visibility = 'public' AND NOT EXISTS (SELECT FROM bans WHERE room_id = r.id) AS "open!",
                      m.role::text AS role, m.joined_at AS "joined_at?", m.muted_until
               FROM rooms AS r LEFT JOIN members AS m ON m.room_id = r.id AND m.user_id = $1
               WHERE r.id = ANY($2) AND (m.user_id IS NOT NULL OR r.visibility = 'public' AND NOT EXISTS (
                          SELECT FROM bans AS b WHERE b.room_id = r.id AND b.user_id = $1
                              AND (b.until IS NULL OR b.until > clock_timestamp())))"#,
            user.uuid(),
            &ids,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(|row| row.room(self.epoch)).collect()
    }

    /// One room that a user may see.
    pub(crate) async fn room(
        &self,
        user: UserId,
        room: RoomId,
    ) -> Result<Option<Room>, StorageError> {
        Ok(self.lookup(user, &[room]).await?.pop())
    }

    /// What a user may do in a room; none: not even see it.
    pub(crate) async fn access(
        &self,
        user: UserId,
        room: RoomId,
    ) -> Result<Option<Access>, StorageError> {
        let row = sqlx::query!(
            r#"SELECT r.visibility,
                      r.visibility = 'public' AND NOT EXISTS (SELECT FROM bans WHERE room_id = r.id) AS "open!",
                      m.role::text AS role, m.joined_at AS "joined_at?", m.muted_until
               FROM rooms AS r LEFT JOIN members AS m ON m.room_id = r.id AND m.user_id = $1
               WHERE r.id = $2 AND (m.user_id IS NOT NULL OR r.visibility = 'public' AND NOT EXISTS (
                          SELECT FROM bans AS b WHERE b.room_id = r.id AND b.user_id = $1
                              AND (b.until IS NULL OR b.until > clock_timestamp())))"#,
            user.uuid(),
            room.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(Access {
                visibility: read("visibility", &row.visibility)?,
                open: row.open,
                membership: membership(row.role.as_deref(), row.joined_at, row.muted_until)?,
            })
        })
        .transpose()
    }
}
