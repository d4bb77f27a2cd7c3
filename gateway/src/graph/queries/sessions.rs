use async_graphql::{Context, Object, Result};

use crate::{
    graph::{context::signed_in, cost, types::DeviceSession},
    services::refused,
};

#[derive(Default)]
pub(super) struct Sessions;

#[Object]
impl Sessions {
    /// The caller's signed-in devices, the one used last first; at most 100.
    #[graphql(complexity = "cost::CALL + cost::LIST * child_complexity")]
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Vec<DeviceSession>> {
        let (request, session) = signed_in(ctx)?;
        let sessions = request.services().auth.sessions(session.who()).await;
        let sessions = sessions.map_err(refused)?;
        Ok(sessions.into_iter().map(Into::into).collect())
    }
}
