//! `POST /v1/login`: opens a session.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::extract::{ConnectInfo, FromRequestParts, State};
use http::request::Parts;
use plaza_clients::auth::{Grant, Login};
use plaza_kit::{
    http::{Json, Reject},
    token::ServiceCaller,
};
use plaza_types::{ApiError, Code, MAX_PASSWORD_BYTES, TextError, Username};

use super::grant::{self, OpenError};
use crate::{
    app::App,
    domain::username_key::username_key,
    passwords::{PasswordError, Verdict},
    storage::users,
};

/// Why no session was opened.
#[derive(Debug, thiserror::Error)]
enum LoginError {
    #[error("{field} breaks its rule")]
    Input {
        field: &'static str,
        source: TextError,
    },
    /// One answer for both, so that nobody learns who has an account.
    #[error("wrong username or password")]
    Wrong,
    #[error("the account is disabled")]
    Disabled,
    /// Of this name, from this address.
    #[error("too many wrong passwords")]
    Throttled(Duration),
    #[error("the password could not be compared")]
    Password(#[from] PasswordError),
    #[error("no session")]
    Open(#[from] OpenError),
    #[error("the transaction failed")]
    Database(#[from] sqlx::Error),
}

impl LoginError {
    /// A bounded label for metrics.
    const fn label(&self) -> &'static str {
        match self {
            Self::Input { .. } => "bad_input",
            Self::Wrong => "wrong",
            Self::Disabled => "disabled",
            Self::Throttled(_) => "throttled",
            Self::Password(PasswordError::Busy) => "busy",
            _ => "failed",
        }
    }
}

impl From<LoginError> for Reject {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Input { field, source } => Self::text(field, &source),
            LoginError::Wrong => Self(ApiError::new(
                Code::Unauthenticated,
                "Wrong username or password.",
            )),
            LoginError::Disabled => grant::disabled(),
            LoginError::Throttled(wait) => Self(throttled(wait)),
            LoginError::Password(error) => error.into(),
            LoginError::Open(error) => error.into(),
            LoginError::Database(error) => Self::database(&error),
        }
    }
}

fn throttled(wait: Duration) -> ApiError {
    ApiError {
        message: "Too many wrong passwords. Wait before you try again.".into(),
        ..ApiError::rate_limited_for(wait)
    }
}

/// Only what bounds the work: the rules for new passwords may have changed
/// since this one was chosen.
fn check_password(password: &str) -> Result<(), TextError> {
    const WHAT: &str = "A password";
    if password.is_empty() {
        return Err(TextError::Empty { what: WHAT });
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(TextError::TooLong {
            what: WHAT,
            max: MAX_PASSWORD_BYTES,
        });
    }
    Ok(())
}

/// Where the client is: the word of a service is taken for it, else it is who
/// asks.
pub(super) struct ClientAddress {
    of_service: bool,
    peer: Option<IpAddr>,
}

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let service = ServiceCaller::from_request_parts(parts, app).await;
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self {
            of_service: service.is_ok(),
            peer: peer.map(|peer| peer.0.ip()),
        })
    }
}

impl ClientAddress {
    fn of(&self, input: &Login) -> Option<IpAddr> {
        let told = input.client_address.filter(|_| self.of_service);
        told.or(self.peer)
    }
}

async fn login(app: &App, address: &ClientAddress, input: Login) -> Result<Grant, LoginError> {
    let rule = |field| move |source| LoginError::Input { field, source };
    let username = Username::parse(&input.username).map_err(rule("username"))?;
    check_password(&input.password).map_err(rule("password"))?;
    let device = grant::device(input.device.as_deref()).map_err(rule("device"))?;

    let guess = app
        .guesses
        .begin(&username_key(&username), address.of(&input))
        .map_err(LoginError::Throttled)?;
    let known = users::credentials(&app.pool, &username).await?;
    let stored = known.as_ref().map(|known| known.password_hash.clone());
    // No connection is held while the password is hashed.
    let verdict = app.passwords.verify(input.password.into(), stored).await?;
    let (Some(known), Verdict::Right { rehashed }) = (known, verdict) else {
        guess.wrong();
        return Err(LoginError::Wrong);
    };
    guess.right();
    if known.disabled {
        return Err(LoginError::Disabled);
    }
    let mut transaction = app.pool.begin().await?;
    if let Some(new) = rehashed {
        users::rehash(&mut transaction, known.user.id, &known.password_hash, &new).await?;
    }
    let grant = grant::open(app, &mut transaction, known.user, known.synthetic, &device).await?;
    transaction.commit().await?;
    Ok(grant)
}

pub(super) async fn handle(
    State(app): State<App>,
    address: ClientAddress,
    Json(input): Json<Login>,
) -> Result<Json<Grant>, Reject> {
    let result = login(&app, &address, input).await;
    let label = result.as_ref().map_or_else(LoginError::label, |_| "ok");
    metrics::counter!("plaza_logins_total", "result" => label).increment(1);
    Ok(Json(result?))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::{Answer, Request};
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{Installation, PASSWORD};

    async fn login(installation: &Installation, input: &Value) -> Answer {
        let request = Request::post("/v1/login").json(input);
        request.send(&installation.router).await
    }

    #[tokio::test]
    async fn a_login_opens_another_session_whatever_the_case_of_the_name() {
        let installation = Installation::new().await;
        let first = installation.register("Ada").await;
        let input = json!({ "username": "aDA", "password": PASSWORD, "device": "a browser" });
        let grant: Grant = login(&installation, &input)
            .await
            .expect(StatusCode::OK)
            .parse();
        assert_eq!(grant.user, first.user);
        let session = |grant: &Grant| {
            installation
                .app
                .verifier
                .verify(&grant.access_token)
                .unwrap()
                .sid
        };
        assert_ne!(session(&grant), session(&first));
        assert_eq!(installation.rows().await, (1, 2));
        assert_eq!(installation.device(session(&grant)).await, "a browser");
    }

    #[tokio::test]
    async fn an_unknown_name_and_a_wrong_password_answer_the_same() {
        let installation = Installation::new().await;
        installation.register("ada").await;
        let wrong = login(
            &installation,
            &json!({ "username": "ada", "password": "wrong horse" }),
        )
        .await;
        let unknown = login(
            &installation,
            &json!({ "username": "eve", "password": PASSWORD }),
        )
        .await;
        assert_eq!(wrong.code(), "UNAUTHENTICATED");
        assert_eq!(
            (wrong.status, &wrong.bytes),
            (unknown.status, &unknown.bytes)
        );
        assert_eq!(installation.rows().await, (1, 1));
    }

    /// A login told by the gateway, or by somebody who says to be it.
    async fn from(
        installation: &Installation,
        address: &str,
        password: &str,
        token: Option<String>,
    ) -> Answer {
        let input = json!({
            "username": "ada", "password": password, "clientAddress": address,
        });
        let mut request = Request::post("/v1/login").json(&input);
        if let Some(token) = token {
            request = request.bearer(token);
        }
        request.send(&installation.router).await
    }

    #[tokio::test]
    async fn somebody_elses_wrong_guesses_do_not_keep_the_owner_out() {
        let installation = Installation::new().await;
        installation.register("ada").await;
        let gateway = || Some(plaza_testkit::service_tokens("gateway").sign().unwrap());
        for _ in 0..5 {
            let wrong = from(&installation, "192.0.2.66", "wrong horse", gateway()).await;
            assert_eq!(wrong.code(), "UNAUTHENTICATED");
        }
        // Even the right one, from where it was guessed: else the answer would tell.
        for password in ["wrong horse", PASSWORD] {
            let answer = from(&installation, "192.0.2.66", password, gateway()).await;
            assert_eq!(answer.code(), "RATE_LIMITED");
            let wait = &answer.json()["error"]["retryAfterMs"];
            assert!((1..=60_000).contains(&wait.as_u64().unwrap()), "{wait}");
            assert!(answer.headers.contains_key("retry-after"));
        }
        let owner = from(&installation, "192.0.2.1", PASSWORD, gateway()).await;
        owner.expect(StatusCode::OK);
    }

    #[tokio::test]
    async fn an_address_that_no_service_vouches_for_changes_nothing() {
        for forged in [None, Some("forged")] {
            let installation = Installation::new().await;
            let ada = installation.register("ada").await;
            let token = forged.map_or(ada.access_token, Into::into);
            let mut codes = Vec::new();
            for place in 0..6 {
                let address = format!("192.0.2.{place}");
                let answer =
                    from(&installation, &address, "wrong horse", Some(token.clone())).await;
                codes.push(answer.code());
            }
            assert_eq!(codes[4..], ["UNAUTHENTICATED", "RATE_LIMITED"]);
        }
    }

    #[tokio::test]
    async fn an_unknown_name_is_throttled_as_a_known_one_is() {
        let installation = Installation::new().await;
        installation.register("ada").await;
        let mut codes = Vec::new();
        for name in ["ada", "nobody"] {
            let input = json!({ "username": name, "password": "wrong horse" });
            for _ in 0..6 {
                codes.push(login(&installation, &input).await.code());
            }
        }
        assert_eq!(codes[..6], codes[6..]);
        assert_eq!(codes[5], "RATE_LIMITED");
    }

    #[tokio::test]
    async fn an_unknown_name_is_hashed_too() {
        let installation = Installation::new().await;
        let router = installation.router_without_hashing();
        let input = json!({ "username": "nobody", "password": PASSWORD });
        let answer = Request::post("/v1/login").json(&input).send(&router).await;
        // It would be UNAUTHENTICATED, had it not asked for a hash.
        assert_eq!(answer.code(), "RATE_LIMITED");
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_replaced_at_login() {
        let installation = Installation::new().await;
        let user = installation.register("ada").await.user;
        let before = installation.password_hash(user.id).await;
        let router = installation.router_at_cost(2);
        let input = json!({ "username": "ada", "password": PASSWORD });
        let request = || Request::post("/v1/login").json(&input);
        request().send(&router).await.expect(StatusCode::OK);
        let after = installation.password_hash(user.id).await;
        assert!(
            before.contains("t=1") && after.contains("t=2"),
            "{before} {after}"
        );
        request().send(&router).await.expect(StatusCode::OK);
        assert_eq!(installation.password_hash(user.id).await, after);
    }

    #[tokio::test]
    async fn a_disabled_account_is_told_so_after_the_right_password_only() {
        let installation = Installation::new().await;
        let user = installation.register("ada").await.user;
        installation.disable(user.id).await;
        let with = |password| json!({ "username": "ada", "password": password });
        assert_eq!(
            login(&installation, &with(PASSWORD)).await.code(),
            "FORBIDDEN"
        );
        assert_eq!(
            login(&installation, &with("wrong horse")).await.code(),
            "UNAUTHENTICATED"
        );
        assert_eq!(installation.rows().await, (1, 1));
    }

    #[tokio::test]
    async fn bad_input_is_refused_and_opens_nothing() {
        let installation = Installation::new().await;
        installation.register("ada").await;
        let long = "x".repeat(100_000);
        for (field, value) in [
            ("username", json!("")),
            ("username", json!(long)),
            ("username", json!("a\0b")),
            ("username", json!("\u{202e}ada")),
            ("password", json!("")),
            ("password", json!(long)),
            ("device", json!("a\0b")),
        ] {
            let mut input = json!({ "username": "ada", "password": PASSWORD });
            input[field] = value.clone();
            let answer = login(&installation, &input).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{field}: {value}");
            assert_eq!(answer.json()["error"]["field"], field);
        }
        for body in [
            "{}".to_owned(),
            r#"{"username":"ada"}"#.into(),
            r#"{"username":["ada"],"password":"correct horse"}"#.into(),
            r#"{"username":"ada","password":12345678}"#.into(),
            r#"{"username":"\ud800","password":"correct horse"}"#.into(),
            format!(
                r#"{{"username":"ada","password":"{}"}}"#,
                "x".repeat(1 << 20)
            ),
        ] {
            let request = Request::post("/v1/login").body("application/json", body);
            let answer = request.send(&installation.router).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT");
        }
        // A NUL in a password is compared like any other and is wrong.
        let answer = login(
            &installation,
            &json!({ "username": "ada", "password": "\0" }),
        )
        .await;
        assert_eq!(answer.code(), "UNAUTHENTICATED");
        assert_eq!(installation.rows().await, (1, 1));
    }
}
