//! Refresh tokens: opaque to clients, derived from a session's id and
//! generation under a server key. So the successor of a token is known without
//! being stored, and the database holds nothing that could be used as one.

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use plaza_types::SessionId;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

/// Shortest key: as long as the hash.
const MIN_KEY_BYTES: usize = 32;
const ID_BYTES: usize = 16;
const SIGNED_BYTES: usize = ID_BYTES + 8;
const TAG_BYTES: usize = 32;
/// Keeps these tags apart from any other use of the key.
const CONTEXT: &[u8] = b"plaza refresh token v1";

/// The key has too few bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("needs at least {MIN_KEY_BYTES} bytes; make one with `openssl rand -hex 32`")]
pub struct ShortKey;

/// The server's key.
#[derive(Clone)]
pub struct RefreshKey(hmac::Key);

impl std::fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshKey").finish_non_exhaustive()
    }
}

/// What a token stands for: a session at one generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    pub(crate) session: SessionId,
    pub(crate) generation: i64,
}

/// A text that this installation never gave out as a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a refresh token of this installation")]
pub(crate) struct ForeignToken;

impl RefreshKey {
    /// From a secret of at least 32 bytes.
    pub fn new(secret: &SecretString) -> Result<Self, ShortKey> {
        let bytes = secret.expose_secret().as_bytes();
        if bytes.len() < MIN_KEY_BYTES {
            return Err(ShortKey);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// The text of a token.
    pub(crate) fn issue(&self, token: RefreshToken) -> String {
        let mut bytes = [0; SIGNED_BYTES + TAG_BYTES];
        let (signed, tag) = bytes.split_at_mut(SIGNED_BYTES);
        signed[..ID_BYTES].copy_from_slice(token.session.uuid().as_bytes());
        signed[ID_BYTES..].copy_from_slice(&token.generation.to_be_bytes());
        let mut context = hmac::Context::with_key(&self.0);
        context.update(CONTEXT);
        context.update(signed);
        tag.copy_from_slice(context.sign().as_ref());
        B64.encode(bytes)
    }

    /// What a text stands for, if it is one of ours.
    pub(crate) fn read(&self, text: &str) -> Result<RefreshToken, ForeignToken> {
        let mut bytes = [0; SIGNED_BYTES + TAG_BYTES];
        let length = B64
            .decode_slice(text, &mut bytes)
            .map_err(|_| ForeignToken)?;
        if length != bytes.len() {
            return Err(ForeignToken);
        }
        let (signed, tag) = bytes.split_at(SIGNED_BYTES);
        hmac::verify(&self.0, &[CONTEXT, signed].concat(), tag).map_err(|_| ForeignToken)?;
        let (id, generation) = signed.split_at(ID_BYTES);
        Ok(RefreshToken {
            session: SessionId(Uuid::from_slice(id).map_err(|_| ForeignToken)?),
            generation: i64::from_be_bytes(generation.try_into().map_err(|_| ForeignToken)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(fill: &str) -> RefreshKey {
        RefreshKey::new(&fill.repeat(MIN_KEY_BYTES).into()).unwrap()
    }

    #[test]
    fn a_token_reads_as_what_it_was_issued_for_and_always_looks_the_same() {
        let token = RefreshToken {
            session: SessionId::new(),
            generation: 7,
        };
        let text = key("k").issue(token);
        assert_eq!(key("k").read(&text), Ok(token));
        assert_eq!(key("k").issue(token), text);
    }

    #[test]
    fn another_key_another_generation_and_garbage_are_foreign() {
        let token = RefreshToken {
            session: SessionId::new(),
            generation: 7,
        };
        let text = key("k").issue(token);
        assert_eq!(key("other").read(&text), Err(ForeignToken));
        let mut bytes = B64.decode(&text).unwrap();
        bytes[SIGNED_BYTES - 1] += 1;
        assert_eq!(key("k").read(&B64.encode(bytes)), Err(ForeignToken));
        for bad in ["", "x", &text[1..], &format!("{text}AAAA"), "\0", "é"] {
            assert_eq!(key("k").read(bad), Err(ForeignToken), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_other_text_is_taken(text in "\\PC{0,200}") {
            prop_assert_eq!(key("k").read(&text), Err(ForeignToken));
        }
    }
}
