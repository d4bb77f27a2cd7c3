//! `GET /internal/revocations`: what was revoked since a number. Every replica
//! of every service asks each second.

use axum::extract::State;
use plaza_kit::{
    feed::{FeedAnswer, FeedQuery},
    http::{Json, Query, Reject},
    token::{Revocation, ServiceCaller},
};

use crate::{
    app::App,
    storage::revocations::{self, FeedError},
};

impl From<FeedError> for Reject {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Database(error) => Self::database(&error),
            error @ FeedError::NotMigrated => Self::internal(&error),
        }
    }
}

pub(super) async fn handle(
    State(app): State<App>,
    _: ServiceCaller,
    Query(query): Query<FeedQuery>,
) -> Result<Json<FeedAnswer<Revocation>>, Reject> {
    Ok(Json(revocations::answer(&app.pool, query).await?))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::{Answer, Request, service_tokens};
    use serde_json::json;

    use crate::testing::Installation;

    async fn ask(installation: &Installation, query: &str) -> Answer {
        let token = service_tokens("rooms").sign().unwrap();
        let request = Request::get(format!("/internal/revocations{query}")).bearer(token);
        request.send(&installation.router).await
    }

    #[tokio::test]
    async fn a_logout_is_in_the_feed_once_and_then_no_more() {
        let installation = Installation::new().await;
        let epoch = installation.epoch;
        let nothing = ask(&installation, "").await.expect(StatusCode::OK).json();
        assert_eq!(
            nothing,
            json!({ "epoch": epoch, "last": 0, "replace": true, "entries": [] })
        );

        let ada = installation.register("ada").await;
        let session = installation
            .app
            .verifier
            .verify(&ada.access_token)
            .unwrap()
            .sid;
        let logout = Request::post("/v1/logout")
            .bearer(&ada.access_token)
            .json(&json!({}));
        logout
            .send(&installation.router)
            .await
            .expect(StatusCode::NO_CONTENT);

        let news = ask(&installation, &format!("?since=0&epoch={epoch}"))
            .await
            .json();
        let entry = json!({ "number": 1, "kind": "session", "id": session });
        assert_eq!(
            news,
            json!({ "epoch": epoch, "last": 1, "replace": false, "entries": [entry] })
        );
        let none = ask(&installation, &format!("?since=1&epoch={epoch}"))
            .await
            .json();
        assert_eq!(
            none,
            json!({ "epoch": epoch, "last": 1, "replace": false, "entries": [] })
        );
    }

    #[tokio::test]
    async fn it_is_for_services_only() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        let without = Request::get("/internal/revocations")
            .send(&installation.router)
            .await;
        assert_eq!(without.code(), "UNAUTHENTICATED");
        let user = Request::get("/internal/revocations").bearer(&ada.access_token);
        assert_eq!(
            user.send(&installation.router).await.code(),
            "UNAUTHENTICATED"
        );
    }

    #[tokio::test]
    async fn a_malformed_query_is_refused() {
        let installation = Installation::new().await;
        for query in ["?since=x", "?epoch=x", "?since=99999999999999999999"] {
            assert_eq!(
                ask(&installation, query).await.code(),
                "BAD_USER_INPUT",
                "{query}"
            );
        }
    }
}
