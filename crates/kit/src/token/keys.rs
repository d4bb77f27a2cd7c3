use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize};

/// One public key as auth publishes it (RFC 7517). Centrifugo ignores a key
/// without `use: "sig"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicJwk {
    /// Key type: `EC`.
    pub kty: String,
    /// Curve: `P-256`.
    pub crv: String,
    /// Which key.
    pub kid: String,
    /// `ES256`.
    pub alg: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// The point's x, base64url.
    pub x: String,
    /// The point's y, base64url.
    pub y: String,
}

impl PublicJwk {
    /// An ES256 key from its uncompressed point (65 bytes: 4, x, y).
    pub fn es256(kid: &str, point: &[u8; 65]) -> Self {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as B64};
        Self {
            kty: "EC".into(),
            crv: "P-256".into(),
            kid: kid.into(),
            alg: "ES256".into(),
            usage: "sig".into(),
            x: B64.encode(&point[1..33]),
            y: B64.encode(&point[33..]),
        }
    }
}

/// The document at auth's `/jwks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicJwks {
    /// The keys that may sign now or soon.
    pub keys: Vec<PublicJwk>,
}

/// Why a JWKS is refused.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    /// Nothing to verify with.
    #[error("the key set has no ES256 key")]
    Empty,
    /// A key is malformed.
    #[error("the key set has a malformed key")]
    Malformed(#[source] jsonwebtoken::errors::Error),
}

/// The keys that tokens are verified with; replaced as a whole.
#[derive(Clone, Default)]
pub struct KeySet {
    keys: Arc<RwLock<Arc<Keys>>>,
}

/// One state of a key set.
#[derive(Default)]
struct Keys {
    by_id: HashMap<String, DecodingKey>,
    /// What they were made of.
    jwks: Vec<PublicJwk>,
    /// Another one for other keys.
    generation: u64,
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.snapshot().by_id.keys())
            .finish()
    }
}

impl KeySet {
    fn snapshot(&self) -> Arc<Keys> {
        self.keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes a JWKS in place of what was there. Keys of other kinds are left out.
    pub fn replace(&self, jwks: &PublicJwks) -> Result<(), KeySetError> {
        let before = self.snapshot();
        if before.jwks == jwks.keys && !before.by_id.is_empty() {
            return Ok(());
        }
        let mut keys = HashMap::new();
        for jwk in jwks
            .keys
            .iter()
            .filter(|jwk| jwk.alg == "ES256" && jwk.usage == "sig")
        {
            let key =
                DecodingKey::from_ec_components(&jwk.x, &jwk.y).map_err(KeySetError::Malformed)?;
            keys.insert(jwk.kid.clone(), key);
        }
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Keys {
            by_id: keys,
            jwks: jwks.keys.clone(),
            generation: before.generation + 1,
        });
        Ok(())
    }

    /// Whether there is no key yet.
    pub fn is_empty(&self) -> bool {
        self.snapshot().by_id.is_empty()
    }

    /// Changes with the keys: what was verified under another number has to be
    /// verified again.
    pub fn generation(&self) -> u64 {
        self.snapshot().generation
    }

    /// The key of this id.
    pub fn get(&self, kid: &str) -> Option<DecodingKey> {
        self.snapshot().by_id.get(kid).cloned()
    }
}
