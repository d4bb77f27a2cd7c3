//! What runs beside the API.

mod clean_up;
mod keys;
mod revocations;

pub(crate) use clean_up::clean_up;
pub(crate) use keys::follow_keys;
#[cfg(test)]
pub(crate) use keys::read_keys;
pub(crate) use revocations::follow_revocations;
