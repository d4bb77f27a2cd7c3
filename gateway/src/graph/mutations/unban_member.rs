use async_graphql::{Context, ID, Object, Result};

use crate::{
    graph::{context::signed_in, cost, input},
    services::refused,
};

#[derive(Default)]
pub(super) struct UnbanMember;

#[Object]
impl UnbanMember {
    /// Lets somebody who is banned in again. For moderators and above.
    #[graphql(complexity = "cost::CALL")]
    async fn unban_member(&self, ctx: &Context<'_>, room_id: ID, user_id: ID) -> Result<bool> {
        let (request, session) = signed_in(ctx)?;
        let room = input::id("roomId", &room_id)?;
        let user = input::id("userId", &user_id)?;
        session.loaders.forget();
        let let_in = request
            .services()
            .rooms
            .unban(session.who(), room, user)
            .await;
        let_in.map_err(refused)?;
        Ok(true)
    }
}
