use plaza_events::LeaveReason;
use plaza_types::{RoomId, UserId};
use sqlx::PgConnection;

use super::{ActError, StorageError, Store, acting, change, removals};
use crate::domain::{Act, nameless, permit};

impl Store {
    /// Deletes a room. Every member is told, by id alone: nobody is left who
    /// would read their names.
    pub(crate) async fn delete(&self, actor: UserId, room: RoomId) -> Result<(), ActError> {
        let mut tx = self.pool.begin().await?;
        let scene = acting::enter(&mut tx, room, actor, actor).await?;
        permit(scene.actor, Act::Delete)?;
        let members = sqlx::query_scalar!(
            "SELECT user_id FROM members WHERE room_id = $1 ORDER BY role, joined_at, user_id",
            room.uuid(),
        )
        .fetch_all(&mut *tx)
        .await?;
        let mut change = self.change(room, &scene.locked);
        for user in members {
            change.left(nameless(user.into()), LeaveReason::RoomDeleted, scene.now);
        }
        let partition = change::apply(&mut tx, change).await?;
        erase(&mut tx, room).await?;
        // Last: from here to the commit every other removal waits.
        removals::record_all(&mut tx, room).await?;
        tx.commit().await?;
        self.access_ended(room, None);
        self.relay.wake(partition);
        Ok(())
    }
}

/// Takes a room and all that hangs on it out of the database.
pub(super) async fn erase(connection: &mut PgConnection, room: RoomId) -> Result<(), StorageError> {
    sqlx::query!("DELETE FROM rooms WHERE id = $1", room.uuid())
        .execute(connection)
        .await?;
    Ok(())
}
