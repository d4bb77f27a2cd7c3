//! `GET /v1/sessions` and `DELETE /v1/sessions/{id}`: the caller's devices, and
//! logging one of them out.

use axum::extract::State;
use http::StatusCode;
use plaza_clients::auth::DeviceSession;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::{Caller, Revocation},
};
use plaza_types::{ApiError, SessionId};

use crate::{app::App, storage::sessions};

/// Why there is no list, or no session was ended.
#[derive(Debug, thiserror::Error)]
enum SessionsError {
    /// One answer for somebody else's and none, so that nobody learns which ids there are.
    #[error("the caller has no such session")]
    Unknown,
    #[error("the sessions cannot be read or ended")]
    Database(#[from] sqlx::Error),
}

impl From<SessionsError> for Reject {
    fn from(error: SessionsError) -> Self {
        match error {
            SessionsError::Unknown => Self(ApiError::not_found("session")),
            SessionsError::Database(error) => Self::database(&error),
        }
    }
}

async fn end(app: &App, caller: &Caller, session: SessionId) -> Result<(), SessionsError> {
    if !sessions::is_of(&app.pool, session, caller.user).await? {
        return Err(SessionsError::Unknown);
    }
    let mut transaction = app.pool.begin().await?;
    let ended = sessions::end(&mut transaction, &[session]).await?;
    transaction.commit().await?;
    app.ended(Revocation::Session(session));
    metrics::counter!("plaza_sessions_revoked_total").increment(ended as u64);
    Ok(())
}

pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Vec<DeviceSession>>, Reject> {
    let found = sessions::of_user(&app.pool, caller.user, caller.session).await;
    Ok(Json(found.map_err(SessionsError::from)?))
}

pub(super) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Path(session): Path<SessionId>,
) -> Result<StatusCode, Reject> {
    end(&app, &caller, session).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use plaza_clients::auth::Grant;
    use plaza_testkit::{Answer, Request};
    use serde_json::json;

    use super::*;
    use crate::testing::{Installation, PASSWORD, session_of};

    async fn sessions(installation: &Installation, grant: &Grant) -> Vec<DeviceSession> {
        let request = Request::get("/v1/sessions").bearer(&grant.access_token);
        let answer = request.send(&installation.router).await;
        answer.expect(StatusCode::OK).parse()
    }

    async fn revoke(installation: &Installation, grant: &Grant, id: &str) -> Answer {
        let request = Request::delete(format!("/v1/sessions/{id}"));
        let request = request.bearer(&grant.access_token);
        request.send(&installation.router).await
    }

    async fn is_signed_in(installation: &Installation, grant: &Grant) -> bool {
        let me = Request::get("/v1/me").bearer(&grant.access_token);
        let signed_in = me.send(&installation.router).await.status == StatusCode::OK;
        let body = json!({ "refreshToken": grant.refresh_token });
        let refresh = Request::post("/v1/refresh").json(&body);
        let refreshed = refresh.send(&installation.router).await.status == StatusCode::OK;
        assert_eq!(signed_in, refreshed);
        signed_in
    }

    #[tokio::test]
    async fn a_person_sees_their_own_devices_and_which_one_asks() {
        let installation = Installation::new().await;
        installation.register("eve").await;
        let first = installation.register("ada").await;
        let input =
            json!({ "username": "ada", "password": PASSWORD, "device": "Firefox on Linux" });
        let login = Request::post("/v1/login").json(&input);
        let second: Grant = login.send(&installation.router).await.parse();

        let seen = sessions(&installation, &second).await;
        let what = |session: &DeviceSession| (session.device.clone(), session.current);
        assert_eq!(
            seen.iter().map(what).collect::<Vec<_>>(),
            [
                ("Firefox on Linux".to_owned(), true),
                (String::new(), false)
            ]
        );
        let seen = sessions(&installation, &first).await;
        assert!(!seen[0].current && seen[1].current);

        // What is over is not in the list.
        let over = session_of(&second);
        installation.expire(over).await;
        assert_eq!(sessions(&installation, &first).await.len(), 1);
    }

    #[tokio::test]
    async fn a_device_is_logged_out_at_once_and_the_others_stay() {
        let installation = Installation::new().await;
        let (stays, goes) = (
            installation.register("ada").await,
            installation.login("ada").await,
        );
        let id = session_of(&goes).to_string();
        for _ in 0..2 {
            let answer = revoke(&installation, &stays, &id).await;
            answer.expect(StatusCode::NO_CONTENT);
        }
        assert!(!is_signed_in(&installation, &goes).await);
        assert!(is_signed_in(&installation, &stays).await);
        assert_eq!(sessions(&installation, &stays).await.len(), 1);
        assert_eq!(installation.revoked().await, [session_of(&goes)]);
        // The one that asks can be ended too.
        let own = session_of(&stays).to_string();
        revoke(&installation, &stays, &own)
            .await
            .expect(StatusCode::NO_CONTENT);
        assert!(!is_signed_in(&installation, &stays).await);
    }

    #[tokio::test]
    async fn nobody_ends_another_ones_session_or_learns_of_it() {
        let installation = Installation::new().await;
        let (ada, eve) = (
            installation.register("ada").await,
            installation.register("eve").await,
        );
        let others = session_of(&ada).to_string();
        let theirs = revoke(&installation, &eve, &others).await;
        let nobodys = revoke(&installation, &eve, &SessionId::new().to_string()).await;
        assert_eq!(theirs.code(), "NOT_FOUND");
        assert_eq!(theirs.bytes, nobodys.bytes);
        for malformed in ["1", "%00", "..%2f", "x".repeat(10_000).as_str()] {
            let answer = revoke(&installation, &eve, malformed).await;
            assert!(answer.status.is_client_error(), "{}", answer.text());
        }
        assert!(is_signed_in(&installation, &ada).await);
        assert!(installation.revoked().await.is_empty());
    }

    #[tokio::test]
    async fn every_bad_token_is_refused() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        let id = session_of(&ada);
        for (what, token) in installation.bad_tokens(&ada) {
            for request in [
                Request::get("/v1/sessions"),
                Request::delete(format!("/v1/sessions/{id}")),
            ] {
                let answer = request.bearer(&token).send(&installation.router).await;
                assert_eq!(answer.code(), "UNAUTHENTICATED", "{what}");
            }
        }
        assert!(is_signed_in(&installation, &ada).await);
    }
}
