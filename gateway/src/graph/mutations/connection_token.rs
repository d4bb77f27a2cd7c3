use async_graphql::{Context, Object, Result};

use crate::{
    graph::{context::signed_in, cost, types::RealtimeToken},
    services::refused,
};

#[derive(Default)]
pub(super) struct ConnectionToken;

#[Object]
impl ConnectionToken {
    /// A token for one connection to the real-time server; null: real time is off, poll `heads`.
    #[graphql(complexity = "cost::CALL + child_complexity")]
    async fn connection_token(&self, ctx: &Context<'_>) -> Result<Option<RealtimeToken>> {
        let (request, session) = signed_in(ctx)?;
        let Some(endpoint) = &request.gateway.realtime else {
            return Ok(None);
        };
        let token = request
            .services()
            .auth
            .connection_token(session.who())
            .await;
        let token = token.map_err(refused)?;
        Ok(Some(RealtimeToken {
            token: token.token,
            expires_at: token.expires_at.into(),
            endpoint: endpoint.as_str().to_owned(),
            channels: token.channels,
        }))
    }
}
