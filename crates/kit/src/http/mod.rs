//! The edge of every service: JSON in and out, errors as
//! `{"error":{"code":…,"message":…}}`, one log line and one measurement a request.

mod json;
mod linger;
mod reject;
mod request;

pub use json::{Json, Path, Query};
pub use reject::{Reject, chain};
pub use request::{Operation, observe};

use std::time::Duration;

use axum::{Router, extract::DefaultBodyLimit, middleware};
use plaza_types::{ApiError, Code};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

/// Wraps a service's routes in what each of them needs: coded 404s, body and
/// time limits, panics turned into a coded error, the request log and metrics.
pub fn edge(routes: Router, request_timeout: Duration, max_body_bytes: usize) -> Router {
    routes
        .fallback(|| async {
            Reject(ApiError::new(
                Code::NotFound,
                "There is nothing at this address.",
            ))
        })
        .method_not_allowed_fallback(|| async {
            Reject(ApiError::new(
                Code::BadUserInput,
                "This address does not take that method.",
            ))
        })
        .layer(DefaultBodyLimit::max(max_body_bytes))
        .layer(TimeoutLayer::with_status_code(
            http::StatusCode::GATEWAY_TIMEOUT,
            request_timeout,
        ))
        .layer(CatchPanicLayer::custom(
            |_: Box<dyn std::any::Any + Send>| {
                use axum::response::IntoResponse;
                tracing::error!("a handler panicked");
                Reject(ApiError::internal()).into_response()
            },
        ))
        .layer(middleware::from_fn(linger::linger))
        .layer(middleware::from_fn(observe))
}
