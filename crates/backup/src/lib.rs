//! Backups in an S3-compatible store. A backup is a folder that is named after
//! the time when it began; what makes one, and what restores it, are the
//! operator's scripts. This crate brings whole ones to a store ([`push()`]) and
//! fetches one ([`pull()`]).
//!
//! In the store a backup is the objects `<prefix>/<name>/<file>`. Its
//! `manifest.json` comes last and goes first: what has one is whole.

mod args;
mod error;
mod folder;
mod pull;
mod push;
mod request;
mod store;
mod transfer;

pub use args::{PullArgs, PushArgs, StoreArgs};
pub use error::BackupError;
pub use pull::pull;
pub use push::push;
