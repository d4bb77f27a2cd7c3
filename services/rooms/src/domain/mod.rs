//! What rooms decides without touching anything: how a change is numbered and
//! told, who follows an owner, who may do what, and how a search is read.

mod change;
mod channel;
mod departure;
mod fanout;
mod link;
mod permission;
mod search;

pub(crate) use change::{Change, Counters, nameless};
pub(crate) use channel::{Standing, may_open};
pub(crate) use departure::successor;
pub(crate) use fanout::Channels;
pub use fanout::Threshold;
pub(crate) use link::{TokenHash, token};
pub(crate) use permission::{Act, Denied, permit, permit_on, permit_own_role, permit_role};
pub(crate) use search::Search;
