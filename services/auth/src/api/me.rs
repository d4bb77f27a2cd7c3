//! `GET /v1/me`: the caller's account.

use axum::extract::State;
use plaza_clients::auth::User;
use plaza_kit::{
    http::{Json, Reject},
    token::Caller,
};
use plaza_types::ApiError;

use crate::{app::App, storage::users};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum MeError {
    #[error("the account is gone")]
    Gone,
    #[error("the account cannot be read")]
    Database(#[from] sqlx::Error),
}

impl From<MeError> for Reject {
    fn from(error: MeError) -> Self {
        match error {
            MeError::Gone => Self(ApiError::not_found("user")),
            MeError::Database(error) => Self::database(&error),
        }
    }
}

async fn me(app: &App, caller: &Caller) -> Result<User, MeError> {
    let found = users::by_ids(&app.pool, &[caller.user]).await?;
    found.into_iter().next().ok_or(MeError::Gone)
}

pub(super) async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<User>, Reject> {
    Ok(Json(me(&app, &caller).await?))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::Request;

    use super::*;
    use crate::testing::Installation;

    #[tokio::test]
    async fn a_caller_sees_their_own_account() {
        let installation = Installation::new().await;
        installation.register("eve").await;
        let ada = installation.register("ada").await;
        let answer = Request::get("/v1/me").bearer(&ada.access_token);
        let answer = answer.send(&installation.router).await;
        assert_eq!(answer.expect(StatusCode::OK).parse::<User>(), ada.user);
    }

    #[tokio::test]
    async fn every_bad_token_is_refused() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        let answer = Request::get("/v1/me").send(&installation.router).await;
        assert_eq!(answer.code(), "UNAUTHENTICATED");
        for (what, token) in installation.bad_tokens(&ada) {
            let answer = Request::get("/v1/me").bearer(token);
            let answer = answer.send(&installation.router).await;
            assert_eq!(answer.code(), "UNAUTHENTICATED", "{what}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer", "{what}");
        }
    }
}
