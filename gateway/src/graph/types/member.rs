use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use plaza_clients::rooms;
use plaza_types::ApiError;

use super::User;
use crate::graph::{context::signed_in, scalars::DateTime};

/// What a member may do; a role acts only on lower ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "plaza_types::Role")]
pub(crate) enum Role {
    /// Reads and writes.
    Member,
    /// Removes messages and mutes members.
    Moderator,
    /// Changes the room and its moderators.
    Admin,
    /// Everything, and there is always one.
    Owner,
}

/// The caller's place in a room.
#[derive(SimpleObject)]
pub(crate) struct Membership {
    /// What the caller may do.
    role: Role,
    /// Since when.
    joined_at: DateTime,
    /// Until when the caller may not write.
    muted_until: Option<DateTime>,
}

impl From<rooms::Membership> for Membership {
    fn from(membership: rooms::Membership) -> Self {
        Self {
            role: membership.role.into(),
            joined_at: membership.joined_at.into(),
            muted_until: membership.muted_until.map(Into::into),
        }
    }
}

/// A member of a room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member(rooms::Member);

impl From<rooms::Member> for Member {
    fn from(member: rooms::Member) -> Self {
        Self(member)
    }
}

/// A member of a room.
#[Object]
impl Member {
    /// Who.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        let (_, session) = signed_in(ctx)?;
        let user = session.loaders.user(self.0.user_id).await?;
        Ok(user.ok_or_else(|| ApiError::not_found("user"))?.into())
    }

    /// What they may do.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// Since when.
    async fn joined_at(&self) -> DateTime {
        self.0.joined_at.into()
    }

    /// Until when they may not write.
    async fn muted_until(&self) -> Option<DateTime> {
        self.0.muted_until.map(Into::into)
    }
}
