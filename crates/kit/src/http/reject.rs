use std::error::Error;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use plaza_types::{ApiError, Code, TextError};
use serde_json::json;

/// A refused request. Each module's error turns into it at the edge.
#[derive(Debug, Clone)]
pub struct Reject(pub ApiError);

impl Reject {
    /// A defect or a lost dependency of ours: the cause is logged here, once,
    /// with its whole chain; the caller learns only that it was not their fault.
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = chain(error), "a request failed");
        Self(ApiError::internal())
    }

    /// A dependency that does not answer: UNAVAILABLE, and trying again is right.
    pub fn unavailable(error: &(dyn Error + 'static)) -> Self {
        tracing::warn!(error = chain(error), "a dependency does not answer");
        Self(ApiError::unavailable(1_000))
    }

    /// A database error: UNAVAILABLE when the database cannot be reached or is
    /// overloaded, else INTERNAL.
    pub fn database(error: &sqlx::Error) -> Self {
        if crate::db::is_unavailable(error) {
            Self::unavailable(error)
        } else {
            Self::internal(error)
        }
    }

    /// BAD_USER_INPUT for a text that breaks its rule.
    pub fn text(field: &str, error: &TextError) -> Self {
        Self(ApiError::bad_input(field, error.to_string()))
    }
}

/// An error and everything under it, in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl From<ApiError> for Reject {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Reject {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let status = StatusCode::from_u16(error.code.http_status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        let headers = response.headers_mut();
        if let Some(ms) = error.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
        }
        if error.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
