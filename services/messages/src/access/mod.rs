//! Who may read and write: a memory in front of rooms, so that a send costs
//! no call.
//!
//! Only members are remembered, so that a newcomer's first send is asked for
//! at once; of a public room that nobody is banned from, that everybody may
//! read it; of one that somebody is banned from, each reader. What ended is
//! learned from rooms' removals each second. Without an answer from rooms, what
//! is known of public rooms stays good, and of private ones for 3 s.

mod asker;
mod gate;
mod judge;
mod memory;
#[cfg(test)]
mod tests;

pub use gate::Gate;
pub use memory::MemoryArgs;

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use plaza_clients::ClientError;
use plaza_kit::http::Reject;
use plaza_types::{ApiError, Code};

/// Why somebody may not do what they ask for.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum AccessError {
    /// No such room, or none that the caller may see.
    #[error("there is no such room for the caller")]
    NoSuchRoom,
    /// Readable, but only members write.
    #[error("the caller is not a member")]
    NotMember,
    /// A member who may not write for a while.
    #[error("the caller is muted until {until}")]
    Muted {
        /// Until when.
        until: DateTime<Utc>,
    },
    /// Rooms refused for a reason of its own.
    #[error("rooms refused")]
    Refused(#[source] ApiError),
    /// Rooms does not answer, and what is known is not enough.
    #[error("cannot ask rooms")]
    Unanswered(#[source] Arc<ClientError>),
}

impl From<AccessError> for Reject {
    fn from(error: AccessError) -> Self {
        match &error {
            AccessError::NoSuchRoom => ApiError::not_found("room").into(),
            AccessError::NotMember => {
                ApiError::new(Code::Forbidden, "Join the room to write in it.").into()
            }
            AccessError::Muted { until } => ApiError::new(
                Code::Forbidden,
                format!(
                    "You can't write in this room until {}.",
                    until.to_rfc3339_opts(SecondsFormat::Secs, true)
                ),
            )
            .into(),
            AccessError::Refused(refusal) => Self(refusal.clone()),
            AccessError::Unanswered(_) => Self::unavailable(&error),
        }
    }
}

/// Counts how checks were answered: `remembered`, `asked`, or `relied` on what
/// is remembered because rooms did not answer.
fn counted(answer: &'static str) {
    metrics::counter!("plaza_access_checks_total", "answer" => answer).increment(1);
}
