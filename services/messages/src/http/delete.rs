//! `DELETE /v1/messages/{id}`: leaves a tombstone of an own message. A second
//! time changes nothing. Who left the room or is muted may still take back
//! what they wrote.

use axum::extract::State;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{ApiError, Message, MessageId};

use super::{
    Parts,
    own::{OwnError, own},
};
use crate::{domain::Revision, storage::ReviseError};

/// Why nothing was deleted.
#[derive(Debug, thiserror::Error)]
pub(super) enum DeleteError {
    #[error(transparent)]
    Own(#[from] OwnError),
    #[error(transparent)]
    Revise(#[from] ReviseError),
}

impl From<DeleteError> for Reject {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::Own(error) => error.into(),
            DeleteError::Revise(ReviseError::Unknown) => Self(ApiError::not_found("message")),
            DeleteError::Revise(ReviseError::Storage(error)) => error.into(),
            // A tombstone is deleted without a change.
            DeleteError::Revise(ReviseError::Deleted(error)) => Self::internal(&error),
        }
    }
}

pub(super) async fn handle(
    State(parts): State<Parts>,
    caller: Caller,
    Path(id): Path<MessageId>,
) -> Result<Json<Message>, Reject> {
    Ok(Json(delete(&parts, &caller, id).await?))
}

async fn delete(parts: &Parts, caller: &Caller, id: MessageId) -> Result<Message, DeleteError> {
    let message = own(parts, caller, id).await?;
    Ok(parts
        .store
        .revise(message.room_id, id, &Revision::Delete)
        .await?)
}
