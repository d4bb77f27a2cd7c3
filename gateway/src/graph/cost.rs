//! What fields cost beside their selections, in the unit of the complexity
//! limit: one field of an answer.

use super::page::MAX_PAGE;

/// A field that makes a call of its own, not a batched one.
pub(super) const CALL: usize = 50;

/// A field that has a password hashed: never many in one document.
pub(super) const PASSWORD: usize = 500;

/// A field that has auth sign a token, of a batch.
pub(super) const SIGNATURE: usize = 3;

/// Rooms of a list that has no pages.
pub(super) const LIST: usize = 100;

/// How many items a page of this size can hold.
pub(super) fn page(size: Option<i32>, default: u32) -> usize {
    let size = size
        .and_then(|size| u32::try_from(size).ok())
        .unwrap_or(default);
    usize::try_from(size.clamp(1, MAX_PAGE)).unwrap_or(usize::MAX)
}
