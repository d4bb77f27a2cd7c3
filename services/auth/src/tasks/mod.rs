//! What runs beside the API.

mod clean_up;
mod close_connections;
mod keys;
mod revocations;

pub(crate) use clean_up::clean_up;
pub(crate) use close_connections::close_connections;
pub use keys::ReadKeysError;
pub(crate) use keys::{follow_keys, read_keys};
pub(crate) use revocations::follow_revocations;
