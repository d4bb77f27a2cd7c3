use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use plaza_clients::messages::MarkRead;

use crate::{
    graph::{context::signed_in, cost, input, types::Room},
    services::refused,
};

#[derive(Default)]
pub(super) struct JoinRoom;

#[Object]
impl JoinRoom {
    /// Makes the caller a member, who has read everything so far. Joining again changes nothing.
    #[graphql(complexity = "2 * cost::CALL + child_complexity")]
    async fn join_room(&self, ctx: &Context<'_>, room_id: ID) -> Result<Room> {
        let (request, session) = signed_in(ctx)?;
        let id = input::id("roomId", &room_id)?;
        session.loaders.forget();
        let services = request.services();
        let room = services
            .rooms
            .join(session.who(), id)
            .await
            .map_err(refused)?;
        // When this fails the join stands, and trying again ends it well.
        let head = services
            .messages
            .mark_read(session.who(), id, MarkRead { number: None })
            .await
            .map_err(refused)?;
        Ok(Room::from(room).with_head(Some(Arc::new(head))))
    }
}
