use plaza_clients::rooms::Member;
use plaza_types::{Person, Role, RoomId, UserId};
use sqlx::PgConnection;

use super::{ActError, StorageError, Store, acting, change, removals};
use crate::domain::{Act, Denied, permit, permit_own_role, permit_role};

impl Store {
    /// Gives a member another role, or lets the caller step down.
    pub(crate) async fn set_role(
        &self,
        actor: UserId,
        room: RoomId,
        other: Person,
        to: Role,
    ) -> Result<Member, ActError> {
        let mut tx = self.pool.begin().await?;
        let scene = acting::enter(&mut tx, room, actor, other.id).await?;
        if actor == other.id {
            let own = scene.actor.ok_or(Denied::NotMember)?;
            let owners = owners(&mut tx, room).await?;
            permit_own_role(own, to, owners)?;
        } else {
            permit(scene.actor, Act::SetRole)?;
            permit_role(scene.actor, scene.other()?.role, to)?;
        }
        let member = scene.other()?;
        if member.role == to {
            return Ok(member);
        }
        sqlx::query!(
            "UPDATE members SET role = ($3::text)::member_role WHERE room_id = $1 AND user_id = $2",
            room.uuid(),
            other.id.uuid(),
            to.as_str(),
        )
        .execute(&mut *tx)
        .await?;
        let mut change = self.change(room, &scene.locked);
        change.member_state(other, to, member.muted_until, scene.now);
        let partition = change::apply(&mut tx, change).await?;
        // Last: from here to the commit every other removal waits.
        removals::record(&mut tx, room, &[(member.user_id, None)]).await?;
        tx.commit().await?;
        self.relay.wake(partition);
        Ok(Member { role: to, ..member })
    }
}

async fn owners(connection: &mut PgConnection, room: RoomId) -> Result<i64, StorageError> {
    let owners = sqlx::query_scalar!(
        r#"SELECT count(*) AS "owners!" FROM members WHERE room_id = $1 AND role = 'owner'"#,
        room.uuid(),
    )
    .fetch_one(connection)
    .await?;
    Ok(owners)
}
