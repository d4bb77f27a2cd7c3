use async_graphql::{Context, ID, Object, Result};
use plaza_clients::rooms;

use super::User;
use crate::graph::{context::signed_in, scalars::DateTime};

/// A way into a room, for one person by name or for whoever has a link.
#[derive(Debug, Clone)]
pub(crate) struct Invitation(rooms::Invitation);

impl From<rooms::Invitation> for Invitation {
    fn from(invitation: rooms::Invitation) -> Self {
        Self(invitation)
    }
}

/// A way into a room, for one person by name or for whoever has a link.
#[Object]
impl Invitation {
    /// Which.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Into which room; who is invited may not see it yet.
    async fn room_id(&self) -> ID {
        self.0.room_id.to_string().into()
    }

    /// The room's name.
    async fn room_name(&self) -> &str {
        &self.0.room_name
    }

    /// Who invites.
    async fn inviter(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let (_, session) = signed_in(ctx)?;
        let user = session.loaders.user(self.0.inviter_id).await?;
        Ok(user.map(User::from))
    }

    /// Who is invited; null: whoever has the link.
    async fn invitee(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let (_, session) = signed_in(ctx)?;
        let Some(invitee) = self.0.invitee_id else {
            return Ok(None);
        };
        let user = session.loaders.user(invitee).await?;
        Ok(user.map(User::from))
    }

    /// What `acceptInvitation` takes; null but in the answer to who made the link.
    async fn token(&self) -> Option<&str> {
        self.0.token.as_deref()
    }

    /// How often it can be used.
    async fn max_uses(&self) -> i32 {
        self.0.max_uses
    }

    /// How often it was.
    async fn uses(&self) -> i32 {
        self.0.uses
    }

    /// Since when.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Until when.
    async fn expires_at(&self) -> DateTime {
        self.0.expires_at.into()
    }
}
