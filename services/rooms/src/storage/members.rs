use chrono::{DateTime, Utc};
use plaza_clients::rooms::Member;
use plaza_types::{Role, RoomId, UserId};
use uuid::Uuid;

use super::{StorageError, Store, error::read};

/// A place in a room's member list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemberPlace {
    /// Higher ones first.
    pub(crate) role: Role,
    /// Earlier ones first.
    pub(crate) joined_at: DateTime<Utc>,
    /// Lower ones first.
    pub(crate) user: UserId,
}

impl MemberPlace {
    /// Before every member.
    pub(crate) const START: Self = Self {
        role: Role::Owner,
        joined_at: DateTime::UNIX_EPOCH,
        user: UserId(Uuid::nil()),
    };
}

impl From<&Member> for MemberPlace {
    fn from(member: &Member) -> Self {
        Self {
            role: member.role,
            joined_at: member.joined_at,
            user: member.user_id,
        }
    }
}

impl Store {
    /// At most `limit` members of a room behind a place.
    pub(crate) async fn members(
        &self,
        room: RoomId,
        after: MemberPlace,
        limit: i64,
    ) -> Result<Vec<Member>, StorageError> {
        let rows = sqlx::query!(
            r#"SELECT user_id, role::text AS "role!", joined_at, muted_until FROM members
               WHERE room_id = $1
                 AND (role, joined_at, user_id) > (($2::text)::member_role, $3, $4)
               ORDER BY role, joined_at, user_id LIMIT $5"#,
            room.uuid(),
            after.role.as_str(),
            after.joined_at,
            after.user.uuid(),
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Member {
                    user_id: row.user_id.into(),
                    role: read("role", &row.role)?,
                    joined_at: row.joined_at,
                    muted_until: row.muted_until,
                })
            })
            .collect()
    }
}
