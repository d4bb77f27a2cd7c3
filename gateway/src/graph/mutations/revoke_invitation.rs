use async_graphql::{Context, ID, Object, Result};

use crate::{
    graph::{context::signed_in, cost, input},
    services::refused,
};

#[derive(Default)]
pub(super) struct RevokeInvitation;

#[Object]
impl RevokeInvitation {
    /// Ends an invitation: by moderators of the room and above, or by who is invited.
    #[graphql(complexity = "cost::CALL")]
    async fn revoke_invitation(&self, ctx: &Context<'_>, id: ID) -> Result<bool> {
        let (request, session) = signed_in(ctx)?;
        let id = input::id("id", &id)?;
        let rooms = &request.services().rooms;
        let ended = rooms.revoke_invitation(session.who(), id).await;
        ended.map_err(refused)?;
        Ok(true)
    }
}
