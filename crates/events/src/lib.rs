//! Durable events and their path: the outbox that a change is written to in
//! its own transaction, the relay from there to Redis Streams, and the reader
//! of the streams.
//!
//! A service that has an outbox writes with [`outbox::append`], starts a
//! [`relay::Relay`] and wakes it after each commit. Order holds inside a
//! [`Partition`], and so inside a room. Every step is repeated after a crash
//! rather than skipped: events arrive at least once.

mod event;
mod kind;
pub mod outbox;
mod partition;
pub mod relay;
mod source;
pub mod stream;

pub use event::{Body, Event, Publication};
pub use kind::Kind;
pub use partition::Partition;
pub use plaza_types::LeaveReason;
pub use source::Source;
