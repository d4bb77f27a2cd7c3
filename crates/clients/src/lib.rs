//! Typed clients of the internal HTTP APIs, and the shapes that travel on
//! them: a service answers with the same types that its callers read.
//!
//! Calls for a user carry the user's own access token; calls for nobody carry
//! a token that the caller signs itself.

pub mod auth;
mod call;
mod feeds;
pub mod messages;
mod persist;
pub mod rooms;

pub use call::{As, ClientError, PeersArgs};
pub use feeds::follow_auth;

use serde::{Deserialize, Serialize};

/// One page of a list by key, in one direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<Cursored<T>>,
    /// Whether more follow.
    pub has_next: bool,
    /// Whether there are some before.
    pub has_previous: bool,
}

/// An item and the opaque place behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursored<T> {
    /// Pass as `after` (or `before`) to continue from here.
    pub cursor: String,
    /// The item.
    pub item: T,
}

/// Which page of a forward list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageQuery {
    /// How many; the service has a default and a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u32>,
    /// Behind this cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Ids to look up at once; a service bounds how many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup<I> {
    /// The ids; unknown and invisible ones are left out of the answer.
    pub ids: Vec<I>,
}

/// The most ids of one [`Lookup`].
pub const MAX_LOOKUP: usize = 100;
