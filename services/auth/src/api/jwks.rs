//! `GET /jwks`: the public keys. Anyone can make Centrifugo ask for them (an
//! unknown key id is looked up each time), so the answer is ready in memory.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use plaza_kit::http::Reject;

use crate::{app::App, keys::SignError};

/// A key is published for longer than this before it signs.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=15");
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/json");

pub(super) async fn handle(State(app): State<App>) -> Result<Response, Reject> {
    let document = app.keys.document().ok_or(SignError::NotLoaded)?;
    let headers = [
        (header::CONTENT_TYPE, CONTENT_TYPE),
        (header::CACHE_CONTROL, CACHE_CONTROL),
    ];
    Ok((headers, document).into_response())
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_kit::token::PublicJwks;
    use plaza_testkit::Request;

    use crate::testing::Installation;

    #[tokio::test]
    async fn two_keys_for_signatures_are_published_with_or_without_the_database() {
        let installation = Installation::new().await;
        installation.pool.close().await;
        let answer = Request::get("/jwks").send(&installation.router).await;
        let answer = answer.expect(StatusCode::OK);
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["cache-control"], "public, max-age=15");
        assert!(!answer.text().contains("\"d\""), "a private half");
        let jwks: PublicJwks = answer.parse();
        assert_eq!(jwks.keys.len(), 2);
        for key in jwks.keys {
            assert_eq!((key.usage.as_str(), key.alg.as_str()), ("sig", "ES256"));
            assert_eq!((key.x.len(), key.y.len()), (43, 43));
        }
    }

    #[tokio::test]
    async fn before_the_keys_are_known_the_answer_is_unavailable() {
        let router = Installation::new().await.router_without_keys();
        let answer = Request::get("/jwks").send(&router).await;
        assert_eq!(answer.code(), "UNAVAILABLE");
    }
}
