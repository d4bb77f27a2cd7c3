use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use plaza_clients::messages;
use plaza_types::ApiError;

use crate::{
    graph::{context::signed_in, cost, input, scalars::Position, types::Room},
    services::refused,
};

#[derive(Default)]
pub(super) struct MarkRead;

#[Object]
impl MarkRead {
    /// Moves the caller's read mark up to a message's number. A mark only grows.
    #[graphql(complexity = "cost::CALL + child_complexity")]
    async fn mark_read(&self, ctx: &Context<'_>, room_id: ID, number: Position) -> Result<Room> {
        let (request, session) = signed_in(ctx)?;
        let id = input::id("roomId", &room_id)?;
        let number = number
            .number()
            .map_err(|error| ApiError::bad_input("number", format!("number {error}.")))?;
        session.loaders.forget();
        let mark = messages::MarkRead {
            number: Some(number),
        };
        let head = request
            .services()
            .messages
            .mark_read(session.who(), id, mark)
            .await
            .map_err(refused)?;
        Ok(Room::named(id).with_head(Some(Arc::new(head))))
    }
}
