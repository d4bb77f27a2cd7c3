//! The frame of what one member does to a room or to somebody in it.

use chrono::{DateTime, Utc};
use plaza_clients::rooms::Member;
use plaza_types::{Role, RoomId, UserId};
use sqlx::PgConnection;

use super::{StorageError, Store, change, error::read};
use crate::domain::{Act, Denied, permit, permit_on};

/// Why an act was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    /// There is no such room, or the caller may not see it.
    #[error("there is no such room for the caller")]
    NoSuchRoom,
    /// The caller may not do it.
    #[error("the caller may not do this")]
    Denied(#[from] Denied),
    /// The other is not a member.
    #[error("there is no such member")]
    NoSuchMember,
    /// The other is not banned.
    #[error("there is no such ban")]
    NoSuchBan,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<sqlx::Error> for ActError {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error.into())
    }
}

/// A locked room, and who acts on whom.
pub(super) struct Scene {
    pub(super) locked: change::Locked,
    /// The caller's role; none: no member.
    pub(super) actor: Option<Role>,
    /// The other as a member.
    pub(super) other: Option<Member>,
    pub(super) now: DateTime<Utc>,
}

impl Scene {
    /// The other, who has to be a member.
    pub(super) fn other(&self) -> Result<Member, ActError> {
        self.other.ok_or(ActError::NoSuchMember)
    }
}

/// Locks a room and looks who acts on whom.
pub(super) async fn enter(
    connection: &mut PgConnection,
    room: RoomId,
    actor: UserId,
    other: UserId,
) -> Result<Scene, ActError> {
    let locked = change::lock(connection, room).await?;
    let locked = locked.ok_or(ActError::NoSuchRoom)?;
    // A statement of its own: its snapshot has what was committed during the wait.
    let row = sqlx::query!(
        r#"SELECT (SELECT role::text FROM members WHERE room_id = $1 AND user_id = $2) AS actor,
                  m.role::text AS role, m.joined_at AS "joined_at?", m.muted_until,
                  clock_timestamp() AS "now!"
           FROM (SELECT) AS one LEFT JOIN members AS m ON m.room_id = $1 AND m.user_id = $3"#,
        room.uuid(),
        actor.uuid(),
        other.uuid(),
    )
    .fetch_one(connection)
    .await?;
    let other = match (row.role, row.joined_at) {
        (Some(role), Some(joined_at)) => Some(Member {
            user_id: other,
            role: read("role", &role)?,
            joined_at,
            muted_until: row.muted_until,
        }),
        _ => None,
    };
    let actor = row.actor.map(|role| read("role", &role)).transpose()?;
    Ok(Scene {
        locked,
        actor,
        other,
        now: row.now,
    })
}

impl Store {
    /// Whether a user may do this in a room, by one query whether the room is
    /// there or not. The act asks again under the room's lock.
    pub(crate) async fn may(&self, user: UserId, room: RoomId, act: Act) -> Result<Role, ActError> {
        let role = self.role(user, room).await?;
        Ok(permit(role, act)?)
    }

    /// Whether a user may do this to another, member or not, as of now.
    pub(crate) async fn may_on(
        &self,
        user: UserId,
        room: RoomId,
        act: Act,
        other: UserId,
    ) -> Result<Role, ActError> {
        let role = self.may(user, room, act).await?;
        let other = sqlx::query_scalar!(
            r#"SELECT role::text AS "role!" FROM members WHERE room_id = $1 AND user_id = $2"#,
            room.uuid(),
            other.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        let other = other.map(|other| read("role", &other)).transpose()?;
        Ok(permit_on(Some(role), act, other)?)
    }

    /// A user's role in a room that they may see; none: they are no member.
    pub(crate) async fn role(&self, user: UserId, room: RoomId) -> Result<Option<Role>, ActError> {
        let access = self.access(user, room).await?;
        let access = access.ok_or(ActError::NoSuchRoom)?;
        Ok(access.membership.map(|membership| membership.role))
    }
}
