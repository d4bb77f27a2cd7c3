use async_graphql::{Context, ID, Object, Result};

use crate::{
    graph::{context::signed_in, cost, input},
    services::refused,
};

#[derive(Default)]
pub(super) struct LeaveRoom;

#[Object]
impl LeaveRoom {
    /// Ends the caller's membership. When the last owner leaves, the first of the other members becomes owner.
    #[graphql(complexity = "cost::CALL")]
    async fn leave_room(&self, ctx: &Context<'_>, room_id: ID) -> Result<bool> {
        let (request, session) = signed_in(ctx)?;
        let id = input::id("roomId", &room_id)?;
        session.loaders.forget();
        let left = request.services().rooms.leave(session.who(), id).await;
        left.map_err(refused)?;
        Ok(true)
    }
}
