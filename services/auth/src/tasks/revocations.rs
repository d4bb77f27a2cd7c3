//! Keeps the revocations in memory as the database has them: those of other
//! replicas too.

use plaza_kit::{feed, health::Readiness, shutdown::Shutdown};

use crate::{app::App, storage::revocations::answer};

/// Asks auth's own database each second, as other services ask auth.
pub(crate) fn follow_revocations(app: &App, readiness: Readiness, shutdown: &Shutdown) {
    let pool = app.pool.clone();
    feed::poll(
        "revocations",
        app.verifier.revocations().clone(),
        move |query| {
            let pool = pool.clone();
            async move { answer(&pool, query).await }
        },
        readiness,
        shutdown,
    );
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;
    use plaza_kit::token::TokenError;
    use plaza_testkit::{Request, eventually};
    use serde_json::json;

    use super::*;
    use crate::testing::Installation;

    #[tokio::test]
    async fn a_logout_at_one_replica_holds_at_the_others() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        let other = installation.replica().await;
        let shutdown = Shutdown::new();
        let readiness = Readiness::new(&shutdown, &["revocations"]);
        follow_revocations(&other, readiness.clone(), &shutdown);
        eventually(Duration::from_secs(10), async || readiness.is_ready()).await;
        other.verifier.verify(&ada.access_token).unwrap();

        let logout = Request::post("/v1/logout")
            .bearer(&ada.access_token)
            .json(&json!({}));
        logout
            .send(&installation.router)
            .await
            .expect(StatusCode::NO_CONTENT);
        eventually(Duration::from_secs(10), async || {
            other.verifier.verify(&ada.access_token) == Err(TokenError::Revoked)
        })
        .await;
        shutdown.begin();
        shutdown.drain(Duration::from_secs(5)).await.unwrap();
    }
}
