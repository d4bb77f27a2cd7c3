//! Pages of a room's history.

use plaza_clients::{Cursored, Page, messages::HistoryQuery};
use plaza_types::{Message, Number, Seq};

use super::{Cursor, CursorError};

/// Messages on a page that says nothing.
const DEFAULT: u32 = 50;
/// Most messages on a page.
const MAX: u32 = 100;

/// Which part of a room's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) direction: Direction,
    pub(crate) limit: u32,
}

/// From where a page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The oldest ones after this place; none: of all.
    After(Option<Seq>),
    /// The newest ones ahead of this place; none: of all.
    Before(Option<Seq>),
}

/// Why there is no such page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HistoryError {
    #[error("Ask for 1 to {MAX} messages.")]
    Size { field: &'static str },
    #[error("{source}")]
    Cursor {
        field: &'static str,
        source: CursorError,
    },
    #[error("Ask in one direction: `first` and `after`, or `last` and `before`.")]
    BothDirections,
}

impl HistoryError {
    /// The input at fault, where it is one.
    pub(crate) const fn field(&self) -> Option<&'static str> {
        match self {
            Self::Size { field } | Self::Cursor { field, .. } => Some(field),
            Self::BothDirections => None,
        }
    }
}

impl Window {
    /// Checks what was asked. Nothing asked means the newest page.
    pub(crate) fn parse(query: &HistoryQuery) -> Result<Self, HistoryError> {
        let forwards = query.first.is_some() || query.after.is_some();
        let backwards = query.last.is_some() || query.before.is_some();
        match (forwards, backwards) {
            (true, true) => Err(HistoryError::BothDirections),
            (true, false) => Ok(Self {
                direction: Direction::After(seq("after", query.after.as_deref())?),
                limit: size("first", query.first)?,
            }),
            (false, _) => Ok(Self {
                direction: Direction::Before(seq("before", query.before.as_deref())?),
                limit: size("last", query.last)?,
            }),
        }
    }
}

fn size(field: &'static str, asked: Option<u32>) -> Result<u32, HistoryError> {
    match asked.unwrap_or(DEFAULT) {
        size @ 1..=MAX => Ok(size),
        _ => Err(HistoryError::Size { field }),
    }
}

fn seq(field: &'static str, cursor: Option<&str>) -> Result<Option<Seq>, HistoryError> {
    cursor
        .map(Cursor::decode)
        .transpose()
        .map(|cursor| cursor.map(|cursor| cursor.0))
        .map_err(|source| HistoryError::Cursor { field, source })
}

/// The page of these messages (oldest first) in a room whose last message has
/// the number `last`. Numbers have no gaps, so they tell whether there is more.
pub(crate) fn page(window: Window, last: Number, messages: Vec<Message>) -> Page<Message> {
    let (has_previous, has_next) = match (messages.first(), messages.last(), window.direction) {
        (Some(oldest), Some(newest), _) => (oldest.number.get() > 1, newest.number < last),
        (_, _, Direction::After(from)) => (from.is_some() && last > Number::ZERO, false),
        (_, _, Direction::Before(from)) => (false, from.is_some() && last > Number::ZERO),
    };
    let items = messages
        .into_iter()
        .map(|item| Cursored {
            cursor: Cursor(item.seq).encode(),
            item,
        })
        .collect();
    Page {
        items,
        has_next,
        has_previous,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query() -> HistoryQuery {
        HistoryQuery::default()
    }

    #[test]
    fn nothing_asked_is_the_newest_page() {
        let window = Window::parse(&query()).unwrap();
        assert_eq!(window.direction, Direction::Before(None));
        assert_eq!(window.limit, 50);
    }

    #[test]
    fn a_size_is_1_to_100() {
        for (first, good) in [
            (0, false),
            (1, true),
            (100, true),
            (101, false),
            (u32::MAX, false),
        ] {
            let asked = HistoryQuery {
                first: Some(first),
                ..query()
            };
            assert_eq!(Window::parse(&asked).is_ok(), good, "{first}");
        }
    }

    #[test]
    fn two_directions_at_once_are_refused() {
        let asked = HistoryQuery {
            first: Some(1),
            before: Some(Cursor(Seq::ZERO).encode()),
            ..query()
        };
        assert_eq!(Window::parse(&asked), Err(HistoryError::BothDirections));
    }

    #[test]
    fn a_cursor_of_nobody_is_refused_by_name() {
        let asked = HistoryQuery {
            before: Some("x".into()),
            ..query()
        };
        assert_eq!(Window::parse(&asked).unwrap_err().field(), Some("before"));
    }
}
