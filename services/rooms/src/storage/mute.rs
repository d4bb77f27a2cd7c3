use chrono::{DateTime, Utc};
use plaza_clients::rooms::Member;
use plaza_types::{Person, RoomId, UserId};

use super::{ActError, Store, acting, change, removals};
use crate::domain::{Act, permit_on};

impl Store {
    /// Lets a member read only until then; none: they may write again.
    pub(crate) async fn mute(
        &self,
        actor: UserId,
        room: RoomId,
        other: Person,
        until: Option<DateTime<Utc>>,
    ) -> Result<Member, ActError> {
        let mut tx = self.pool.begin().await?;
        let scene = acting::enter(&mut tx, room, actor, other.id).await?;
        let role = scene.other.map(|member| member.role);
        permit_on(scene.actor, Act::Mute, role)?;
        let member = scene.other()?;
        if member.muted_until == until {
            return Ok(member);
        }
        // As it is stored: to the microsecond.
        let muted_until = sqlx::query_scalar!(
            "UPDATE members SET muted_until = $3 WHERE room_id = $1 AND user_id = $2
             RETURNING muted_until",
            room.uuid(),
            other.id.uuid(),
            until,
        )
        .fetch_one(&mut *tx)
        .await?;
        let mut change = self.change(room, &scene.locked);
        change.member_state(other, member.role, muted_until, scene.now);
        let partition = change::apply(&mut tx, change).await?;
        // Last: from here to the commit every other removal waits.
        removals::record(&mut tx, room, &[(member.user_id, None)]).await?;
        tx.commit().await?;
        self.access_ended(room, Some(member.user_id));
        self.relay.wake(partition);
        Ok(Member {
            muted_until,
            ..member
        })
    }
}
