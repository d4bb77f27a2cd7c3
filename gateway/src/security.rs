//! Headers that every answer carries.

use axum::Router;
use http::{HeaderName, HeaderValue, header, header::InvalidHeaderValue};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::RealtimeEndpoint;

const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
                           magnetometer=(), microphone=(), midi=(), payment=(), usb=()";

/// What the page may load and reach: its own host, and real time where that
/// is another's. Nothing inline, and nobody frames it.
pub(crate) fn content_security_policy(realtime: Option<&RealtimeEndpoint>) -> String {
    let elsewhere = realtime
        .and_then(RealtimeEndpoint::origin)
        .map(|origin| format!(" {origin}"))
        .unwrap_or_default();
    format!(
        "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'{elsewhere}; \
         img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
    )
}

/// Adds the headers to all routes; what an answer sets itself stays.
pub(crate) fn secured(
    routes: Router,
    realtime: Option<&RealtimeEndpoint>,
) -> Result<Router, InvalidHeaderValue> {
    let policy = HeaderValue::from_str(&content_security_policy(realtime))?;
    let fixed =
        |name: HeaderName, value: HeaderValue| SetResponseHeaderLayer::if_not_present(name, value);
    let text = HeaderValue::from_static;
    Ok(routes
        .layer(fixed(header::CONTENT_SECURITY_POLICY, policy))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, text("nosniff")))
        .layer(fixed(header::REFERRER_POLICY, text("same-origin")))
        .layer(fixed(
            HeaderName::from_static("permissions-policy"),
            text(PERMISSIONS),
        ))
        .layer(fixed(
            HeaderName::from_static("cross-origin-opener-policy"),
            text("same-origin"),
        ))
        .layer(fixed(
            HeaderName::from_static("cross-origin-resource-policy"),
            text("same-origin"),
        )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_nothing_inline_and_real_time_only_where_it_is() {
        let same: RealtimeEndpoint = "/connection/websocket".parse().unwrap();
        let other: RealtimeEndpoint = "wss://rt.example/connection/websocket".parse().unwrap();
        for policy in [
            content_security_policy(None),
            content_security_policy(Some(&same)),
        ] {
            assert!(policy.contains("connect-src 'self';"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
        }
        let policy = content_security_policy(Some(&other));
        assert!(
            policy.contains("connect-src 'self' wss://rt.example;"),
            "{policy}"
        );
    }
}
