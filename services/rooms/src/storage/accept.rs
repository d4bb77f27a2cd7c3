use plaza_types::{InvitationId, Person, Role, RoomId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{StorageError, Store, bans, change, join::seat, quota};
use crate::domain::TokenHash;

/// Which invitation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    /// One by name.
    Id(InvitationId),
    /// A link.
    Token(TokenHash),
}

/// Why nobody came in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AcceptError {
    /// There is none, it is for somebody else, it was used up or has ended, or
    /// the user is kept out.
    #[error("there is no such invitation for the caller")]
    NoSuchInvitation,
    /// The user is in too many rooms.
    #[error("the caller is in too many rooms")]
    TooManyRooms,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<sqlx::Error> for AcceptError {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error.into())
    }
}

impl Store {
    /// Makes a user a member by an invitation; who is one already uses nothing.
    pub(crate) async fn accept(
        &self,
        user: Person,
        key: Key,
        max_rooms: u32,
    ) -> Result<RoomId, AcceptError> {
        let (id, hash) = match key {
            Key::Id(id) => (Some(id.uuid()), None),
            Key::Token(hash) => (None, Some(hash)),
        };
        let found = sqlx::query!(
            "SELECT id, room_id FROM invitations
             WHERE id = $1 AND user_id = $3 OR token_hash = $2",
            id,
            hash.as_ref().map(TokenHash::bytes),
            user.id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(AcceptError::NoSuchInvitation)?;
        let room = RoomId(found.room_id);

        let mut tx = self.pool.begin().await?;
        let has_room = quota::reserve(&mut tx, user.id, max_rooms).await?.is_some();
        let Some(locked) = change::lock(&mut tx, room).await? else {
            return Err(AcceptError::NoSuchInvitation);
        };
        if bans::active(&mut tx, room, user.id).await?.is_some() {
            return Err(AcceptError::NoSuchInvitation);
        }
        let Some(joined_at) = seat(&mut tx, room, user.id).await? else {
            return Ok(room);
        };
        // Under the room's lock, so that the last use is used once.
        if !use_once(&mut tx, found.id).await? {
            return Err(AcceptError::NoSuchInvitation);
        }
        if !has_room {
            return Err(AcceptError::TooManyRooms);
        }
        let mut change = self.change(room, &locked);
        change.joined(user, Role::Member, joined_at);
        let partition = change::apply(&mut tx, change).await?;
        tx.commit().await?;
        self.relay.wake(partition);
        Ok(room)
    }
}

/// Counts a use; false: it was used up or has ended.
async fn use_once(connection: &mut PgConnection, invitation: Uuid) -> Result<bool, StorageError> {
    let used = sqlx::query!(
        "UPDATE invitations SET uses = uses + 1
         WHERE id = $1 AND uses < max_uses AND expires_at > clock_timestamp()",
        invitation,
    )
    .execute(connection)
    .await?;
    Ok(used.rows_affected() == 1)
}
