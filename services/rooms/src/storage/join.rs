use chrono::{DateTime, Utc};
use plaza_types::{Person, Role, RoomId, UserId, Visibility};
use sqlx::PgConnection;

use super::{BannedUntil, StorageError, Store, bans, change, quota};

/// What came of a join.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// The user is a member now.
    Now,
    /// The user was one before; nothing changed.
    Already,
    /// There is no such room, or it is not open to everybody.
    NoSuchRoom,
    /// The user is in too many rooms.
    TooManyRooms,
    /// The user is kept out of a public room.
    Banned(BannedUntil),
}

impl Store {
    /// Makes a user a member of a public room.
    pub(crate) async fn join(
        &self,
        user: Person,
        room: RoomId,
        max_rooms: u32,
    ) -> Result<Joined, StorageError> {
        // Most repeated joins end here, without a lock.
        match self.access(user.id, room).await? {
            None => {
                let ban = self.ban_from_public(user.id, room).await?;
                return Ok(ban.map_or(Joined::NoSuchRoom, Joined::Banned));
            }
            Some(access) if access.membership.is_some() => return Ok(Joined::Already),
            Some(_) => {}
        }
        let mut tx = self.pool.begin().await?;
        let has_room = quota::reserve(&mut tx, user.id, max_rooms).await?.is_some();
        let Some(locked) = change::lock(&mut tx, room).await? else {
            return Ok(Joined::NoSuchRoom);
        };
        if locked.channels.visibility != Visibility::Public {
            return Ok(Joined::NoSuchRoom);
        }
        if let Some(ban) = bans::active(&mut tx, room, user.id).await? {
            return Ok(Joined::Banned(ban));
        }
        let Some(joined_at) = seat(&mut tx, room, user.id).await? else {
            return Ok(Joined::Already);
        };
        if !has_room {
            return Ok(Joined::TooManyRooms);
        }
        let mut change = self.change(room, &locked);
        change.joined(user, Role::Member, joined_at);
        let partition = change::apply(&mut tx, change).await?;
        tx.commit().await?;
        self.relay.wake(partition);
        Ok(Joined::Now)
    }
}

/// Makes a user a member of a locked room; none: they are one already. A ban
/// whose time is over is forgotten.
pub(super) async fn seat(
    connection: &mut PgConnection,
    room: RoomId,
    user: UserId,
) -> Result<Option<DateTime<Utc>>, StorageError> {
    let joined_at = sqlx::query_scalar!(
        "INSERT INTO members (room_id, user_id, role) VALUES ($1, $2, 'member')
         ON CONFLICT DO NOTHING RETURNING joined_at",
        room.uuid(),
        user.uuid(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    if joined_at.is_some() {
        bans::forget(connection, room, user).await?;
    }
    Ok(joined_at)
}
