//! Opaque places in a room's history.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use plaza_types::Seq;

/// The place of one message in its room's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor(pub(crate) Seq);

/// A text that no page gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("This cursor is not one that a page of messages gave.")]
pub(crate) struct CursorError;

/// Tells cursors of this kind from those of other lists and later releases.
const KIND: u8 = b'm';

impl Cursor {
    /// The text form.
    pub(crate) fn encode(self) -> String {
        let mut bytes = [KIND; 9];
        bytes[1..].copy_from_slice(&self.0.get().to_be_bytes());
        B64.encode(bytes)
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub(crate) fn decode(text: &str) -> Result<Self, CursorError> {
        // A cursor has 12 characters; the bound keeps the work small.
        let bytes = (text.len() == 12)
            .then(|| B64.decode(text).ok())
            .flatten()
            .ok_or(CursorError)?;
        let [KIND, seq @ ..] = bytes.as_slice() else {
            return Err(CursorError);
        };
        let seq = <[u8; 8]>::try_from(seq).map_err(|_| CursorError)?;
        Seq::try_from(i64::from_be_bytes(seq))
            .map(Self)
            .map_err(|_| CursorError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_reads_as_what_it_was_made_of(seq in 0_i64..1 << 53) {
            let cursor = Cursor(Seq::try_from(seq).unwrap());
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
        }

        #[test]
        fn another_text_is_refused_or_reads_as_itself(text in "\\PC{0,20}") {
            if let Ok(cursor) = Cursor::decode(&text) {
                prop_assert_eq!(cursor.encode(), text);
            }
        }
    }
}
