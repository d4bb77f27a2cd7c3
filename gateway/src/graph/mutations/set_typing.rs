use async_graphql::{Context, ID, Object, Result};

use crate::{
    graph::{context::signed_in, cost, input},
    services::refused,
};

#[derive(Default)]
pub(super) struct SetTyping;

#[Object]
impl SetTyping {
    /// Tells whoever has the room open that the caller is typing. It is passed on once in 2 s at most.
    #[graphql(complexity = "cost::CALL")]
    async fn set_typing(&self, ctx: &Context<'_>, room_id: ID) -> Result<bool> {
        let (request, session) = signed_in(ctx)?;
        let id = input::id("roomId", &room_id)?;
        let told = request.services().rooms.typing(session.who(), id).await;
        told.map_err(refused)?;
        Ok(true)
    }
}
