//! `POST /v1/refresh`: rotates a session's tokens.

use axum::extract::State;
use plaza_clients::auth::{Grant, RefreshToken as Body};
use plaza_kit::{
    http::{Json, Reject},
    token::{Revocation, TokenError},
};

use super::grant::{OpenError, grant};
use crate::{
    app::App,
    domain::{
        refresh_token::{ForeignToken, RefreshToken},
        rotation::{Refusal, Step, step},
    },
    storage::sessions,
};

/// Why no tokens were given.
#[derive(Debug, thiserror::Error)]
enum RefreshError {
    #[error("no refresh token")]
    Missing,
    #[error("not a refresh token of this installation")]
    Foreign(#[from] ForeignToken),
    #[error("there is no such session any more")]
    Unknown,
    #[error("the session is over: {0:?}")]
    Over(Refusal),
    #[error("a replaced token was used again")]
    Reused,
    #[error("no tokens")]
    Grant(#[from] OpenError),
}

impl From<sqlx::Error> for RefreshError {
    fn from(error: sqlx::Error) -> Self {
        Self::Grant(error.into())
    }
}

impl RefreshError {
    /// A bounded label for metrics.
    const fn label(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Foreign(_) => "foreign",
            Self::Unknown => "unknown",
            Self::Over(Refusal::Revoked) => "revoked",
            Self::Over(Refusal::Expired) => "expired",
            Self::Over(Refusal::Disabled) => "disabled",
            Self::Reused => "reused",
            Self::Grant(_) => "failed",
        }
    }
}

impl From<RefreshError> for Reject {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Missing => Self(TokenError::Missing.into()),
            RefreshError::Foreign(_) => Self(TokenError::Invalid.into()),
            RefreshError::Unknown | RefreshError::Over(_) | RefreshError::Reused => {
                Self(TokenError::Revoked.into())
            }
            RefreshError::Grant(error) => error.into(),
        }
    }
}

/// Gives the grant and a bounded label of how it came about.
async fn refresh(app: &App, input: Body) -> Result<(Grant, &'static str), RefreshError> {
    let text = input.refresh_token.ok_or(RefreshError::Missing)?;
    let presented = app.refresh_key.read(&text)?;
    let session = presented.session;

    let mut transaction = app.pool.begin().await?;
    let locked = sessions::lock(&mut transaction, session)
        .await?
        .ok_or(RefreshError::Unknown)?;
    let (generation, expires_at, label) = match step(locked.standing, presented.generation) {
        Step::Rotate(next) => {
            let lifetime = app.policy.session_lifetime;
            let expires_at = sessions::rotate(&mut transaction, session, next, lifetime).await?;
            (next, expires_at, "rotated")
        }
        Step::Repeat(present) => (present, locked.expires_at, "repeated"),
        Step::Refuse(refusal) => return Err(RefreshError::Over(refusal)),
        Step::EndForReuse => {
            sessions::end(&mut transaction, &[session]).await?;
            transaction.commit().await?;
            app.ended(Revocation::Session(session));
            tracing::warn!(
                %session,
                user = %locked.user.id,
                "a replaced refresh token was used again: the session was ended"
            );
            return Err(RefreshError::Reused);
        }
    };
    let token = RefreshToken {
        session,
        generation,
    };
    // Signed before the commit: without a key nothing is rotated.
    let grant =
        grant(app, locked.user, locked.synthetic, token, expires_at).map_err(OpenError::from)?;
    transaction.commit().await?;
    Ok((grant, label))
}

pub(super) async fn handle(
    State(app): State<App>,
    Json(input): Json<Body>,
) -> Result<Json<Grant>, Reject> {
    let result = refresh(&app, input).await;
    let label = match &result {
        Ok((_, label)) => label,
        Err(error) => error.label(),
    };
    metrics::counter!("plaza_refreshes_total", "result" => label).increment(1);
    let (grant, _) = result?;
    Ok(Json(grant))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::{Answer, Request};
    use plaza_types::SessionId;
    use serde_json::json;

    use super::*;
    use crate::testing::Installation;

    async fn refresh(installation: &Installation, token: &str) -> Answer {
        let request = Request::post("/v1/refresh").json(&json!({ "refreshToken": token }));
        request.send(&installation.router).await
    }

    async fn refreshed(installation: &Installation, token: &str) -> Grant {
        let answer = refresh(installation, token).await;
        answer.expect(StatusCode::OK).parse()
    }

    fn session(installation: &Installation, grant: &Grant) -> SessionId {
        let token = &grant.refresh_token;
        installation.app.refresh_key.read(token).unwrap().session
    }

    #[tokio::test]
    async fn a_refresh_rotates_and_prolongs_the_session() {
        let installation = Installation::new().await;
        let first = installation.register("ada").await;
        let second = refreshed(&installation, &first.refresh_token).await;
        assert_ne!(first.refresh_token, second.refresh_token);
        assert!(second.refresh_expires_at > first.refresh_expires_at);
        assert_eq!(second.user, first.user);
        let sid = |grant: &Grant| {
            installation
                .app
                .verifier
                .verify(&grant.access_token)
                .unwrap()
                .sid
        };
        assert_eq!(sid(&first), sid(&second));
        let third = refreshed(&installation, &second.refresh_token).await;
        assert_ne!(second.refresh_token, third.refresh_token);
        assert_eq!(installation.rows().await, (1, 1));
    }

    async fn concurrent_refreshes_get_one_successor(tries: usize) {
        let installation = Installation::new().await;
        let first = installation.register("ada").await;
        let tries = (0..tries).map(|_| refreshed(&installation, &first.refresh_token));
        let grants = futures::future::join_all(tries).await;
        let successor = &grants[0].refresh_token;
        assert!(grants.iter().all(|grant| grant.refresh_token == *successor));
        // All of them are logged in and stay so.
        for grant in &grants {
            installation
                .app
                .verifier
                .verify(&grant.access_token)
                .unwrap();
        }
        refreshed(&installation, successor).await;
    }

    #[tokio::test]
    async fn two_concurrent_refreshes_stay_logged_in_with_the_same_successor() {
        concurrent_refreshes_get_one_successor(2).await;
    }

    #[tokio::test]
    async fn ten_concurrent_refreshes_stay_logged_in_with_the_same_successor() {
        concurrent_refreshes_get_one_successor(10).await;
    }

    #[tokio::test]
    async fn a_refresh_whose_answer_was_lost_can_be_sent_again() {
        let installation = Installation::new().await;
        let first = installation.register("ada").await;
        let lost = refreshed(&installation, &first.refresh_token).await;
        installation
            .age_rotation(session(&installation, &first), 29)
            .await;
        let again = refreshed(&installation, &first.refresh_token).await;
        assert_eq!(again.refresh_token, lost.refresh_token);
        assert_eq!(again.refresh_expires_at, lost.refresh_expires_at);
        refreshed(&installation, &again.refresh_token).await;
    }

    #[tokio::test]
    async fn a_token_replaced_thirty_seconds_ago_ends_the_session() {
        let installation = Installation::new().await;
        let first = installation.register("ada").await;
        let second = refreshed(&installation, &first.refresh_token).await;
        installation
            .age_rotation(session(&installation, &first), 31)
            .await;
        assert_eq!(
            refresh(&installation, &first.refresh_token).await.code(),
            "UNAUTHENTICATED"
        );
        // Neither the thief nor the owner goes on, by either token.
        assert_eq!(
            refresh(&installation, &second.refresh_token).await.code(),
            "UNAUTHENTICATED"
        );
        assert_eq!(
            installation.app.verifier.verify(&second.access_token),
            Err(TokenError::Revoked)
        );
        assert_eq!(
            installation.revoked().await,
            [session(&installation, &first)]
        );
    }

    #[tokio::test]
    async fn a_token_replaced_twice_ends_the_session_at_once() {
        let installation = Installation::new().await;
        let first = installation.register("ada").await;
        let second = refreshed(&installation, &first.refresh_token).await;
        let third = refreshed(&installation, &second.refresh_token).await;
        assert_eq!(
            refresh(&installation, &first.refresh_token).await.code(),
            "UNAUTHENTICATED"
        );
        assert_eq!(
            refresh(&installation, &third.refresh_token).await.code(),
            "UNAUTHENTICATED"
        );
        assert_eq!(
            installation.revoked().await,
            [session(&installation, &first)]
        );
    }

    #[tokio::test]
    async fn a_refresh_decides_by_what_was_committed_while_it_waited() {
        let installation = Installation::new().await;
        let first = installation.register("ada").await;
        let other = installation
            .set_generation(session(&installation, &first), 2)
            .await;
        let (answer, ()) = futures::join!(refresh(&installation, &first.refresh_token), async {
            installation.waits_for_a_lock().await;
            other.commit().await.unwrap();
        });
        assert_eq!(answer.code(), "UNAUTHENTICATED");
        assert_eq!(installation.revoked().await.len(), 1);
    }

    #[tokio::test]
    async fn reuse_ends_that_session_alone() {
        let installation = Installation::new().await;
        let first = installation.register("ada").await;
        let other = installation.login("ada").await;
        let second = refreshed(&installation, &first.refresh_token).await;
        refreshed(&installation, &second.refresh_token).await;
        refresh(&installation, &first.refresh_token).await;
        refreshed(&installation, &other.refresh_token).await;
    }

    #[tokio::test]
    async fn an_expired_session_and_a_disabled_account_are_refused() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        installation.expire(session(&installation, &ada)).await;
        assert_eq!(
            refresh(&installation, &ada.refresh_token).await.code(),
            "UNAUTHENTICATED"
        );
        let eve = installation.register("eve").await;
        installation.disable(eve.user.id).await;
        assert_eq!(
            refresh(&installation, &eve.refresh_token).await.code(),
            "UNAUTHENTICATED"
        );
        assert!(installation.revoked().await.is_empty());
    }

    #[tokio::test]
    async fn what_is_no_token_of_ours_is_refused_and_changes_nothing() {
        let installation = Installation::new().await;
        let grant = installation.register("ada").await;
        let elsewhere = Installation::new().await.register("ada").await;
        let mut changed = grant.refresh_token.clone();
        let last = if changed.pop() == Some('A') { 'E' } else { 'A' };
        changed.push(last);
        for token in [
            "",
            "garbage",
            "\0",
            "\u{202e}",
            &"x".repeat(100_000),
            &changed,
            &grant.access_token,
        ] {
            let answer = refresh(&installation, token).await;
            assert_eq!(answer.code(), "UNAUTHENTICATED", "{token:.40}");
        }
        // Signed by the same key, but of a session that is not here.
        assert_eq!(
            refresh(&installation, &elsewhere.refresh_token)
                .await
                .code(),
            "UNAUTHENTICATED"
        );
        for (body, code) in [
            ("{}", "UNAUTHENTICATED"),
            (r#"{"refreshToken":null}"#, "UNAUTHENTICATED"),
            (r#"{"refreshToken":1}"#, "BAD_USER_INPUT"),
            (r#"{"refreshToken":["a"]}"#, "BAD_USER_INPUT"),
            (r#"{"refreshToken":"\ud800"}"#, "BAD_USER_INPUT"),
            ("", "BAD_USER_INPUT"),
        ] {
            let request = Request::post("/v1/refresh").body("application/json", body);
            assert_eq!(
                request.send(&installation.router).await.code(),
                code,
                "{body}"
            );
        }
        refreshed(&installation, &grant.refresh_token).await;
    }

    #[tokio::test]
    async fn a_lost_database_is_unavailable_and_signs_nobody_out() {
        let installation = Installation::new().await;
        let grant = installation.register("ada").await;
        installation.pool.close().await;
        assert_eq!(
            refresh(&installation, &grant.refresh_token).await.code(),
            "UNAVAILABLE"
        );
    }
}
