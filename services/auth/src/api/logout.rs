//! `POST /v1/logout`: ends a session, by its access token, its refresh token
//! or both. What has ended already ends again without complaint.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use plaza_clients::auth::RefreshToken as Body;
use plaza_kit::{
    http::{Json, Reject},
    token::{Caller, Revocation, TokenError},
};
use plaza_types::SessionId;

use crate::{app::App, storage::sessions};

/// Why no session was ended.
#[derive(Debug, thiserror::Error)]
enum LogoutError {
    /// Neither token names a session; this is about the access token.
    #[error("no token names a session")]
    Token(#[from] TokenError),
    #[error("the session cannot be ended")]
    Database(#[from] sqlx::Error),
}

impl From<LogoutError> for Reject {
    fn from(error: LogoutError) -> Self {
        match error {
            LogoutError::Token(error) => Self(error.into()),
            LogoutError::Database(error) => Self::database(&error),
        }
    }
}

/// The sessions that the tokens name. A refresh token of any generation names
/// its session: whoever holds one may end it.
fn named(app: &App, headers: &HeaderMap, input: &Body) -> Result<Vec<SessionId>, TokenError> {
    let by_refresh = input
        .refresh_token
        .as_deref()
        .and_then(|text| app.refresh_key.read(text).ok())
        .map(|token| token.session);
    let by_access = match Caller::from_headers(headers, &app.verifier) {
        Ok(caller) => Some(caller.session),
        // Ended before.
        Err(TokenError::Revoked) => None,
        Err(error) if by_refresh.is_none() => return Err(error),
        Err(_) => None,
    };
    let mut sessions: Vec<_> = by_access.into_iter().chain(by_refresh).collect();
    sessions.dedup();
    Ok(sessions)
}

async fn logout(app: &App, headers: &HeaderMap, input: &Body) -> Result<(), LogoutError> {
    let sessions = named(app, headers, input)?;
    if sessions.is_empty() {
        return Ok(());
    }
    let mut transaction = app.pool.begin().await?;
    let ended = sessions::end(&mut transaction, &sessions).await?;
    transaction.commit().await?;
    for session in sessions {
        app.ended(Revocation::Session(session));
    }
    metrics::counter!("plaza_logouts_total").increment(ended as u64);
    Ok(())
}

pub(super) async fn handle(
    State(app): State<App>,
    headers: HeaderMap,
    Json(input): Json<Body>,
) -> Result<StatusCode, Reject> {
    logout(&app, &headers, &input).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use plaza_clients::auth::Grant;
    use plaza_testkit::{Answer, Request};
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::Installation;

    async fn logout(installation: &Installation, access: Option<&str>, refresh: &Value) -> Answer {
        let mut request = Request::post("/v1/logout").json(&json!({ "refreshToken": refresh }));
        if let Some(token) = access {
            request = request.bearer(token);
        }
        request.send(&installation.router).await
    }

    async fn is_signed_in(installation: &Installation, grant: &Grant) -> bool {
        let me = Request::get("/v1/me").bearer(&grant.access_token);
        me.send(&installation.router).await.status == StatusCode::OK
    }

    async fn can_refresh(installation: &Installation, grant: &Grant) -> bool {
        let body = json!({ "refreshToken": grant.refresh_token });
        let request = Request::post("/v1/refresh").json(&body);
        request.send(&installation.router).await.status == StatusCode::OK
    }

    #[tokio::test]
    async fn either_token_ends_the_session_at_once_and_for_good() {
        let installation = Installation::new().await;
        installation.register("ada").await;
        for (by_access, by_refresh) in [(true, false), (false, true), (true, true)] {
            let grant = installation.login("ada").await;
            let access = by_access.then_some(grant.access_token.as_str());
            let refresh = if by_refresh {
                json!(grant.refresh_token)
            } else {
                Value::Null
            };
            let answer = logout(&installation, access, &refresh).await;
            answer.expect(StatusCode::NO_CONTENT);
            assert!(!is_signed_in(&installation, &grant).await);
            assert!(!can_refresh(&installation, &grant).await);
        }
        assert_eq!(installation.revoked().await.len(), 3);
    }

    #[tokio::test]
    async fn a_second_logout_succeeds_and_is_announced_once() {
        let installation = Installation::new().await;
        let grant = installation.register("ada").await;
        for _ in 0..2 {
            for (access, refresh) in [
                (Some(grant.access_token.as_str()), Value::Null),
                (None, json!(grant.refresh_token)),
                (
                    Some(grant.access_token.as_str()),
                    json!(grant.refresh_token),
                ),
            ] {
                let answer = logout(&installation, access, &refresh).await;
                answer.expect(StatusCode::NO_CONTENT);
            }
        }
        assert_eq!(installation.revoked().await.len(), 1);
    }

    #[tokio::test]
    async fn a_replaced_refresh_token_still_ends_its_session() {
        let installation = Installation::new().await;
        let grant = installation.register("ada").await;
        assert!(can_refresh(&installation, &grant).await);
        let answer = logout(&installation, None, &json!(grant.refresh_token)).await;
        answer.expect(StatusCode::NO_CONTENT);
        assert!(!is_signed_in(&installation, &grant).await);
    }

    #[tokio::test]
    async fn other_devices_and_other_people_stay() {
        let installation = Installation::new().await;
        let here = installation.register("ada").await;
        let there = installation.login("ada").await;
        let eve = installation.register("eve").await;
        let answer = logout(&installation, Some(&here.access_token), &Value::Null).await;
        answer.expect(StatusCode::NO_CONTENT);
        for grant in [&there, &eve] {
            assert!(is_signed_in(&installation, grant).await);
            assert!(can_refresh(&installation, grant).await);
        }
    }

    #[tokio::test]
    async fn an_expired_access_token_does_not_stop_the_refresh_token() {
        let installation = Installation::new().await;
        let grant = installation.register("ada").await;
        let expired = installation.sign(&grant, |claims| claims.exp -= 3_600);
        let answer = logout(&installation, Some(&expired), &json!(grant.refresh_token)).await;
        answer.expect(StatusCode::NO_CONTENT);
        assert!(!can_refresh(&installation, &grant).await);
    }

    #[tokio::test]
    async fn tokens_that_name_no_session_end_none() {
        let installation = Installation::new().await;
        let grant = installation.register("ada").await;
        assert_eq!(
            logout(&installation, None, &Value::Null).await.code(),
            "UNAUTHENTICATED"
        );
        assert_eq!(
            logout(&installation, None, &json!("garbage")).await.code(),
            "UNAUTHENTICATED"
        );
        for (what, token) in installation.bad_tokens(&grant) {
            let answer = logout(&installation, Some(&token), &Value::Null).await;
            assert_eq!(answer.code(), "UNAUTHENTICATED", "{what}");
        }
        for wrong in [json!(1), json!([]), json!({})] {
            let answer = logout(&installation, Some(&grant.access_token), &wrong).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{wrong}");
        }
        assert!(is_signed_in(&installation, &grant).await);
        assert!(installation.revoked().await.is_empty());
    }

    #[tokio::test]
    async fn a_lost_database_is_unavailable() {
        let installation = Installation::new().await;
        let grant = installation.register("ada").await;
        installation.pool.close().await;
        let answer = logout(&installation, Some(&grant.access_token), &Value::Null).await;
        assert_eq!(answer.code(), "UNAVAILABLE");
    }
}
