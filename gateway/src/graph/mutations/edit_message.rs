use async_graphql::{Context, ID, Object, Result};
use plaza_clients::messages::Edit;

use crate::{
    graph::{context::signed_in, cost, input, types::Message},
    services::refused,
};

#[derive(Default)]
pub(super) struct EditMessage;

#[Object]
impl EditMessage {
    /// Gives an own message other content. CONFLICT: it is deleted.
    #[graphql(complexity = "cost::CALL + child_complexity")]
    async fn edit_message(&self, ctx: &Context<'_>, id: ID, content: String) -> Result<Message> {
        let (request, session) = signed_in(ctx)?;
        let id = input::id("id", &id)?;
        session.loaders.forget();
        let edited = request
            .services()
            .messages
            .edit(session.who(), id, &Edit { content })
            .await;
        Ok(edited.map_err(refused)?.into())
    }
}
