use async_graphql::{Context, ID, Object, Result};

use crate::{
    graph::{context::signed_in, cost, input, types::Message},
    services::refused,
};

#[derive(Default)]
pub(super) struct DeleteMessage;

#[Object]
impl DeleteMessage {
    /// Deletes an own message, or as a moderator one by a lower role; a tombstone without
    /// content remains. A second time changes nothing.
    #[graphql(complexity = "cost::CALL + child_complexity")]
    async fn delete_message(&self, ctx: &Context<'_>, id: ID) -> Result<Message> {
        let (request, session) = signed_in(ctx)?;
        let id = input::id("id", &id)?;
        session.loaders.forget();
        let deleted = request.services().messages.delete(session.who(), id).await;
        Ok(deleted.map_err(refused)?.into())
    }
}
