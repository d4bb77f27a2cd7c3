//! Real servers on this machine: PostgreSQL, Redis and Centrifugo under a data
//! folder, on loopback, for `plaza up` and for tests.
//!
//! - Binaries come from [`Binaries::find`]; nothing is installed here.
//! - Servers never run as root: [`Account::for_servers`] names who runs them.
//! - Servers do not outlive their owner: a [`Reaper`] stops what a killed owner
//!   left behind, and [`PidFile`] lets the next owner find what even that missed.
//! - A port is chosen, used and, when somebody else was quicker, chosen again.
//! - A [`Wire`] between two of them may be cut.

mod account;
mod binaries;
mod centrifugo;
mod error;
mod folder;
mod identity;
mod lines;
mod place;
mod ports;
mod postgres;
mod probe;
mod process;
mod reaper;
mod redis;
mod secret;
mod up;
mod wire;

pub use account::Account;
pub use binaries::{Binaries, PostgresBinaries, Program};
pub use centrifugo::{Centrifugo, CentrifugoOptions, CentrifugoPorts};
pub use error::LocalError;
pub use folder::{create_folder, default_data_folder, write_private};
pub use identity::{Identity, PidFile};
pub use lines::LineSink;
pub use place::Place;
pub use ports::{MAX_BIND_TRIES, free_port, is_free};
pub use postgres::{Durability, Postgres, PostgresOptions};
pub use process::{Launch, Output, Process, StopSignal};
pub use reaper::Reaper;
pub use redis::{Redis, RedisOptions};
pub use secret::random_hex;
pub use up::{PartStatus, Status, Up};
pub use wire::{Passage, Wire};
