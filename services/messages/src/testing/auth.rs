//! Auth as messages sees it: keys, and nobody revoked.

use axum::{Router, routing::get};
use plaza_kit::{
    feed::FeedAnswer,
    http::Json,
    token::{PublicJwks, Revocation},
};
use plaza_testkit::Issuer;
use plaza_types::Epoch;
use tokio::net::TcpListener;

/// Serves the issuer's keys; gives the base URL.
pub(crate) async fn serve_auth(issuer: &Issuer) -> String {
    let (jwks, epoch) = (issuer.jwks(), Epoch::new());
    let routes = Router::new()
        .route("/jwks", get(async move || Json::<PublicJwks>(jwks)))
        .route(
            "/internal/revocations",
            get(async move || {
                Json(FeedAnswer::<Revocation> {
                    epoch,
                    last: 0,
                    replace: true,
                    entries: Vec::new(),
                })
            }),
        );
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}
