//! What rooms decides without touching anything: how a change is numbered and
//! told, who follows an owner, and how a search is read.

mod change;
mod departure;
mod search;

pub(crate) use change::{Change, Counters};
pub(crate) use departure::successor;
pub(crate) use search::Search;
