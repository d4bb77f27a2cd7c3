//! Short names of contents.

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};

/// Bytes of a digest that are kept.
const KEPT: usize = 16;

/// Hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Tells contents apart that are no secret.
pub(crate) fn checksum(content: &[u8]) -> String {
    hex(&digest::digest(&digest::SHA256, content).as_ref()[..KEPT])
}

/// Tells secrets apart without helping who would guess them.
pub(crate) fn keyed_checksum(key: &[u8], content: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hex(&hmac::sign(&key, content).as_ref()[..KEPT])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_has_the_same_name() {
        assert_eq!(checksum(b"a"), checksum(b"a"));
        assert_ne!(checksum(b"a"), checksum(b"b"));
        assert_ne!(keyed_checksum(b"k", b"a"), keyed_checksum(b"l", b"a"));
        assert_eq!(hex(&[0, 255]), "00ff");
    }
}
