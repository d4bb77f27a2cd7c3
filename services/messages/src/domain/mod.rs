//! What messages are and what may become of them, free of HTTP and SQL.

mod changes;
mod cursor;
mod draft;
mod history;
mod revision;

pub(crate) use changes::{ChangesError, ChangesWindow, MAX_CHANGES};
pub(crate) use cursor::{Cursor, CursorError};
pub(crate) use draft::Draft;
pub(crate) use history::{Direction, HistoryError, Window, page};
pub(crate) use revision::{Deleted, Revision};
