//! The tokens that register, login and refresh answer with.

use chrono::{DateTime, Utc};
use plaza_clients::auth::{Grant, User};
use plaza_kit::http::Reject;
use plaza_types::{ApiError, Code, DeviceName, SessionId, TextError};
use sqlx::PgConnection;

use crate::{
    app::App,
    domain::{claims, refresh_token::RefreshToken},
    keys::SignError,
    storage,
};

/// Why a session was not opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("cannot write the session")]
    Database(#[from] sqlx::Error),
    #[error("cannot sign the access token")]
    Sign(#[from] SignError),
    /// Since its password was compared.
    #[error("the account was disabled")]
    Disabled,
}

impl From<OpenError> for Reject {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Database(error) => Self::database(&error),
            OpenError::Sign(error) => error.into(),
            OpenError::Disabled => disabled(),
        }
    }
}

/// What a disabled account's owner is told.
pub(super) fn disabled() -> Reject {
    Reject(ApiError::new(
        Code::Forbidden,
        "This account is disabled. Ask an administrator.",
    ))
}

/// Opens a session in this transaction. It is signed before the commit, so
/// that no session stays behind that nobody holds a token of. `synthetic` is
/// the account's mark.
pub(super) async fn open(
    app: &App,
    transaction: &mut PgConnection,
    user: User,
    synthetic: bool,
    device: &DeviceName,
) -> Result<Grant, OpenError> {
    let token = RefreshToken {
        session: SessionId::new(),
        generation: 0,
    };
    let lifetime = app.policy.session_lifetime;
    let expires_at = storage::sessions::open(transaction, token.session, user.id, device, lifetime)
        .await?
        .ok_or(OpenError::Disabled)?;
    Ok(grant(app, user, synthetic, token, expires_at)?)
}

/// The tokens of a session at a generation.
pub(super) fn grant(
    app: &App,
    user: User,
    synthetic: bool,
    token: RefreshToken,
    refresh_expires_at: DateTime<Utc>,
) -> Result<Grant, SignError> {
    let now = Utc::now();
    let claims = claims::access(
        &user,
        synthetic,
        token.session,
        now,
        app.policy.access_lifetime,
    );
    Ok(Grant {
        access_token: app.keys.sign(&claims)?,
        expires_at: DateTime::from_timestamp(claims.exp, 0).unwrap_or(now),
        refresh_token: app.refresh_key.issue(token),
        refresh_expires_at,
        user,
    })
}

/// The device's name; none is empty.
pub(super) fn device(text: Option<&str>) -> Result<DeviceName, TextError> {
    DeviceName::parse(text.unwrap_or_default())
}
