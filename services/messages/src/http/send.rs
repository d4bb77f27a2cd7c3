//! `POST /v1/rooms/{room}/messages`: sends a message. The answer comes after
//! the commit; the same `clientMessageId` again answers the first message.

use axum::extract::State;
use chrono::Utc;
use plaza_clients::messages::Send;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{
    ApiError, ClientMessageId, Code, Message, MessageContent, MessageId, Person, RoomId, TextError,
};

use super::Parts;
use crate::{
    access::AccessError,
    domain::Draft,
    storage::{Sent, StorageError},
};

/// Why nothing was accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("the content is refused")]
    Content(#[source] TextError),
    #[error("the client message id is refused")]
    ClientMessageId(#[source] TextError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("the client message id stands for another message")]
    Conflict,
    #[error("what it answers is not in the room")]
    NoSuchReply,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<SendError> for Reject {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Content(error) => Self::text("content", &error),
            SendError::ClientMessageId(error) => Self::text("clientMessageId", &error),
            SendError::Access(error) => error.into(),
            SendError::Conflict => Self(ApiError {
                field: Some("clientMessageId".into()),
                ..ApiError::new(
                    Code::Conflict,
                    "This clientMessageId was used for another message. Send with a new one.",
                )
            }),
            SendError::NoSuchReply => Self(ApiError::bad_input(
                "replyTo",
                "The message to reply to is not in this room.",
            )),
            SendError::Storage(error) => error.into(),
        }
    }
}

pub(super) async fn handle(
    State(parts): State<Parts>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Json(input): Json<Send>,
) -> Result<Json<Message>, Reject> {
    Ok(Json(send(&parts, caller, room, &input).await?))
}

async fn send(
    parts: &Parts,
    caller: Caller,
    room: RoomId,
    input: &Send,
) -> Result<Message, SendError> {
    let content = MessageContent::parse(&input.content).map_err(SendError::Content)?;
    let client_message_id =
        ClientMessageId::parse(&input.client_message_id).map_err(SendError::ClientMessageId)?;
    parts.gate.write(&caller, room, Utc::now()).await?;

    let draft = Draft {
        room,
        author: Person {
            id: caller.user,
            username: caller.username,
            display_name: caller.name,
        },
        id: MessageId::new(),
        client_message_id,
        content,
        reply_to: input.reply_to,
    };
    match parts.store.send(&[draft]).await?.pop() {
        Some(Sent::Created(message) | Sent::Repeated(message)) => Ok(message),
        Some(Sent::Conflict) => Err(SendError::Conflict),
        Some(Sent::NoSuchReply) => Err(SendError::NoSuchReply),
        None => Err(StorageError::Missing("an outcome of a send").into()),
    }
}
