//! Centrifugo as Plaza uses it: the names of its channels, its server API over
//! HTTP, and the configuration that it is started with.
//!
//! To add a channel, add a variant to [`Channel`] and, when it is of a new
//! namespace, that namespace's rules to [`config`].

mod api;
mod channel;
mod client;
pub mod config;
pub mod endings;

pub use api::{Close, Command, Outcome, Position};
pub use channel::{Channel, NoChannel};
pub use client::{CallError, Client, ClientArgs, ClientError, MAX_TIMEOUT};
