use plaza_events::LeaveReason;
use plaza_types::{Person, Role, RoomId, UserId, Visibility};
use sqlx::PgConnection;

use super::{StorageError, Store, change, error::read, removals};
use crate::domain::{Change, successor};

/// What came of leaving.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The user is no longer a member.
    Now,
    /// The user was none before; nothing changed.
    Already,
    /// There is no such room, or the user may not see it.
    NoSuchRoom,
    /// The last owner would leave: nothing changed. This member takes over,
    /// who must be named in the event of it; say so and try again.
    Successor(UserId),
}

impl Store {
    /// Ends a user's membership. `successor` is who takes over from the last
    /// owner, once an answer has said who that is.
    pub(crate) async fn leave(
        &self,
        user: Person,
        room: RoomId,
        successor: Option<Person>,
    ) -> Result<Left, StorageError> {
        let mut tx = self.pool.begin().await?;
        let Some(locked) = change::lock(&mut tx, room).await? else {
            return Ok(Left::NoSuchRoom);
        };
        let gone = sqlx::query!(
            r#"DELETE FROM members WHERE room_id = $1 AND user_id = $2
               RETURNING role::text AS "role!", clock_timestamp() AS "now!""#,
            room.uuid(),
            user.id.uuid(),
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(gone) = gone else {
            return Ok(match locked.visibility {
                Visibility::Public => Left::Already,
                Visibility::Private => Left::NoSuchRoom,
            });
        };

        let mut removed = vec![user.id];
        let mut change = Change::new(room, self.epoch, locked.counters);
        change.left(user, LeaveReason::Left, gone.now);
        if let Some(next) = follower(&mut tx, room, read("role", &gone.role)?).await? {
            let Some(next) = successor.filter(|person| person.id == next) else {
                return Ok(Left::Successor(next));
            };
            sqlx::query!(
                "UPDATE members SET role = 'owner' WHERE room_id = $1 AND user_id = $2",
                room.uuid(),
                next.id.uuid(),
            )
            .execute(&mut *tx)
            .await?;
            removed.push(next.id);
            change.role(next, Role::Owner, gone.now);
        }
        let partition = change::apply(&mut tx, change).await?;
        // Last: from here to the commit every other removal waits.
        removals::record(&mut tx, room, &removed).await?;
        tx.commit().await?;
        self.relay.wake(partition);
        Ok(Left::Now)
    }
}

/// Who takes over when somebody with this role has left a locked room.
async fn follower(
    connection: &mut PgConnection,
    room: RoomId,
    leaving: Role,
) -> Result<Option<UserId>, StorageError> {
    let first = sqlx::query!(
        r#"SELECT user_id, role::text AS "role!" FROM members
           WHERE room_id = $1 ORDER BY role, joined_at, user_id LIMIT 1"#,
        room.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    let first = first
        .map(|row| Ok::<_, StorageError>((row.user_id.into(), read("role", &row.role)?)))
        .transpose()?;
    Ok(successor(leaving, first))
}
