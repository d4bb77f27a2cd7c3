//! The HTTP answer: errors get their codes here, and nothing else of them
//! leaves.

use async_graphql::{ErrorExtensionValues, Response as Answer, ServerError};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use plaza_kit::{http::Operation, trace};
use plaza_types::{ApiError, Code};

/// Most errors of one answer.
const MAX_ERRORS: usize = 20;
/// Longest message, in characters: validation repeats what was sent.
const MAX_MESSAGE_CHARS: usize = 500;

/// The answer with its cookie.
pub(super) fn response(
    operation: &'static str,
    mut answer: Answer,
    cookie: Option<HeaderValue>,
) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Some(cookie) = cookie {
        headers.insert(header::SET_COOKIE, cookie);
    }
    let trace_id = trace::trace_id();
    answer.errors.truncate(MAX_ERRORS);
    let mut wait_ms = None;
    for error in &mut answer.errors {
        let refusal = refusal(error);
        metrics::counter!("plaza_graphql_errors_total",
            "operation" => operation, "code" => refusal.code.as_str())
        .increment(1);
        if matches!(refusal.code, Code::RateLimited | Code::Unavailable) {
            wait_ms = wait_ms.max(refusal.retry_after_ms);
        }
        write(error, &refusal, trace_id.as_deref());
    }
    if let Some(ms) = wait_ms {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
    }
    let body = serde_json::to_vec(&answer).unwrap_or_else(|error| {
        tracing::error!(%error, "an answer cannot be written as JSON");
        br#"{"errors":[{"message":"Something went wrong on our side. Try again.","extensions":{"code":"INTERNAL"}}]}"#.to_vec()
    });
    let mut response = (headers, body).into_response();
    response
        .extensions_mut()
        .insert(Operation(operation.into()));
    response
}

/// What an error means to the caller. Ours carry it; the library's are about
/// the document and its variables.
fn refusal(error: &ServerError) -> ApiError {
    if let Some(refusal) = error.source::<ApiError>() {
        return refusal.clone();
    }
    if error.source.is_some() {
        tracing::error!(
            error = error.message,
            "a resolver failed with an error without a code"
        );
        return ApiError::internal();
    }
    ApiError::new(
        Code::BadUserInput,
        error
            .message
            .chars()
            .take(MAX_MESSAGE_CHARS)
            .collect::<String>(),
    )
}

fn write(error: &mut ServerError, refusal: &ApiError, trace_id: Option<&str>) {
    error.message.clone_from(&refusal.message);
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", refusal.code.as_str());
    if let Some(field) = &refusal.field {
        extensions.set("field", field.as_str());
    }
    if let Some(ms) = refusal.retry_after_ms {
        extensions.set("retryAfterMs", ms);
    }
    if let Some(trace_id) = trace_id {
        extensions.set("traceId", trace_id);
    }
    error.extensions = Some(extensions);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn of(source: ApiError) -> ServerError {
        ServerError {
            source: Some(Arc::new(source.clone())),
            ..ServerError::new(source.message, None)
        }
    }

    async fn errors_of(response: Response) -> serde_json::Value {
        let body = axum::body::to_bytes(response.into_body(), 65_536)
            .await
            .unwrap();
        serde_json::from_slice::<serde_json::Value>(&body).unwrap()["errors"].clone()
    }

    #[tokio::test]
    async fn the_longest_wait_becomes_retry_after() {
        let errors = vec![
            of(ApiError::unavailable(1_000)),
            of(ApiError::rate_limited(2_500)),
        ];
        let response = response("Rooms", Answer::from_errors(errors), None);
        assert_eq!(response.headers()[header::RETRY_AFTER], "3");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        let errors = errors_of(response).await;
        assert_eq!(errors[0]["extensions"]["code"], "UNAVAILABLE");
        assert_eq!(errors[1]["extensions"]["retryAfterMs"], 2_500);
    }

    #[tokio::test]
    async fn an_error_without_a_code_never_shows_its_text() {
        let secret = ServerError {
            source: Some(Arc::new("relation \"users\" does not exist")),
            ..ServerError::new("relation \"users\" does not exist", None)
        };
        let errors = errors_of(response("other", Answer::from_errors(vec![secret]), None)).await;
        assert_eq!(errors[0]["extensions"]["code"], "INTERNAL");
        assert!(!errors.to_string().contains("relation"));
    }

    #[tokio::test]
    async fn an_answer_has_a_bounded_number_of_errors_of_bounded_length() {
        let long = ServerError::new("x".repeat(100_000), None);
        let errors = errors_of(response(
            "other",
            Answer::from_errors(vec![long; 1_000]),
            None,
        ))
        .await;
        assert_eq!(errors.as_array().unwrap().len(), MAX_ERRORS);
        assert_eq!(
            errors[0]["message"].as_str().unwrap().len(),
            MAX_MESSAGE_CHARS
        );
        assert_eq!(errors[0]["extensions"]["code"], "BAD_USER_INPUT");
    }
}
