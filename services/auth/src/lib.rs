//! auth: accounts, passwords, sessions, signing keys, revocations and
//! real-time tokens.
//!
//! - [`run`] is the service: the API of [`router`], and tasks that keep the
//!   signing keys and the revocations in memory as the database has them.
//! - A new endpoint is a file in `api` with its error, handler and tests, and
//!   a line in the table of routes.
//! - `domain` holds the rules and knows neither HTTP nor SQL; `storage` alone
//!   knows SQL.
//!
//! Three secrets make the tokens. *Signing keys* (ES256) live in the database
//! as PKCS#8 bytes, so that every replica signs with the same one: protect the
//! database and its backups as you would the keys. *Refresh tokens* are derived
//! from a session's id and generation under `PLAZA_AUTH_REFRESH_KEY`, which is
//! not in the database, so that a copy of it continues nobody's session. With
//! the *internal secret* services ask for revocations.

pub mod admin;
mod api;
mod app;
mod config;
mod domain;
#[cfg(test)]
mod guarantees;
mod guesses;
mod keys;
mod passwords;
mod run;
pub mod seed;
mod storage;
mod tasks;
#[cfg(test)]
mod testing;

pub use api::router;
pub use app::App;
pub use config::{AuthArgs, PasswordArgs, Policy, Registration};
pub use domain::refresh_token::{RefreshKey, ShortKey};
pub use guesses::{GuessArgs, Guesses};
pub use keys::{KeyError, SignError, SigningKeys};
pub use passwords::{CostError, PasswordCost, PasswordError, PasswordLimits, Passwords, Verdict};
pub use run::run;
pub use storage::keys::KeyStorageError;
pub use tasks::ReadKeysError;

/// The migrations of auth's database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
