use async_graphql::{Context, ID, Object, Result};
use plaza_kit::token::Revocation;
use plaza_types::SessionId;

use crate::{
    graph::{context::signed_in, cost, input},
    services::refused,
};

#[derive(Default)]
pub(super) struct RevokeSession;

#[Object]
impl RevokeSession {
    /// Logs one of the caller's devices out. NOT_FOUND: the caller has no such session.
    #[graphql(complexity = "cost::CALL")]
    async fn revoke_session(&self, ctx: &Context<'_>, id: ID) -> Result<bool> {
        let (request, session) = signed_in(ctx)?;
        let ended: SessionId = input::id("id", &id)?;
        let auth = &request.services().auth;
        auth.revoke_session(session.who(), ended)
            .await
            .map_err(refused)?;
        // Here at once; the other replicas learn it from the feed.
        let ended = Revocation::Session(ended);
        request.gateway.verifier.revocations().add(ended);
        Ok(true)
    }
}
