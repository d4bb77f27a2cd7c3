use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use crate::{
    graph::{context::signed_in, cost, types::User},
    services::refused,
};

#[derive(Default)]
pub(super) struct Me;

#[Object]
impl Me {
    /// The caller.
    #[graphql(complexity = "cost::CALL + child_complexity")]
    async fn me(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let (request, session) = signed_in(ctx)?;
        let user = request.services().auth.me(session.who()).await;
        Ok(Some(Arc::new(user.map_err(refused)?).into()))
    }
}
