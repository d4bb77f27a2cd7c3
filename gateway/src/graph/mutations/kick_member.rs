use async_graphql::{Context, ID, Object, Result};

use crate::{
    graph::{context::signed_in, cost, input},
    services::refused,
};

#[derive(Default)]
pub(super) struct KickMember;

#[Object]
impl KickMember {
    /// Ends the membership of somebody whose role is below the caller's. For moderators and above.
    #[graphql(complexity = "2 * cost::CALL")]
    async fn kick_member(&self, ctx: &Context<'_>, room_id: ID, user_id: ID) -> Result<bool> {
        let (request, session) = signed_in(ctx)?;
        let room = input::id("roomId", &room_id)?;
        let user = input::id("userId", &user_id)?;
        session.loaders.forget();
        let kicked = request
            .services()
            .rooms
            .kick(session.who(), room, user)
            .await;
        kicked.map_err(refused)?;
        Ok(true)
    }
}
