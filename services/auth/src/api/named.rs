//! `POST /v1/users/named`: the user of a name, as everybody signed in may see one.

use axum::extract::State;
use plaza_clients::auth::{Named, User};
use plaza_kit::{
    http::{Json, Reject},
    token::Caller,
};
use plaza_types::{ApiError, TextError, Username};

use crate::{app::App, storage::users};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum NamedError {
    #[error("the name breaks a rule")]
    Name(#[from] TextError),
    #[error("nobody has this name")]
    Nobody,
    #[error("the accounts cannot be read")]
    Database(#[from] sqlx::Error),
}

impl From<NamedError> for Reject {
    fn from(error: NamedError) -> Self {
        match error {
            NamedError::Name(error) => Self::text("username", &error),
            NamedError::Nobody => Self(ApiError::not_found("user")),
            NamedError::Database(error) => Self::database(&error),
        }
    }
}

async fn named(app: &App, username: &str) -> Result<User, NamedError> {
    let username = Username::parse(username)?;
    let user = users::by_name(&app.pool, &username).await?;
    user.ok_or(NamedError::Nobody)
}

pub(super) async fn handle(
    State(app): State<App>,
    _: Caller,
    Json(input): Json<Named>,
) -> Result<Json<User>, Reject> {
    Ok(Json(named(&app, &input.username).await?))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::Request;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::Installation;

    fn request(username: &Value) -> Request {
        Request::post("/v1/users/named").json(&json!({ "username": username }))
    }

    #[tokio::test]
    async fn a_name_is_found_without_regard_to_case() {
        let installation = Installation::new().await;
        let ada = installation.register("Ada").await;
        let ask = async |name: &Value| {
            let request = request(name).bearer(&ada.access_token);
            request.send(&installation.router).await
        };
        let found = ask(&json!("aDA")).await.expect(StatusCode::OK);
        assert_eq!(found.parse::<User>(), ada.user);
        assert_eq!(ask(&json!("eve")).await.code(), "NOT_FOUND");
        let long = "x".repeat(200_000);
        for bad in [
            json!(""),
            json!("a b"),
            json!("a\0b"),
            json!("a\u{202E}b"),
            json!(long),
            json!(5),
            json!(null),
        ] {
            assert_eq!(ask(&bad).await.code(), "BAD_USER_INPUT");
        }
    }

    #[tokio::test]
    async fn strangers_find_nobody() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        let name = json!("ada");
        let answer = request(&name).send(&installation.router).await;
        assert_eq!(answer.code(), "UNAUTHENTICATED");
        for (what, token) in installation.bad_tokens(&ada) {
            let answer = request(&name)
                .bearer(token)
                .send(&installation.router)
                .await;
            assert_eq!(answer.code(), "UNAUTHENTICATED", "{what}");
        }
    }
}
