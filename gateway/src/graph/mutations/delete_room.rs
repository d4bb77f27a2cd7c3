use async_graphql::{Context, ID, Object, Result};

use crate::{
    graph::{context::signed_in, cost, input},
    services::refused,
};

#[derive(Default)]
pub(super) struct DeleteRoom;

#[Object]
impl DeleteRoom {
    /// Deletes a room with everything in it, for good. For owners.
    #[graphql(complexity = "cost::CALL")]
    async fn delete_room(&self, ctx: &Context<'_>, room_id: ID) -> Result<bool> {
        let (request, session) = signed_in(ctx)?;
        let id = input::id("roomId", &room_id)?;
        session.loaders.forget();
        let deleted = request.services().rooms.delete(session.who(), id).await;
        deleted.map_err(refused)?;
        Ok(true)
    }
}
