//! Pages by key: how many, and behind which opaque cursor.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use plaza_clients::{Cursored, Page};
use plaza_types::ApiError;

/// A place in a list, which travels as an opaque text.
pub(super) trait Cursor: Sized {
    /// The place as text.
    fn write(&self) -> String;
    /// The place that [`write`](Self::write) wrote; none if it wrote no such text.
    fn read(text: &str) -> Option<Self>;
}

/// Longer than any cursor.
const MAX_CURSOR_BYTES: usize = 256;

/// How many items are asked for.
pub(super) fn size(first: Option<u32>, default: u32, max: u32) -> Result<u32, ApiError> {
    match first {
        None => Ok(default),
        Some(first) if (1..=max).contains(&first) => Ok(first),
        Some(_) => Err(ApiError::bad_input(
            "first",
            format!("A page has 1 to {max} items."),
        )),
    }
}

/// Behind which place they are asked for.
pub(super) fn after<C: Cursor>(after: Option<&str>) -> Result<Option<C>, ApiError> {
    after
        .map(|text| {
            decode(text).ok_or_else(|| {
                ApiError::bad_input(
                    "after",
                    "This is no cursor of this list. Begin again without one.",
                )
            })
        })
        .transpose()
}

/// The page of `size` from up to one more item, each with its place.
pub(super) fn page<T, C: Cursor>(mut items: Vec<(C, T)>, size: u32, has_previous: bool) -> Page<T> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let has_next = items.len() > size;
    items.truncate(size);
    Page {
        items: items
            .into_iter()
            .map(|(place, item)| Cursored {
                cursor: B64.encode(place.write()),
                item,
            })
            .collect(),
        has_next,
        has_previous,
    }
}

fn decode<C: Cursor>(text: &str) -> Option<C> {
    if text.len() > MAX_CURSOR_BYTES {
        return None;
    }
    C::read(&String::from_utf8(B64.decode(text).ok()?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct At(u32);

    impl Cursor for At {
        fn write(&self) -> String {
            self.0.to_string()
        }
        fn read(text: &str) -> Option<Self> {
            text.parse().ok().map(Self)
        }
    }

    #[test]
    fn one_item_more_says_that_more_follow() {
        let items = |n: u32| (0..n).map(|i| (At(i), i)).collect::<Vec<_>>();
        let full = page(items(3), 2, false);
        assert!(full.has_next);
        assert_eq!(full.items.len(), 2);
        assert!(!page(items(2), 2, false).has_next);
        let last = &full.items[1].cursor;
        assert_eq!(after::<At>(Some(last)), Ok(Some(At(1))));
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        assert_eq!(after::<At>(None), Ok(None));
        for bad in ["", "!", "_w", &B64.encode("x"), &"A".repeat(300)] {
            assert_eq!(
                after::<At>(Some(bad)).unwrap_err().field.as_deref(),
                Some("after"),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_page_has_bounds() {
        assert_eq!(size(None, 20, 50), Ok(20));
        assert_eq!(size(Some(50), 20, 50), Ok(50));
        assert!(size(Some(0), 20, 50).is_err());
        assert!(size(Some(51), 20, 50).is_err());
    }
}
