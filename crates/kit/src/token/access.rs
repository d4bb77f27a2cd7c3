use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest;
use chrono::Utc;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use moka::sync::Cache;
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

/// Clocks may differ by so much (s).
const LEEWAY_S: i64 = 2;
/// Most tokens whose signature was checked that are remembered: some 600 bytes
/// each.
const REMEMBERED: u64 = 50_000;
/// One that is not used for so long is forgotten.
const IDLE: Duration = Duration::from_mins(5);

/// SHA-256 of a token.
type Fingerprint = [u8; 32];

/// A token whose signature was good.
#[derive(Debug, Clone)]
struct Good {
    /// Of the keys that it was checked with.
    generation: u64,
    claims: Arc<AccessClaims>,
}

/// Verifies access tokens: ES256 by a known key, issuer, audience, expiry
/// (no leeway beyond 2 s of clocks), and not revoked. Of a token that was good
/// the signature is not checked again while the keys are the same; everything
/// that time can change is.
#[derive(Debug, Clone)]
pub struct Verifier {
    keys: KeySet,
    revocations: Arc<Revocations>,
    validation: Arc<Validation>,
    good: Cache<Fingerprint, Good>,
}

impl Verifier {
    /// Verifies with these keys and revocations.
    pub fn new(keys: KeySet, revocations: Arc<Revocations>) -> Self {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[ACCESS_AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        validation.leeway = LEEWAY_S.unsigned_abs();
        Self {
            keys,
            revocations,
            validation: Arc::new(validation),
            good: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_idle(IDLE)
                .build(),
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
        let generation = self.keys.generation();
        let fingerprint = fingerprint(token);
        let known = self.good.get(&fingerprint);
        let known = known.filter(|known| known.generation == generation);
        let claims = if let Some(known) = known {
            if Utc::now().timestamp() > known.claims.exp + LEEWAY_S {
                self.good.invalidate(&fingerprint);
                return Err(TokenError::Expired);
            }
            known.claims
        } else {
            let claims = Arc::new(self.decode(token)?);
            let good = Good {
                generation,
                claims: claims.clone(),
            };
            self.good.insert(fingerprint, good);
            claims
        };
        if self.revocations.covers(claims.sid, claims.sub) {
            return Err(TokenError::Revoked);
        }
        Ok(AccessClaims::clone(&claims))
    }

    /// Checks the signature, and what the token says of itself.
    fn decode(&self, token: &str) -> Result<AccessClaims, TokenError> {
        if self.keys.is_empty() {
            return Err(TokenError::Unchecked);
        }
        let header = decode_header(token).map_err(|_| TokenError::Invalid)?;
        let key = header
            .kid
            .and_then(|kid| self.keys.get(&kid))
            .ok_or(TokenError::Invalid)?;
        let token = decode::<AccessClaims>(token, &key, &self.validation);
        let claims = token.map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::ExpiredSignature => TokenError::Expired,
            _ => TokenError::Invalid,
        })?;
        Ok(claims.claims)
    }
}

fn fingerprint(token: &str) -> Fingerprint {
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest.as_ref());
    fingerprint
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
    };
    use jsonwebtoken::{EncodingKey, Header, encode};
    use plaza_types::{ApiError, Code};

    use super::*;
    use crate::token::{PublicJwk, PublicJwks, Revocation};

    /// A key that signs, as auth publishes it.
    struct Signer {
        key: EncodingKey,
        jwks: PublicJwks,
    }

    impl Signer {
        /// Another key each time, under one id.
        fn new() -> Self {
            let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap();
            let point = pair.public_key().as_ref().try_into().unwrap();
            Self {
                key: EncodingKey::from_ec_der(pkcs8.as_ref()),
                jwks: PublicJwks {
                    keys: vec![PublicJwk::es256("key", &point)],
                },
            }
        }

        fn token(&self, claims: &AccessClaims) -> String {
            let header = Header {
                kid: Some("key".into()),
                ..Header::new(Algorithm::ES256)
            };
            encode(&header, claims, &self.key).unwrap()
        }
    }

    fn claims(seconds: i64) -> AccessClaims {
        AccessClaims {
            iss: ISSUER.into(),
            aud: ACCESS_AUDIENCE.into(),
            sub: UserId::new(),
            sid: SessionId::new(),
            exp: Utc::now().timestamp() + seconds,
            iat: Utc::now().timestamp(),
            username: "ada".into(),
            name: "Ada".into(),
            synthetic: false,
        }
    }

    fn verifier(signer: &Signer) -> Verifier {
        crate::install_crypto();
        let keys = KeySet::default();
        keys.replace(&signer.jwks).unwrap();
        Verifier::new(keys, Arc::default())
    }

    #[test]
    fn a_token_that_was_good_is_good_again_and_no_other_is() {
        let signer = Signer::new();
        let verifier = verifier(&signer);
        let claims = claims(60);
        let token = signer.token(&claims);
        for _ in 0..3 {
            assert_eq!(verifier.verify(&token).unwrap(), claims);
        }
        verifier.good.run_pending_tasks();
        assert_eq!(verifier.good.entry_count(), 1);
        let other = Signer::new().token(&claims);
        assert_eq!(verifier.verify(&other), Err(TokenError::Invalid));
        let (said, _) = token.rsplit_once('.').unwrap();
        let (_, signature) = other.rsplit_once('.').unwrap();
        let mixed = format!("{said}.{signature}");
        assert_eq!(verifier.verify(&mixed), Err(TokenError::Invalid));
        verifier.good.run_pending_tasks();
        assert_eq!(verifier.good.entry_count(), 1, "what is wrong is not kept");
    }

    #[test]
    fn a_token_that_was_good_ends_with_its_session_its_time_and_its_key() {
        let signer = Signer::new();
        let verifier = verifier(&signer);
        // Its time is over, and clocks may differ by two seconds.
        let late = claims(-1);
        let token = signer.token(&late);
        assert!(verifier.verify(&token).is_ok());
        while Utc::now().timestamp() <= late.exp + LEEWAY_S {
            std::thread::yield_now();
        }
        assert_eq!(verifier.verify(&token), Err(TokenError::Expired));

        let ended = claims(60);
        let token = signer.token(&ended);
        assert!(verifier.verify(&token).is_ok());
        verifier.revocations().add(Revocation::Session(ended.sid));
        assert_eq!(verifier.verify(&token), Err(TokenError::Revoked));

        let token = signer.token(&claims(60));
        assert!(verifier.verify(&token).is_ok());
        verifier.keys().replace(&signer.jwks).unwrap();
        assert!(verifier.verify(&token).is_ok(), "the keys are the same");
        verifier.keys().replace(&Signer::new().jwks).unwrap();
        assert_eq!(verifier.verify(&token), Err(TokenError::Invalid));
    }

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
