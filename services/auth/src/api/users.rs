//! `POST /v1/users/lookup`: users by id, as everybody signed in may see them.

use axum::extract::State;
use plaza_clients::{Lookup, MAX_LOOKUP, auth::User};
use plaza_kit::{
    http::{Json, Reject},
    token::Caller,
};
use plaza_types::{ApiError, UserId};

use crate::{app::App, storage::users};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum LookupError {
    #[error("{0} ids are too many")]
    TooMany(usize),
    #[error("the accounts cannot be read")]
    Database(#[from] sqlx::Error),
}

impl From<LookupError> for Reject {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::TooMany(_) => Self(ApiError::bad_input(
                "ids",
                format!("At most {MAX_LOOKUP} ids can be looked up at once."),
            )),
            LookupError::Database(error) => Self::database(&error),
        }
    }
}

async fn lookup(app: &App, ids: &[UserId]) -> Result<Vec<User>, LookupError> {
    if ids.len() > MAX_LOOKUP {
        return Err(LookupError::TooMany(ids.len()));
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(users::by_ids(&app.pool, ids).await?)
}

pub(super) async fn handle(
    State(app): State<App>,
    _: Caller,
    Json(input): Json<Lookup<UserId>>,
) -> Result<Json<Vec<User>>, Reject> {
    Ok(Json(lookup(&app, &input.ids).await?))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::{Answer, Request};
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::Installation;

    async fn lookup(installation: &Installation, token: &str, ids: &Value) -> Answer {
        let request = Request::post("/v1/users/lookup").bearer(token);
        request
            .json(&json!({ "ids": ids }))
            .send(&installation.router)
            .await
    }

    #[tokio::test]
    async fn known_users_are_found_once_and_unknown_ones_left_out() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        let eve = installation.register("eve").await.user;
        let ids = json!([eve.id, UserId::new(), ada.user.id, eve.id]);
        let answer = lookup(&installation, &ada.access_token, &ids).await;
        let mut found: Vec<User> = answer.expect(StatusCode::OK).parse();
        found.sort_by_key(|user| user.id);
        assert_eq!(found, [ada.user.clone(), eve]);
        let none = lookup(&installation, &ada.access_token, &json!([])).await;
        assert!(none.expect(StatusCode::OK).parse::<Vec<User>>().is_empty());
    }

    #[tokio::test]
    async fn no_more_than_a_hundred_at_once_and_ids_only() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        let ids = |count| json!((0..count).map(|_| UserId::new()).collect::<Vec<_>>());
        let answer = lookup(&installation, &ada.access_token, &ids(MAX_LOOKUP)).await;
        answer.expect(StatusCode::OK);
        for bad in [
            ids(MAX_LOOKUP + 1),
            json!(["ada"]),
            json!([1]),
            json!("ada"),
            Value::Null,
        ] {
            let answer = lookup(&installation, &ada.access_token, &bad).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT");
        }
    }

    #[tokio::test]
    async fn strangers_find_nobody() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        let body = json!({ "ids": [ada.user.id] });
        let answer = Request::post("/v1/users/lookup").json(&body);
        assert_eq!(
            answer.send(&installation.router).await.code(),
            "UNAUTHENTICATED"
        );
        for (what, token) in installation.bad_tokens(&ada) {
            let answer = lookup(&installation, &token, &json!([ada.user.id])).await;
            assert_eq!(answer.code(), "UNAUTHENTICATED", "{what}");
        }
    }
}
