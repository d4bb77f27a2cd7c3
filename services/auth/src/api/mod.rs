//! The HTTP API: a file an endpoint, with its error, handler and tests.

mod connection_token;
mod grant;
mod jwks;
mod login;
mod logout;
mod me;
mod named;
mod refresh;
mod register;
mod revocations;
mod sessions;
mod subscription_tokens;
mod users;

use axum::{
    Router,
    routing::{delete, get, post},
};
use plaza_kit::http::Reject;
use plaza_types::ApiError;

use crate::{
    app::App,
    keys::SignError,
    passwords::{PasswordError, RETRY_AFTER_MS},
};

/// All routes, without the limits and the log that every service's edge has.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/v1/register", post(register::handle))
        .route("/v1/login", post(login::handle))
        .route("/v1/refresh", post(refresh::handle))
        .route("/v1/logout", post(logout::handle))
        .route("/v1/me", get(me::handle))
        .route("/v1/sessions", get(sessions::list))
        .route("/v1/sessions/{id}", delete(sessions::revoke))
        .route("/v1/users/lookup", post(users::handle))
        .route("/v1/users/named", post(named::handle))
        .route("/v1/connection-token", post(connection_token::handle))
        .route("/v1/subscription-tokens", post(subscription_tokens::handle))
        .route("/jwks", get(jwks::handle))
        .route("/internal/revocations", get(revocations::handle))
        .with_state(app)
}

impl From<PasswordError> for Reject {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self(ApiError::rate_limited(RETRY_AFTER_MS)),
            error => Self::internal(&error),
        }
    }
}

impl From<SignError> for Reject {
    fn from(error: SignError) -> Self {
        match error {
            SignError::NotLoaded => Self::unavailable(&error),
            error => Self::internal(&error),
        }
    }
}
