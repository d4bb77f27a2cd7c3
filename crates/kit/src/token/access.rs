use std::sync::Arc;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use plaza_types::{SessionId, UserId};
use serde::{Deserialize, Serialize};

use super::{KeySet, Revocations};

/// Who issues every token of Plaza.
pub const ISSUER: &str = "plaza";
/// The audience of access tokens.
pub const ACCESS_AUDIENCE: &str = "plaza-api";

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// [`ISSUER`].
    pub iss: String,
    /// [`ACCESS_AUDIENCE`].
    pub aud: String,
    /// Who.
    pub sub: UserId,
    /// The session it was issued to.
    pub sid: SessionId,
    /// Until when, in seconds of Unix time.
    pub exp: i64,
    /// Since when, in seconds of Unix time.
    pub iat: i64,
    /// The user's name for mentions, so that messages can write the author without a call.
    pub username: String,
    /// The user's name to read.
    pub name: String,
    /// Whether the user is one of a load test's, whom limits of one user or
    /// address do not hold. Auth alone says so, of accounts that
    /// `plaza loadtest seed` made in its database.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub synthetic: bool,
}

/// Why a token is refused. To the caller all of it is UNAUTHENTICATED, but
/// [`Self::Unchecked`], which is UNAVAILABLE; the kinds are for tests and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No bearer token at all.
    #[error("Sign in first.")]
    Missing,
    /// Not a token that auth signed for this API.
    #[error("This token is not valid. Sign in again.")]
    Invalid,
    /// Its time is over.
    #[error("This token has expired. Refresh the session.")]
    Expired,
    /// Its session was ended or its user disabled.
    #[error("This session has ended. Sign in again.")]
    Revoked,
    /// No key is known yet, so nothing can be said about any token.
    #[error("The service is starting. Try again in a moment.")]
    Unchecked,
}

impl TokenError {
    /// A bounded label for metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Invalid => "invalid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Unchecked => "unchecked",
        }
    }
}

/// Verifies access tokens: ES256 by a known key, issuer, audience, expiry
/// (no leeway beyond 2 s of clocks), and not revoked.
#[derive(Debug, Clone)]
pub struct Verifier {
    keys: KeySet,
    revocations: Arc<Revocations>,
    validation: Arc<Validation>,
}

impl Verifier {
    /// Verifies with these keys and revocations.
    pub fn new(keys: KeySet, revocations: Arc<Revocations>) -> Self {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[ACCESS_AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        validation.leeway = 2;
        Self {
            keys,
            revocations,
            validation: Arc::new(validation),
        }
    }

    /// The keys, for who refreshes them.
    pub const fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// The revocations, for who feeds them.
    pub const fn revocations(&self) -> &Arc<Revocations> {
        &self.revocations
    }

    /// Checks a token and gives what it says.
    pub fn verify(&self, token: &str) -> Result<AccessClaims, TokenError> {
        let result = self.check(token);
        if let Err(error) = result {
            metrics::counter!("plaza_token_refusals_total", "reason" => error.label()).increment(1);
        }
        result
    }

    fn check(&self, token: &str) -> Result<AccessClaims, TokenError> {
        if self.keys.is_empty() {
            return Err(TokenError::Unchecked);
        }
        let header = decode_header(token).map_err(|_| TokenError::Invalid)?;
        let key = header
            .kid
            .and_then(|kid| self.keys.get(&kid))
            .ok_or(TokenError::Invalid)?;
        let claims = decode::<AccessClaims>(token, &key, &self.validation)
            .map_err(|error| match error.kind() {
                jsonwebtoken::errors::ErrorKind::ExpiredSignature => TokenError::Expired,
                _ => TokenError::Invalid,
            })?
            .claims;
        if self.revocations.covers(claims.sid, claims.sub) {
            return Err(TokenError::Revoked);
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use plaza_types::{ApiError, Code};

    use super::*;

    #[test]
    fn before_the_first_keys_a_token_is_neither_good_nor_bad() {
        let verifier = Verifier::new(KeySet::default(), Arc::default());
        let error = verifier.verify("a.b.c").unwrap_err();
        assert_eq!(error, TokenError::Unchecked);
        let answer = ApiError::from(error);
        assert_eq!(answer.code, Code::Unavailable);
        assert!(answer.retry_after_ms.is_some());
    }
}
