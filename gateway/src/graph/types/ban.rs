use async_graphql::{Context, Object, Result};
use plaza_clients::rooms;

use super::User;
use crate::graph::{context::signed_in, scalars::DateTime};

/// Somebody who is kept out of a room.
#[derive(Debug, Clone)]
pub(crate) struct Ban(rooms::Ban);

impl From<rooms::Ban> for Ban {
    fn from(ban: rooms::Ban) -> Self {
        Self(ban)
    }
}

/// Somebody who is kept out of a room.
#[Object]
impl Ban {
    /// Who.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let (_, session) = signed_in(ctx)?;
        let user = session.loaders.user(self.0.user_id).await?;
        Ok(user.map(User::from))
    }

    /// By whom.
    async fn by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let (_, session) = signed_in(ctx)?;
        let user = session.loaders.user(self.0.by_id).await?;
        Ok(user.map(User::from))
    }

    /// Why.
    async fn reason(&self) -> Option<&str> {
        Some(self.0.reason.as_str()).filter(|reason| !reason.is_empty())
    }

    /// Since when.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Until when; null: for good.
    async fn until(&self) -> Option<DateTime> {
        self.0.until.map(Into::into)
    }
}
