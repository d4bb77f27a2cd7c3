//! `POST /v1/register`: opens an account and its first session.

use axum::extract::State;
use plaza_clients::auth::{Grant, Register};
use plaza_kit::http::{Json, Reject};
use plaza_types::{ApiError, Code, DeviceName, DisplayName, TextError, Username, check_password};
use secrecy::SecretString;

use super::grant::{self, OpenError};
use crate::{
    app::App,
    config::Registration,
    passwords::PasswordError,
    storage::users::{self, CreateUserError, SiteRole},
};

/// Why no account was opened.
#[derive(Debug, thiserror::Error)]
enum RegisterError {
    #[error("registration is closed")]
    Closed,
    #[error("{field} breaks its rule")]
    Input {
        field: &'static str,
        source: TextError,
    },
    #[error("no password hash")]
    Password(#[from] PasswordError),
    #[error("no account")]
    Create(#[from] CreateUserError),
    #[error("no session")]
    Open(#[from] OpenError),
    #[error("the transaction failed")]
    Database(#[from] sqlx::Error),
}

impl RegisterError {
    /// A bounded label for metrics.
    const fn label(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Input { .. } => "bad_input",
            Self::Password(PasswordError::Busy) => "busy",
            Self::Create(CreateUserError::NameTaken) => "taken",
            _ => "failed",
        }
    }
}

impl From<RegisterError> for Reject {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Closed => Self(ApiError::new(
                Code::Forbidden,
                "Registration is closed here. Ask an administrator for an account.",
            )),
            RegisterError::Input { field, source } => Self::text(field, &source),
            RegisterError::Password(error) => error.into(),
            RegisterError::Create(CreateUserError::NameTaken) => Self(ApiError {
                field: Some("username".into()),
                ..ApiError::new(
                    Code::Conflict,
                    "This username is taken. Choose another one.",
                )
            }),
            RegisterError::Open(error) => error.into(),
            RegisterError::Create(CreateUserError::Database(error))
            | RegisterError::Database(error) => Self::database(&error),
        }
    }
}

/// A request that breaks no rule.
struct Checked {
    username: Username,
    display_name: DisplayName,
    device: DeviceName,
    password: SecretString,
}

fn check(input: Register) -> Result<Checked, RegisterError> {
    let rule = |field| move |source| RegisterError::Input { field, source };
    let username = Username::parse(&input.username).map_err(rule("username"))?;
    let display_name = input.display_name.as_deref().unwrap_or(username.as_str());
    let display_name = DisplayName::parse(display_name).map_err(rule("displayName"))?;
    check_password(&input.password).map_err(rule("password"))?;
    Ok(Checked {
        device: grant::device(input.device.as_deref()).map_err(rule("device"))?,
        password: input.password.into(),
        username,
        display_name,
    })
}

async fn register(app: &App, input: Register) -> Result<Grant, RegisterError> {
    if app.policy.registration == Registration::Closed {
        return Err(RegisterError::Closed);
    }
    let input = check(input)?;
    // No connection is held while the password is hashed.
    let hash = app.passwords.hash(input.password).await?;
    let mut transaction = app.pool.begin().await?;
    let user = users::create(
        &mut transaction,
        &input.username,
        &input.display_name,
        &hash,
        SiteRole::User,
    )
    .await?;
    let grant = grant::open(app, &mut transaction, user, false, &input.device).await?;
    transaction.commit().await?;
    tracing::info!(user = %grant.user.id, "an account was opened");
    Ok(grant)
}

pub(super) async fn handle(
    State(app): State<App>,
    Json(input): Json<Register>,
) -> Result<Json<Grant>, Reject> {
    let result = register(&app, input).await;
    let label = result.as_ref().map_or_else(RegisterError::label, |_| "ok");
    metrics::counter!("plaza_registrations_total", "result" => label).increment(1);
    Ok(Json(result?))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::Request;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        passwords::RETRY_AFTER_MS,
        testing::{Installation, PASSWORD},
    };

    fn input(change: impl FnOnce(&mut Value)) -> Value {
        let mut input = json!({ "username": "ada", "password": PASSWORD });
        change(&mut input);
        input
    }

    async fn register(installation: &Installation, input: &Value) -> plaza_testkit::Answer {
        let request = Request::post("/v1/register").json(input);
        request.send(&installation.router).await
    }

    #[tokio::test]
    async fn a_new_account_is_signed_in() {
        let installation = Installation::new().await;
        let answer = register(&installation, &input(|_| ())).await;
        let grant: Grant = answer.expect(StatusCode::OK).parse();
        assert_eq!(
            (
                grant.user.username.as_str(),
                grant.user.display_name.as_str()
            ),
            ("ada", "ada")
        );
        let claims = installation
            .app
            .verifier
            .verify(&grant.access_token)
            .unwrap();
        assert_eq!((claims.sub, claims.name.as_str()), (grant.user.id, "ada"));
        assert_eq!(grant.expires_at.timestamp(), claims.exp);
        assert_eq!(claims.exp - claims.iat, 600);
        assert_eq!(installation.rows().await, (1, 1));
    }

    #[tokio::test]
    async fn a_username_is_unique_without_regard_to_case_or_form() {
        let installation = Installation::new().await;
        let name = |name: &str| input(|input| input["username"] = json!(name));
        register(&installation, &name("Ada"))
            .await
            .expect(StatusCode::OK);
        for taken in ["ada", "ADA", "ＡＤＡ"] {
            let answer = register(&installation, &name(taken)).await;
            assert_eq!(answer.code(), "CONFLICT", "{taken}");
            assert_eq!(answer.json()["error"]["field"], "username");
        }
        assert_eq!(installation.rows().await, (1, 1));
    }

    #[tokio::test]
    async fn of_ten_who_want_one_name_at_once_one_gets_it() {
        let installation = Installation::new().await;
        let tries = (0..10).map(|_| async { register(&installation, &input(|_| ())).await.status });
        let mut statuses = futures::future::join_all(tries).await;
        statuses.sort();
        assert_eq!(statuses[0], StatusCode::OK);
        assert!(
            statuses[1..]
                .iter()
                .all(|status| *status == StatusCode::CONFLICT)
        );
        assert_eq!(installation.rows().await, (1, 1));
    }

    #[tokio::test]
    async fn bad_input_names_its_field_and_stores_nothing() {
        let installation = Installation::new().await;
        let long = "x".repeat(100_000);
        for (field, values) in [
            (
                "username",
                vec![
                    json!(""),
                    json!("a"),
                    json!(long),
                    json!("a\0b"),
                    json!("a\u{202e}b"),
                    json!("a b"),
                    json!("\u{feff}ada"),
                ],
            ),
            (
                "password",
                vec![
                    json!(""),
                    json!("short"),
                    json!(long),
                    json!("correct\0horse"),
                ],
            ),
            (
                "displayName",
                vec![
                    json!(""),
                    json!(" \u{3000}"),
                    json!(long),
                    json!("a\0b"),
                    json!("a\u{202e}b"),
                ],
            ),
            ("device", vec![json!("a\0b"), json!("a\u{202e}b")]),
        ] {
            for value in values {
                let input = input(|input| input[field] = value.clone());
                let answer = register(&installation, &input).await;
                assert_eq!(answer.code(), "BAD_USER_INPUT", "{field}: {value}");
                assert_eq!(answer.json()["error"]["field"], field, "{value}");
            }
        }
        assert_eq!(installation.rows().await, (0, 0));
    }

    #[tokio::test]
    async fn what_is_not_the_expected_json_is_refused_and_stores_nothing() {
        let installation = Installation::new().await;
        let mut bodies = vec![
            String::new(),
            "{}".into(),
            "[]".into(),
            "null".into(),
            "{\"username\":\"ada\"".into(),
            r#"{"username":"ada"}"#.into(),
            r#"{"password":"correct horse"}"#.into(),
            r#"{"username":"\ud800ada","password":"correct horse"}"#.into(),
            r#"{"username":"ada","password":"correct horse\udc00"}"#.into(),
            format!(
                r#"{{"username":"{}","password":"correct horse"}}"#,
                "x".repeat(1 << 20)
            ),
            format!(
                r#"{{"username":"ada","password":"{}"}}"#,
                "x".repeat(1 << 20)
            ),
        ];
        for field in ["username", "password", "displayName", "device"] {
            for wrong in [json!(1), json!(true), json!([]), json!({})] {
                bodies.push(input(|input| input[field] = wrong).to_string());
            }
        }
        for body in bodies {
            let request = Request::post("/v1/register").body("application/json", body.clone());
            let answer = request.send(&installation.router).await;
            let shown: String = body.chars().take(80).collect();
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{shown}");
            assert!(!answer.text().contains("correct horse"), "{shown}");
        }
        let form = Request::post("/v1/register").body(
            "application/x-www-form-urlencoded",
            "username=ada&password=correct+horse",
        );
        assert_eq!(
            form.send(&installation.router).await.code(),
            "BAD_USER_INPUT"
        );
        assert_eq!(installation.rows().await, (0, 0));
    }

    #[tokio::test]
    async fn a_closed_registration_is_said_to_be_closed() {
        let installation =
            Installation::with(|policy| policy.registration = Registration::Closed).await;
        let answer = register(&installation, &input(|_| ())).await;
        assert_eq!(answer.code(), "FORBIDDEN");
        assert_eq!(installation.rows().await, (0, 0));
    }

    #[tokio::test]
    async fn a_full_hashing_queue_answers_rate_limited_and_when_to_try_again() {
        let installation = Installation::new().await;
        let router = installation.router_without_hashing();
        let answer = Request::post("/v1/register")
            .json(&input(|_| ()))
            .send(&router)
            .await;
        assert_eq!(answer.code(), "RATE_LIMITED");
        assert_eq!(answer.json()["error"]["retryAfterMs"], RETRY_AFTER_MS);
        assert_eq!(answer.headers["retry-after"], "1");
        assert_eq!(installation.rows().await, (0, 0));
    }

    #[tokio::test]
    async fn a_lost_database_is_unavailable_and_not_the_callers_fault() {
        let installation = Installation::new().await;
        installation.pool.close().await;
        let answer = register(&installation, &input(|_| ())).await;
        assert_eq!(answer.code(), "UNAVAILABLE");
    }
}
