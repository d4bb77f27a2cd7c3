use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, InternalSecretArgs, optional_secret, secret};

/// The audience of tokens between services.
pub const INTERNAL_AUDIENCE: &str = "plaza-internal";
/// How long one lives, in seconds.
const LIFETIME_S: i64 = 60;
/// Shortest secret: as long as the hash (RFC 7518, 3.2).
const MIN_SECRET_BYTES: usize = 32;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    sub: String,
    exp: i64,
}

/// Why a service token cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot sign a service token")]
pub struct ServiceTokensError(#[from] jsonwebtoken::errors::Error);

/// Signs and verifies the tokens of services that act for no user (HS256, 60 s).
#[derive(Clone)]
pub struct ServiceTokens {
    service: &'static str,
    sign: Arc<EncodingKey>,
    verify: Arc<Vec<DecodingKey>>,
    validation: Arc<Validation>,
}

impl std::fmt::Debug for ServiceTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceTokens")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

impl ServiceTokens {
    /// From the configured secret and, while it is rotated, the one before.
    pub fn from_args(
        service: &'static str,
        args: &InternalSecretArgs,
    ) -> Result<Self, ConfigError> {
        let now = secret(
            "PLAZA_INTERNAL_SECRET",
            args.internal_secret.as_ref(),
            args.internal_secret_file.as_ref(),
        )?;
        let before = optional_secret(
            "PLAZA_INTERNAL_SECRET_PREVIOUS",
            args.internal_secret_previous.as_ref(),
            args.internal_secret_previous_file.as_ref(),
        )?;
        Self::new(service, &now, before.as_ref())
    }

    /// From secrets of at least 32 bytes.
    pub fn new(
        service: &'static str,
        now: &SecretString,
        before: Option<&SecretString>,
    ) -> Result<Self, ConfigError> {
        for (name, secret) in [
            ("PLAZA_INTERNAL_SECRET", Some(now)),
            ("PLAZA_INTERNAL_SECRET_PREVIOUS", before),
        ] {
            if secret.is_some_and(|secret| secret.expose_secret().len() < MIN_SECRET_BYTES) {
                return Err(ConfigError::Invalid {
                    name,
                    why: format!(
                        "needs at least {MIN_SECRET_BYTES} bytes; make one with `openssl rand -hex 32`"
                    ),
                });
            }
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[INTERNAL_AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        validation.leeway = 5;
        Ok(Self {
            service,
            sign: Arc::new(EncodingKey::from_secret(now.expose_secret().as_bytes())),
            verify: Arc::new(
                [Some(now), before]
                    .into_iter()
                    .flatten()
                    .map(|secret| DecodingKey::from_secret(secret.expose_secret().as_bytes()))
                    .collect(),
            ),
            validation: Arc::new(validation),
        })
    }

    /// A token for one call.
    pub fn sign(&self) -> Result<String, ServiceTokensError> {
        let claims = Claims {
            aud: INTERNAL_AUDIENCE.into(),
            sub: self.service.into(),
            exp: chrono::Utc::now().timestamp() + LIFETIME_S,
        };
        Ok(encode(&Header::new(Algorithm::HS256), &claims, &self.sign)?)
    }

    /// The name of the service that signed `token`; none if none did.
    pub fn verify(&self, token: &str) -> Option<String> {
        self.verify
            .iter()
            .find_map(|key| decode::<Claims>(token, key, &self.validation).ok())
            .map(|token| token.claims.sub)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(now: &str, before: Option<&str>) -> ServiceTokens {
        crate::install_crypto();
        ServiceTokens::new("rooms", &now.into(), before.map(Into::into).as_ref()).unwrap()
    }

    #[test]
    fn two_secrets_are_valid_while_one_is_rotated() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let token = tokens(&old, None).sign().unwrap();
        assert_eq!(
            tokens(&new, Some(&old)).verify(&token).as_deref(),
            Some("rooms")
        );
        assert_eq!(tokens(&new, None).verify(&token), None);
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(ServiceTokens::new("rooms", &"short".into(), None).is_err());
    }
}
