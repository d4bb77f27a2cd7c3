use axum::extract::FromRef;
use axum::extract::FromRequestParts;
use http::{HeaderMap, header, request::Parts};
use plaza_types::{ApiError, Code, SessionId, UserId};
use secrecy::SecretString;

use super::{ServiceTokens, TokenError, Verifier};
use crate::http::Reject;

/// The signed-in user of a request: extracting it is the check.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// By which session.
    pub session: SessionId,
    /// The name for mentions.
    pub username: String,
    /// The name to read.
    pub name: String,
    /// Whether it is one of a load test's users, whom limits of one user or
    /// address do not hold.
    pub synthetic: bool,
    /// The token itself, for calls to other services on the user's behalf.
    pub token: SecretString,
}

impl Caller {
    /// Checks the request's bearer token.
    pub fn from_headers(headers: &HeaderMap, verifier: &Verifier) -> Result<Self, TokenError> {
        let token = bearer(headers).ok_or(TokenError::Missing)?;
        let claims = verifier.verify(token)?;
        Ok(Self {
            user: claims.sub,
            session: claims.sid,
            username: claims.username,
            name: claims.name,
            synthetic: claims.synthetic,
            token: token.into(),
        })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        let message = error.to_string();
        match error {
            TokenError::Unchecked => Self {
                message,
                ..Self::unavailable(1_000)
            },
            _ => Self::new(Code::Unauthenticated, message),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Verifier: FromRef<S>,
{
    type Rejection = Reject;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Reject> {
        Self::from_headers(&parts.headers, &Verifier::from_ref(state))
            .map_err(|error| Reject(error.into()))
    }
}

/// Name of the header in which a service that calls for a user shows its own
/// token, where it has to vouch for what it asks.
pub const SERVICE_HEADER: &str = "X-Plaza-Service";

/// Another service, acting for no user: extracting it is the check.
#[derive(Debug, Clone)]
pub struct ServiceCaller {
    /// Which service.
    pub service: String,
}

impl<S: Send + Sync> FromRequestParts<S> for ServiceCaller
where
    ServiceTokens: FromRef<S>,
{
    type Rejection = Reject;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Reject> {
        bearer(&parts.headers)
            .and_then(|token| ServiceTokens::from_ref(state).verify(token))
            .map(|service| Self { service })
            .ok_or_else(for_services_only)
    }
}

/// The service through which a user calls, by [`SERVICE_HEADER`]: extracting
/// it is the check of that service; who the user is says [`Caller`].
#[derive(Debug, Clone)]
pub struct Through {
    /// Which service.
    pub service: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Through
where
    ServiceTokens: FromRef<S>,
{
    type Rejection = Reject;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Reject> {
        parts
            .headers
            .get(SERVICE_HEADER)
            .and_then(|token| token.to_str().ok())
            .and_then(|token| ServiceTokens::from_ref(state).verify(token))
            .map(|service| Self { service })
            .ok_or_else(for_services_only)
    }
}

fn for_services_only() -> Reject {
    Reject(ApiError::new(
        Code::Unauthenticated,
        "This address is for services only.",
    ))
}
