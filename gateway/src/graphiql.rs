//! GraphiQL for development. It loads from a CDN and is inline, so its page
//! has a policy of its own.

use async_graphql::http::GraphiQLSource;
use axum::{
    Router,
    response::{Html, IntoResponse},
    routing::get,
};
use http::header;

const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline' https://unpkg.com; \
                      style-src 'unsafe-inline' https://unpkg.com; font-src data: https://unpkg.com; \
                      img-src 'self' data: https://graphql.org; connect-src 'self'; worker-src blob:; \
                      frame-ancestors 'none'; base-uri 'none'";

/// `/graphiql`.
pub(crate) fn routes() -> Router {
    let page = GraphiQLSource::build()
        .endpoint("/graphql")
        .title("Plaza GraphiQL")
        .finish();
    Router::new().route(
        "/graphiql",
        get(|| async move {
            (
                [
                    (header::CONTENT_SECURITY_POLICY, POLICY),
                    (header::CACHE_CONTROL, "no-store"),
                ],
                Html(page.clone()),
            )
                .into_response()
        }),
    )
}
