use plaza_events::LeaveReason;
use plaza_types::{Person, Role, RoomId, UserId, Visibility};
use sqlx::PgConnection;

use super::{StorageError, Store, change, delete, error::read, removals};
use crate::domain::successor;

/// How many of those who may take over are answered with.
const CANDIDATES: i64 = 20;

/// What came of leaving.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The user is no longer a member.
    Now,
    /// The user was none before; nothing changed.
    Already,
    /// There is no such room, or the user may not see it.
    NoSuchRoom,
    /// The last owner would leave: nothing changed. The first of these takes
    /// over, and the next if that one leaves too; who does is named in the
    /// event of it, so learn their names and try again.
    Successor(Vec<UserId>),
}

impl Store {
    /// Ends a user's membership. `candidates` are those who may take over from
    /// the last owner, once an answer has said who they are.
    pub(crate) async fn leave(
        &self,
        user: Person,
        room: RoomId,
        candidates: &[Person],
    ) -> Result<Left, StorageError> {
        // Whoever may not see the room learns so by one query, and locks nothing.
        match self.access(user.id, room).await? {
            None => return Ok(Left::NoSuchRoom),
            Some(access) if access.membership.is_none() => return Ok(Left::Already),
            Some(_) => {}
        }
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
            return Ok(match locked.channels.visibility {
                Visibility::Public => Left::Already,
                Visibility::Private => Left::NoSuchRoom,
            });
        };

        let leaving = user.id;
        let mut removed = vec![(leaving, Some(LeaveReason::Left))];
        let mut change = self.change(room, &locked);
        change.left(user, LeaveReason::Left, gone.now);
        let next = followers(&mut tx, room, read("role", &gone.role)?).await?;
        if let Some(first) = next.first() {
            let Some(next) = candidates.iter().find(|person| person.id == *first) else {
                return Ok(Left::Successor(next));
            };
            let next_muted = sqlx::query_scalar!(
                "UPDATE members SET role = 'owner' WHERE room_id = $1 AND user_id = $2
                 RETURNING muted_until",
                room.uuid(),
                next.id.uuid(),
            )
            .fetch_one(&mut *tx)
            .await?;
            removed.push((next.id, None));
            change.member_state(next.clone(), Role::Owner, next_muted, gone.now);
        }
        let is_empty = change.counters().member_count == 0;
        let partition = change::apply(&mut tx, change).await?;
        if is_empty && locked.channels.visibility == Visibility::Private {
            // Nobody could ever see it again.
            delete::erase(&mut tx, room).await?;
        }
        if locked.channels.visibility == Visibility::Private {
            self.end_subscriptions(&mut tx, room, leaving, locked.channels)
                .await?;
        }
        // Last: from here to the commit every other removal waits.
        removals::record(&mut tx, room, &removed).await?;
        tx.commit().await?;
        self.access_ended(room, Some(leaving));
        self.relay.wake(partition);
        Ok(Left::Now)
    }
}

/// Who takes over when somebody with this role has left a locked room, and who
/// would in their place; empty when nobody has to.
async fn followers(
    connection: &mut PgConnection,
    room: RoomId,
    leaving: Role,
) -> Result<Vec<UserId>, StorageError> {
    let rows = sqlx::query!(
        r#"SELECT user_id, role::text AS "role!" FROM members
           WHERE room_id = $1 ORDER BY role, joined_at, user_id LIMIT $2"#,
        room.uuid(),
        CANDIDATES,
    )
    .fetch_all(connection)
    .await?;
    let first = rows
        .first()
        .map(|row| Ok::<_, StorageError>((row.user_id.into(), read("role", &row.role)?)))
        .transpose()?;
    Ok(match successor(leaving, first) {
        Some(_) => rows.into_iter().map(|row| row.user_id.into()).collect(),
        None => Vec::new(),
    })
}
