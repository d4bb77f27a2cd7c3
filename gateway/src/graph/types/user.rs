use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result};
use plaza_clients::auth;
use plaza_kit::token::Caller;
use plaza_types::{ApiError, UserId};

use crate::graph::{context::signed_in, scalars::DateTime};

/// What stands behind an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "auth::UserKind")]
pub(crate) enum UserKind {
    /// A person.
    Person,
    /// A program.
    Bot,
}

/// A user, as everybody signed in may see one.
#[derive(Debug, Clone)]
pub(crate) struct User(Source);

#[derive(Debug, Clone)]
enum Source {
    Auth(Arc<auth::User>),
    /// The caller, whose names are in their token: no call for those.
    Caller(Arc<Caller>),
}

impl User {
    /// The caller, by their token.
    pub(crate) const fn caller(caller: Arc<Caller>) -> Self {
        Self(Source::Caller(caller))
    }

    fn user_id(&self) -> UserId {
        match &self.0 {
            Source::Auth(user) => user.id,
            Source::Caller(caller) => caller.user,
        }
    }

    async fn account(&self, ctx: &Context<'_>) -> Result<Arc<auth::User>, ApiError> {
        match &self.0 {
            Source::Auth(user) => Ok(user.clone()),
            Source::Caller(caller) => signed_in(ctx)?
                .1
                .loaders
                .user(caller.user)
                .await?
                .ok_or_else(|| ApiError::not_found("user")),
        }
    }
}

impl From<Arc<auth::User>> for User {
    fn from(user: Arc<auth::User>) -> Self {
        Self(Source::Auth(user))
    }
}

/// A user, as everybody signed in may see one.
#[Object]
impl User {
    /// Who.
    async fn id(&self) -> ID {
        self.user_id().to_string().into()
    }

    /// The name for mentions, unique without regard to case.
    async fn username(&self) -> &str {
        match &self.0 {
            Source::Auth(user) => &user.username,
            Source::Caller(caller) => &caller.username,
        }
    }

    /// The name to read.
    async fn display_name(&self) -> &str {
        match &self.0 {
            Source::Auth(user) => &user.display_name,
            Source::Caller(caller) => &caller.name,
        }
    }

    /// A person or a bot.
    async fn kind(&self, ctx: &Context<'_>) -> Result<UserKind> {
        Ok(self.account(ctx).await?.kind.into())
    }

    /// Since when.
    async fn created_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(self.account(ctx).await?.created_at.into())
    }
}
