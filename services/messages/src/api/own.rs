//! The message that somebody wants to change.

use plaza_kit::{http::Reject, token::Caller};
use plaza_types::{ApiError, Code, Message, MessageId};

use super::Parts;
use crate::{access::AccessError, storage::StorageError};

/// Why it is not theirs to change.
#[derive(Debug, thiserror::Error)]
pub(super) enum OwnError {
    /// Not there, or not for this caller.
    #[error("there is no such message for the caller")]
    Unknown,
    /// Somebody else wrote it.
    #[error("the message is somebody else's")]
    NotAuthor,
    #[error(transparent)]
    Access(AccessError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<OwnError> for Reject {
    fn from(error: OwnError) -> Self {
        match error {
            OwnError::Unknown => Self(ApiError::not_found("message")),
            OwnError::NotAuthor => Self(ApiError::new(
                Code::Forbidden,
                "Only its author can change a message.",
            )),
            OwnError::Access(error) => error.into(),
            OwnError::Storage(error) => error.into(),
        }
    }
}

/// The message, if the caller wrote it.
pub(super) async fn own(
    parts: &Parts,
    caller: &Caller,
    id: MessageId,
) -> Result<Message, OwnError> {
    let message = seen(parts, caller, id).await?;
    if message.author_id == caller.user {
        Ok(message)
    } else {
        Err(OwnError::NotAuthor)
    }
}

/// The message, if the caller wrote it or may read it. That it exists is told
/// to nobody else.
pub(super) async fn seen(
    parts: &Parts,
    caller: &Caller,
    id: MessageId,
) -> Result<Message, OwnError> {
    let message = parts
        .store
        .messages(&[id])
        .await?
        .pop()
        .ok_or(OwnError::Unknown)?;
    if message.author_id == caller.user {
        return Ok(message);
    }
    match parts.gate.read(caller, message.room_id).await {
        Ok(()) => Ok(message),
        Err(AccessError::NoSuchRoom) => Err(OwnError::Unknown),
        Err(error) => Err(OwnError::Access(error)),
    }
}
