//! Messages, their order and read state; the messages-publisher.
//!
//! A send goes from [`routes`] through the [`Gate`] (may the caller write
//! here?) into the [`Store`], which gives it its place in the room under the
//! room's lock and answers after the commit. Its event is written in the same
//! transaction and relayed from there.

mod access;
mod api;
mod config;
mod domain;
#[cfg(test)]
mod guarantees;
pub mod publisher;
mod pulse;
mod realtime;
mod run;
pub mod seed;
mod storage;
#[cfg(test)]
mod testing;

pub use access::{Gate, MemoryArgs};
pub use api::{Parts, routes};
pub use config::MessagesArgs;
pub use realtime::Realtime;
pub use run::run;
pub use storage::Store;

/// The database's migrations, run by `plaza migrate`.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
