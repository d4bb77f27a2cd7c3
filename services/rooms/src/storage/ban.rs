use chrono::{DateTime, Utc};
use plaza_events::LeaveReason;
use plaza_types::{BanReason, Person, RoomId, UserId};

use super::{ActError, Store, acting, change, kick::unseat, removals};
use crate::domain::{Act, permit, permit_on};

/// A ban to set.
#[derive(Debug)]
pub(crate) struct NewBan {
    /// Why; may be empty.
    pub(crate) reason: BanReason,
    /// Until when; none: for good.
    pub(crate) until: Option<DateTime<Utc>>,
}

impl Store {
    /// Keeps somebody out, who may be a member, or sets the ban anew.
    pub(crate) async fn ban(
        &self,
        actor: UserId,
        room: RoomId,
        other: Person,
        ban: &NewBan,
    ) -> Result<(), ActError> {
        let mut tx = self.pool.begin().await?;
        let scene = acting::enter(&mut tx, room, actor, other.id).await?;
        let role = scene.other.map(|member| member.role);
        permit_on(scene.actor, Act::Ban, role)?;
        let user = other.id;
        // Until now everybody could read what one reader could: that is
        // remembered of the room, and of nobody in particular.
        let is_first = sqlx::query_scalar!(
            r#"WITH ways AS (DELETE FROM invitations
                             WHERE room_id = $1 AND (user_id = $2 OR inviter_id = $2))
               SELECT NOT EXISTS (SELECT FROM bans WHERE room_id = $1) AS "first!""#,
            room.uuid(),
            user.uuid(),
        )
        .fetch_one(&mut *tx)
        .await?;
        sqlx::query!(
            "INSERT INTO bans (room_id, user_id, by_id, reason, until) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (room_id, user_id) DO UPDATE
             SET by_id = EXCLUDED.by_id, reason = EXCLUDED.reason, until = EXCLUDED.until,
                 created_at = EXCLUDED.created_at",
            room.uuid(),
            user.uuid(),
            actor.uuid(),
            ban.reason.as_str(),
            ban.until,
        )
        .execute(&mut *tx)
        .await?;
        let mut partition = None;
        if scene.other.is_some() {
            let mut change = self.change(room, &scene.locked);
            unseat(&mut tx, room, user).await?;
            change.left(other, LeaveReason::Banned, scene.now);
            partition = Some(change::apply(&mut tx, change).await?);
        }
        self.end_subscriptions(&mut tx, room, user, scene.locked.channels)
            .await?;
        // Last: from here to the commit every other removal waits.
        if is_first {
            removals::record_all(&mut tx, room).await?;
        }
        let reason = partition.map(|_| LeaveReason::Banned);
        if !is_first || reason.is_some() {
            removals::record(&mut tx, room, &[(user, reason)]).await?;
        }
        tx.commit().await?;
        self.access_ended(room, Some(user));
        if let Some(partition) = partition {
            self.relay.wake(partition);
        }
        Ok(())
    }

    /// Lets somebody in again.
    pub(crate) async fn unban(
        &self,
        actor: UserId,
        room: RoomId,
        other: UserId,
    ) -> Result<(), ActError> {
        let mut tx = self.pool.begin().await?;
        let scene = acting::enter(&mut tx, room, actor, other).await?;
        permit(scene.actor, Act::Ban)?;
        let gone = sqlx::query!(
            "DELETE FROM bans WHERE room_id = $1 AND user_id = $2",
            room.uuid(),
            other.uuid(),
        )
        .execute(&mut *tx)
        .await?;
        if gone.rows_affected() == 0 {
            return Err(ActError::NoSuchBan);
        }
        tx.commit().await?;
        Ok(())
    }
}
