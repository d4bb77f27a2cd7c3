//! W3C Trace Context: one trace from the browser's request to the publication.
//! The text travels as the `traceparent` header, in outbox rows and in stream
//! entries.

use std::collections::HashMap;

use opentelemetry::{propagation::TextMapPropagator, trace::TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The header's name.
pub const TRACEPARENT: &str = "traceparent";

/// The present span as `traceparent`; none where nothing is traced.
pub fn current() -> Option<String> {
    of(&Span::current())
}

/// A span as `traceparent`.
pub fn of(span: &Span) -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// The present trace's id in hex, for log lines and error answers.
pub fn trace_id() -> Option<String> {
    let context = Span::current().context();
    let span = context.span().span_context().clone();
    span.is_valid().then(|| span.trace_id().to_string())
}

/// Continues in `span` the trace that came from outside. A malformed text is ignored.
pub fn set_parent(span: &Span, traceparent: &str) {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    // An error means that the span is disabled: nothing to continue.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
}

/// Links `span`, which serves many traces at once, to one of them.
pub fn link(span: &Span, traceparent: &str) {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&carrier);
    span.add_link(context.span().span_context().clone());
}
