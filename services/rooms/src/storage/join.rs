use plaza_types::{Person, Role, RoomId, Visibility};

use super::{StorageError, Store, change, quota};
use crate::domain::Change;

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
            None => return Ok(Joined::NoSuchRoom),
            Some(access) if access.membership.is_some() => return Ok(Joined::Already),
            Some(_) => {}
        }
        let mut tx = self.pool.begin().await?;
        let has_room = quota::reserve(&mut tx, user.id, max_rooms).await?.is_some();
        let Some(locked) = change::lock(&mut tx, room).await? else {
            return Ok(Joined::NoSuchRoom);
        };
        if locked.visibility != Visibility::Public {
            return Ok(Joined::NoSuchRoom);
        }
        let joined_at = sqlx::query_scalar!(
            "INSERT INTO members (room_id, user_id, role) VALUES ($1, $2, 'member')
             ON CONFLICT DO NOTHING RETURNING joined_at",
            room.uuid(),
            user.id.uuid(),
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(joined_at) = joined_at else {
            return Ok(Joined::Already);
        };
        if !has_room {
            return Ok(Joined::TooManyRooms);
        }
        let mut change = Change::new(room, self.epoch, locked.counters);
        change.joined(user, Role::Member, joined_at);
        let partition = change::apply(&mut tx, change).await?;
        tx.commit().await?;
        self.relay.wake(partition);
        Ok(Joined::Now)
    }
}
