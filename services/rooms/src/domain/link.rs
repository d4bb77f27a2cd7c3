//! Links of invitations: what one holds cannot be guessed, and the database
//! holds nothing that could be used as one.

use aws_lc_rs::{digest, error::Unspecified, rand};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as B64};

/// Random bytes of a token.
const BYTES: usize = 32;

/// The SHA-256 of a token: all that is stored of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenHash([u8; BYTES]);

impl TokenHash {
    /// Of a token as its link has it; none: no token ever looks like this.
    pub(crate) fn of(token: &str) -> Option<Self> {
        let mut bytes = [0; BYTES];
        match B64.decode_slice(token, &mut bytes) {
            Ok(BYTES) => {}
            _ => return None,
        }
        let mut hash = [0; BYTES];
        hash.copy_from_slice(digest::digest(&digest::SHA256, &bytes).as_ref());
        Some(Self(hash))
    }

    /// For storage.
    pub(crate) const fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A new token: 256 random bits.
pub(crate) fn token() -> Result<String, Unspecified> {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes)?;
    Ok(B64.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_hash_and_nothing_else_is_one() {
        let (one, other) = (token().unwrap(), token().unwrap());
        assert_eq!(one.len(), 43);
        assert_eq!(TokenHash::of(&one), TokenHash::of(&one));
        assert_ne!(TokenHash::of(&one), TokenHash::of(&other));
        for bad in [
            "",
            "x",
            &one[1..],
            &format!("{one}A"),
            &"A".repeat(1_000),
            "a\0b",
        ] {
            assert_eq!(TokenHash::of(bad), None, "{bad:?}");
        }
    }
}
