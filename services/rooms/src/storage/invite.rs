use chrono::{DateTime, TimeDelta, Utc};
use plaza_clients::rooms::Invitation;
use plaza_types::{InvitationId, RoomId, UserId};
use sqlx::PgConnection;

use super::{ActError, StorageError, Store, acting, bans};
use crate::domain::{Act, TokenHash, permit};

/// How somebody comes in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// One user, once.
    Name(UserId),
    /// Whoever has the token.
    Link {
        /// All that is kept of it.
        hash: TokenHash,
        /// How often.
        max_uses: i32,
    },
}

/// An invitation to make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewInvitation {
    /// How somebody comes in.
    pub(crate) way: Way,
    /// How long.
    pub(crate) lifetime: TimeDelta,
}

/// Why nobody was invited.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InviteError {
    /// The caller may not.
    #[error(transparent)]
    Act(#[from] ActError),
    /// Who is invited is a member.
    #[error("the invited user is a member")]
    Member,
    /// Who is invited is kept out.
    #[error("the invited user is banned")]
    Banned,
    /// The room has enough that can be used.
    #[error("the room has too many open invitations")]
    TooMany,
}

impl From<StorageError> for InviteError {
    fn from(error: StorageError) -> Self {
        Self::Act(error.into())
    }
}

impl From<sqlx::Error> for InviteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Act(error.into())
    }
}

impl Store {
    /// Makes an invitation; one by name takes the place of an earlier one.
    pub(crate) async fn invite(
        &self,
        actor: UserId,
        room: RoomId,
        new: NewInvitation,
        most: u32,
    ) -> Result<Invitation, InviteError> {
        let (invitee, hash, max_uses) = match new.way {
            Way::Name(user) => (Some(user), None, 1),
            Way::Link { hash, max_uses } => (None, Some(hash), max_uses),
        };
        let mut tx = self.pool.begin().await?;
        let scene = acting::enter(&mut tx, room, actor, invitee.unwrap_or(actor)).await?;
        permit(scene.actor, Act::Invite).map_err(ActError::Denied)?;
        if let Some(user) = invitee {
            if scene.other.is_some() {
                return Err(InviteError::Member);
            }
            if bans::active(&mut tx, room, user).await?.is_some() {
                return Err(InviteError::Banned);
            }
        }
        if open(&mut tx, room, invitee).await? >= i64::from(most) {
            return Err(InviteError::TooMany);
        }
        let expires_at: DateTime<Utc> = scene.now + new.lifetime;
        let row = sqlx::query!(
            "INSERT INTO invitations (id, room_id, inviter_id, user_id, token_hash, max_uses, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (room_id, user_id) WHERE user_id IS NOT NULL DO UPDATE
             SET inviter_id = EXCLUDED.inviter_id, uses = 0, created_at = EXCLUDED.created_at,
                 expires_at = EXCLUDED.expires_at
             RETURNING id, created_at, expires_at",
            InvitationId::new().uuid(),
            room.uuid(),
            actor.uuid(),
            invitee.map(UserId::uuid),
            hash.as_ref().map(TokenHash::bytes),
            max_uses,
            expires_at,
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Invitation {
            id: row.id.into(),
            room_id: room,
            room_name: scene.locked.name,
            inviter_id: actor,
            invitee_id: invitee,
            token: None,
            max_uses,
            uses: 0,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}

/// How many invitations of a locked room can be used, beside that of a user.
async fn open(
    connection: &mut PgConnection,
    room: RoomId,
    but: Option<UserId>,
) -> Result<i64, StorageError> {
    let open = sqlx::query_scalar!(
        r#"SELECT count(*) AS "open!" FROM invitations
           WHERE room_id = $1 AND uses < max_uses AND expires_at > clock_timestamp()
             AND user_id IS DISTINCT FROM COALESCE($2, gen_random_uuid())"#,
        room.uuid(),
        but.map(UserId::uuid),
    )
    .fetch_one(connection)
    .await?;
    Ok(open)
}
