//! `PATCH /v1/messages/{id}`: gives an own message other content. The same
//! content changes nothing.

use axum::extract::State;
use chrono::Utc;
use plaza_clients::messages::Edit;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{ApiError, Code, Message, MessageContent, MessageId, TextError};

use super::{
    Parts,
    own::{OwnError, own},
};
use crate::{access::AccessError, domain::Revision, storage::ReviseError};

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum EditError {
    #[error("the content is refused")]
    Content(#[source] TextError),
    #[error(transparent)]
    Own(#[from] OwnError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(transparent)]
    Revise(#[from] ReviseError),
}

impl From<EditError> for Reject {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Content(error) => Self::text("content", &error),
            EditError::Own(error) => error.into(),
            EditError::Access(error) => error.into(),
            EditError::Revise(ReviseError::Deleted(_)) => Self(ApiError::new(
                Code::Conflict,
                "This message is deleted and can't be edited.",
            )),
            EditError::Revise(ReviseError::Unknown) => Self(ApiError::not_found("message")),
            EditError::Revise(ReviseError::Storage(error)) => error.into(),
        }
    }
}

pub(super) async fn handle(
    State(parts): State<Parts>,
    caller: Caller,
    Path(id): Path<MessageId>,
    Json(input): Json<Edit>,
) -> Result<Json<Message>, Reject> {
    Ok(Json(edit(&parts, &caller, id, &input).await?))
}

async fn edit(
    parts: &Parts,
    caller: &Caller,
    id: MessageId,
    input: &Edit,
) -> Result<Message, EditError> {
    let content = MessageContent::parse(&input.content).map_err(EditError::Content)?;
    let message = own(parts, caller, id).await?;
    parts
        .gate
        .write(caller, message.room_id, Utc::now())
        .await?;
    let revision = Revision::Edit(content);
    Ok(parts.store.revise(message.room_id, id, &revision).await?)
}
