//! Signing keys in memory: the one that signs, and the document that others
//! verify with. Both are replaced as a whole and stay when the database is lost.

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::{
    error::{KeyRejected, Unspecified},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use bytes::Bytes;
use plaza_kit::token::{KeySet, KeySetError, PublicJwk, PublicJwks};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

/// Bytes of a P-256 point: 4, x, y.
pub(crate) const POINT_BYTES: usize = 65;

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub(crate) enum KeyState {
    /// Others know it; it does not sign yet.
    Published,
    /// It signs.
    Active,
    /// Others know it until what it signed has expired.
    Retiring,
    /// Nobody knows it.
    Retired,
}

/// A key as it is stored.
#[derive(Clone)]
pub(crate) struct StoredKey {
    pub(crate) kid: String,
    pub(crate) state: KeyState,
    /// PKCS#8.
    pub(crate) private_key: Vec<u8>,
    pub(crate) public_key: Vec<u8>,
}

impl std::fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredKey")
            .field("kid", &self.kid)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Why keys cannot be made or taken.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The random source or the curve failed.
    #[error("cannot make a signing key")]
    Generate(#[source] Unspecified),
    /// What is stored is no P-256 key.
    #[error("the stored signing key {kid} is malformed")]
    Malformed {
        /// Which.
        kid: String,
        /// Why; none: the public half has the wrong length.
        #[source]
        source: Option<KeyRejected>,
    },
    /// No key signs.
    #[error("no signing key is active")]
    NoneActive,
    /// The public halves make no key set.
    #[error("the public keys cannot be used")]
    Set(#[from] KeySetError),
    /// The document cannot be written.
    #[error("the JWKS cannot be written")]
    Document(#[from] serde_json::Error),
}

/// Why a token cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The database has not been reached since the start.
    #[error("the signing keys are not loaded yet")]
    NotLoaded,
    /// The claims cannot be written.
    #[error("the claims are no JSON")]
    Claims(#[from] serde_json::Error),
    /// The signature failed.
    #[error("cannot sign")]
    Sign(#[source] Unspecified),
}

impl StoredKey {
    /// A fresh key.
    pub(crate) fn generate(state: KeyState) -> Result<Self, KeyError> {
        let pair =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(KeyError::Generate)?;
        Ok(Self {
            kid: Uuid::now_v7().to_string(),
            state,
            private_key: pair
                .to_pkcs8v1()
                .map_err(KeyError::Generate)?
                .as_ref()
                .to_vec(),
            public_key: pair.public_key().as_ref().to_vec(),
        })
    }

    fn malformed(&self, source: Option<KeyRejected>) -> KeyError {
        KeyError::Malformed {
            kid: self.kid.clone(),
            source,
        }
    }

    fn jwk(&self) -> Result<PublicJwk, KeyError> {
        let point: &[u8; POINT_BYTES] = self
            .public_key
            .as_slice()
            .try_into()
            .map_err(|_| self.malformed(None))?;
        Ok(PublicJwk::es256(&self.kid, point))
    }
}

/// The key that signs, parsed once.
struct Signer {
    kid: String,
    /// The token's first part.
    header: String,
    pair: EcdsaKeyPair,
}

impl Signer {
    fn new(key: &StoredKey) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.private_key)
            .map_err(|error| key.malformed(Some(error)))?;
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": key.kid });
        Ok(Self {
            kid: key.kid.clone(),
            header: B64.encode(header.to_string()),
            pair,
        })
    }

    /// A signed token (RFC 7515, compact).
    fn sign(&self, claims: &impl Serialize) -> Result<String, SignError> {
        let mut token = self.header.clone();
        token.push('.');
        B64.encode_string(serde_json::to_vec(claims)?, &mut token);
        let signature = self
            .pair
            .sign(&SystemRandom::new(), token.as_bytes())
            .map_err(SignError::Sign)?;
        token.push('.');
        B64.encode_string(signature.as_ref(), &mut token);
        Ok(token)
    }
}

struct Loaded {
    signer: Signer,
    document: PublicJwks,
    /// The document as it is sent.
    body: Bytes,
}

/// The keys of this process. Clones share them.
#[derive(Clone, Default)]
pub struct SigningKeys {
    loaded: Arc<RwLock<Option<Arc<Loaded>>>>,
    verification: KeySet,
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKeys")
            .field("verification", &self.verification)
            .finish_non_exhaustive()
    }
}

impl SigningKeys {
    fn loaded(&self) -> Option<Arc<Loaded>> {
        self.loaded
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The public halves, for this process's own checks.
    pub(crate) const fn verification(&self) -> &KeySet {
        &self.verification
    }

    /// The JWKS document; none before the first [`replace`](Self::replace).
    pub(crate) fn document(&self) -> Option<Bytes> {
        self.loaded().map(|loaded| loaded.body.clone())
    }

    /// Takes the stored keys in place of what was there, if they differ.
    pub(crate) fn replace(&self, stored: &[StoredKey]) -> Result<(), KeyError> {
        let active = stored
            .iter()
            .find(|key| key.state == KeyState::Active)
            .ok_or(KeyError::NoneActive)?;
        let document = PublicJwks {
            keys: stored
                .iter()
                .filter(|key| key.state != KeyState::Retired)
                .map(StoredKey::jwk)
                .collect::<Result<_, _>>()?,
        };
        if self
            .loaded()
            .is_some_and(|loaded| loaded.signer.kid == active.kid && loaded.document == document)
        {
            return Ok(());
        }
        let body = serde_json::to_vec(&document)?.into();
        let signer = Signer::new(active)?;
        self.verification.replace(&document)?;
        tracing::info!(
            kid = signer.kid,
            published = document.keys.len(),
            "tokens are signed with the key {}",
            signer.kid
        );
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(Loaded {
            signer,
            document,
            body,
        }));
        Ok(())
    }

    /// Signs claims with the active key.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<String, SignError> {
        self.loaded()
            .ok_or(SignError::NotLoaded)?
            .signer
            .sign(claims)
    }
}

#[cfg(test)]
mod tests {
    use plaza_kit::token::{ACCESS_AUDIENCE, AccessClaims, ISSUER, Revocations, Verifier};
    use plaza_types::{SessionId, UserId};

    use super::*;

    fn key(state: KeyState) -> StoredKey {
        StoredKey::generate(state).unwrap()
    }

    fn kids(keys: &SigningKeys) -> Vec<String> {
        let jwks: PublicJwks = serde_json::from_slice(&keys.document().unwrap()).unwrap();
        jwks.keys.into_iter().map(|key| key.kid).collect()
    }

    #[test]
    fn what_the_active_key_signs_verifies_by_the_document() {
        plaza_kit::install_crypto();
        let keys = SigningKeys::default();
        keys.replace(&[key(KeyState::Published), key(KeyState::Active)])
            .unwrap();
        let claims = AccessClaims {
            iss: ISSUER.into(),
            aud: ACCESS_AUDIENCE.into(),
            sub: UserId::new(),
            sid: SessionId::new(),
            exp: chrono::Utc::now().timestamp() + 60,
            iat: 0,
            username: "ada".into(),
            name: "Ada".into(),
            synthetic: false,
        };
        let token = keys.sign(&claims).unwrap();
        let verifier = Verifier::new(
            keys.verification().clone(),
            Arc::new(Revocations::default()),
        );
        assert_eq!(verifier.verify(&token), Ok(claims));
    }

    #[test]
    fn published_active_and_retiring_keys_are_in_the_document() {
        plaza_kit::install_crypto();
        let states = [
            KeyState::Published,
            KeyState::Active,
            KeyState::Retiring,
            KeyState::Retired,
        ];
        let stored = states.map(key);
        let keys = SigningKeys::default();
        keys.replace(&stored).unwrap();
        let expected: Vec<_> = stored[..3].iter().map(|key| key.kid.clone()).collect();
        assert_eq!(kids(&keys), expected);
    }

    #[test]
    fn a_bad_set_leaves_the_present_one() {
        plaza_kit::install_crypto();
        let keys = SigningKeys::default();
        assert!(matches!(keys.sign(&()), Err(SignError::NotLoaded)));
        assert!(keys.document().is_none());
        let good = [key(KeyState::Active)];
        keys.replace(&good).unwrap();
        assert!(matches!(keys.replace(&[]), Err(KeyError::NoneActive)));
        let mut bad = key(KeyState::Active);
        bad.private_key.truncate(10);
        assert!(matches!(
            keys.replace(&[bad]),
            Err(KeyError::Malformed { .. })
        ));
        assert_eq!(kids(&keys), [good[0].kid.clone()]);
        keys.sign(&json!({})).unwrap();
    }

    #[test]
    fn private_keys_are_not_shown() {
        let key = key(KeyState::Active);
        let shown = format!("{key:?}");
        assert!(!shown.contains("private"), "{shown}");
    }
}
