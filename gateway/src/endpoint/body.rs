//! Reading a request's body, and refusing one that is no GraphQL request.

use async_graphql::Request;
use axum::{
    Json,
    extract::rejection::BytesRejection,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use plaza_types::{ApiError, Code};
use serde_json::json;

/// A request that never became a GraphQL operation. Its body has the shape of
/// a GraphQL answer, so that clients read all errors alike.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    error: ApiError,
}

impl Refusal {
    pub(super) const fn new(status: StatusCode, error: ApiError) -> Self {
        Self { status, error }
    }

    fn input(status: StatusCode, message: &str) -> Self {
        Self::new(status, ApiError::new(Code::BadUserInput, message))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "errors": [{
            "message": self.error.message,
            "extensions": { "code": self.error.code },
        }] });
        (
            self.status,
            [(header::CACHE_CONTROL, "no-store")],
            Json(body),
        )
            .into_response()
    }
}

/// The single request of a JSON body.
pub(super) fn read(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Request, Refusal> {
    if !is_json(headers) {
        return Err(Refusal::input(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body must be JSON: set content-type: application/json.",
        ));
    }
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Refusal::input(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large.")
        }
        _ => Refusal::input(StatusCode::BAD_REQUEST, "The body cannot be read."),
    })?;
    // serde would take an array for a struct, field by field.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(Refusal::input(
            StatusCode::BAD_REQUEST,
            "Send one operation a request: batches are not taken.",
        ));
    }
    serde_json::from_slice::<Request>(&body).map_err(|error| {
        Refusal::input(
            StatusCode::BAD_REQUEST,
            if error.is_data() {
                "The body must be an object with a query, and optionally variables and an operationName."
            } else {
                "The body is not valid JSON."
            },
        )
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
