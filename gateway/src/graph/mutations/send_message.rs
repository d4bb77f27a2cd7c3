use async_graphql::{Context, ID, InputObject, Object, Result};
use plaza_clients::messages;

use crate::{
    graph::{context::signed_in, cost, input, types::Message},
    services::refused,
};

/// A message to send.
#[derive(InputObject)]
struct SendMessageInput {
    /// Where to.
    room_id: ID,
    /// CommonMark, at most 4,000 characters.
    content: String,
    /// The client's own id of this message: sending it again with the same id answers the first one.
    client_message_id: ID,
    /// The message of the same room that it answers.
    reply_to: Option<ID>,
}

#[derive(Default)]
pub(super) struct SendMessage;

#[Object]
impl SendMessage {
    /// Sends a message; the answer means that it is stored. CONFLICT: the clientMessageId was used
    /// with other content. FORBIDDEN: not a member, or muted.
    #[graphql(complexity = "cost::CALL + child_complexity")]
    async fn send_message(&self, ctx: &Context<'_>, input: SendMessageInput) -> Result<Message> {
        let (request, session) = signed_in(ctx)?;
        let room = input::id("roomId", &input.room_id)?;
        let message = messages::Send {
            content: input.content,
            client_message_id: input.client_message_id.0,
            reply_to: input
                .reply_to
                .map(|id| input::id("replyTo", &id))
                .transpose()?,
        };
        session.loaders.forget();
        let sent = request
            .services()
            .messages
            .send(session.who(), room, &message)
            .await;
        Ok(sent.map_err(refused)?.into())
    }
}
