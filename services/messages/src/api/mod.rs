//! The API of messages: one file an endpoint, with its refusals.

mod changes;
mod delete;
mod edit;
mod heads;
mod history;
mod lookup;
mod own;
mod read;
mod send;
#[cfg(test)]
mod tokens;

use std::{collections::HashSet, sync::Arc};

use axum::{
    Router,
    extract::FromRef,
    routing::{get, patch, post},
};
use plaza_kit::{http::Reject, token::Verifier};
use plaza_types::RoomId;

use crate::{
    access::Gate,
    storage::{StorageError, Store},
};

/// What the endpoints work with.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Who may read and write.
    pub gate: Arc<Gate>,
    /// Who is who.
    pub verifier: Verifier,
}

impl FromRef<Parts> for Verifier {
    fn from_ref(parts: &Parts) -> Self {
        parts.verifier.clone()
    }
}

/// The routes; [`plaza_kit::http::edge`] goes around them.
pub fn routes(parts: Parts) -> Router {
    Router::new()
        .route(
            "/v1/rooms/{room}/messages",
            get(history::handle).post(send::handle),
        )
        .route("/v1/rooms/{room}/changes", get(changes::handle))
        .route("/v1/rooms/{room}/read", post(read::handle))
        .route("/v1/heads", post(heads::handle))
        .route("/v1/messages/lookup", post(lookup::handle))
        .route(
            "/v1/messages/{id}",
            patch(edit::handle).delete(delete::handle),
        )
        .with_state(parts)
}

impl From<StorageError> for Reject {
    fn from(error: StorageError) -> Self {
        Self::from(&error)
    }
}

impl From<&StorageError> for Reject {
    fn from(error: &StorageError) -> Self {
        match error {
            StorageError::Database(cause) if plaza_kit::db::is_unavailable(cause) => {
                Self::unavailable(error)
            }
            StorageError::Shared(error) => Self::from(&**error),
            StorageError::Group(_) => Self::unavailable(error),
            _ => Self::internal(error),
        }
    }
}

/// The rooms without repetitions, in the order in which they come first.
fn distinct(rooms: impl IntoIterator<Item = RoomId>) -> Vec<RoomId> {
    let mut seen = HashSet::new();
    rooms
        .into_iter()
        .filter(|room| seen.insert(*room))
        .collect()
}
