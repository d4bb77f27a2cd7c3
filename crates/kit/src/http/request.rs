use std::{borrow::Cow, time::Instant};

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use crate::trace;

/// Put into a response's extensions to name what was asked in the log line
/// and in the metrics (a GraphQL operation). Must come from a bounded set.
#[derive(Debug, Clone)]
pub struct Operation(pub Cow<'static, str>);

/// Continues the caller's trace, writes one log line and measures the request
/// (rate, errors, duration by route).
pub async fn observe(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = method_label(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!(target: "plaza", "http.request", otel.kind = "server",
        otel.name = format!("{method} {route}"), http.response.status_code = tracing::field::Empty);
    if let Some(parent) = request
        .headers()
        .get(trace::TRACEPARENT)
        .and_then(|value| value.to_str().ok())
    {
        trace::set_parent(&span, parent);
    }

    let (response, trace_id) = async {
        let response = next.run(request).await;
        (response, trace::trace_id())
    }
    .instrument(span.clone())
    .await;

    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    let elapsed = begun.elapsed();
    let operation = response
        .extensions()
        .get::<Operation>()
        .map(|operation| operation.0.clone());
    let labels = [
        ("method", Cow::from(method)),
        ("route", route.clone().into()),
        ("operation", operation.clone().unwrap_or_default()),
        ("status", status.to_string().into()),
    ];
    metrics::counter!("plaza_http_requests_total", &labels).increment(1);
    metrics::histogram!("plaza_http_request_duration_seconds", &labels[..3])
        .record(elapsed.as_secs_f64());
    let elapsed_ms = elapsed.as_secs_f64() * 1_000.0;
    let operation = operation.as_deref();
    // What replicas ask each second would bury the rest.
    if status < 400 && is_routine(&route) {
        tracing::debug!(target: "plaza::request", status, elapsed_ms, trace_id, "{method} {route} {status}");
    } else {
        tracing::info!(target: "plaza::request", status, elapsed_ms, operation, trace_id, "{method} {route} {status}");
    }
    response
}

fn is_routine(route: &str) -> bool {
    matches!(
        route,
        "/jwks" | "/internal/revocations" | "/internal/removals" | "/internal/centrifugo/subscribe"
    )
}

/// The method as a label: a client may send any word.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
