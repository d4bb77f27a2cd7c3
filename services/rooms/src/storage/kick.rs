use plaza_events::LeaveReason;
use plaza_types::{Person, RoomId, UserId, Visibility};
use sqlx::PgConnection;

use super::{ActError, StorageError, Store, acting, change, removals};
use crate::domain::{Act, permit_on};

impl Store {
    /// Ends a membership; links that the person made end with it.
    pub(crate) async fn kick(
        &self,
        actor: UserId,
        room: RoomId,
        other: Person,
    ) -> Result<(), ActError> {
        let mut tx = self.pool.begin().await?;
        let scene = acting::enter(&mut tx, room, actor, other.id).await?;
        let role = scene.other.map(|member| member.role);
        permit_on(scene.actor, Act::Kick, role)?;
        scene.other()?;
        let user = other.id;
        let mut change = self.change(room, &scene.locked);
        unseat(&mut tx, room, user).await?;
        change.left(other, LeaveReason::Kicked, scene.now);
        let partition = change::apply(&mut tx, change).await?;
        if scene.locked.channels.visibility == Visibility::Private {
            self.end_subscriptions(&mut tx, room, user, scene.locked.channels)
                .await?;
        }
        // Last: from here to the commit every other removal waits.
        let removed = [(user, Some(LeaveReason::Kicked))];
        removals::record(&mut tx, room, &removed).await?;
        tx.commit().await?;
        self.access_ended(room, Some(user));
        self.relay.wake(partition);
        Ok(())
    }
}

/// Takes a member of a locked room away, and the ways in that they made.
pub(super) async fn unseat(
    connection: &mut PgConnection,
    room: RoomId,
    user: UserId,
) -> Result<(), StorageError> {
    sqlx::query!(
        "WITH ways AS (DELETE FROM invitations WHERE room_id = $1 AND inviter_id = $2)
         DELETE FROM members WHERE room_id = $1 AND user_id = $2",
        room.uuid(),
        user.uuid(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
