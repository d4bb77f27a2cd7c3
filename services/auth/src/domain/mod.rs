//! Rules of accounts, sessions and tokens, without a framework or a database.

pub(crate) mod accounts;
pub(crate) mod claims;
pub(crate) mod refresh_token;
pub(crate) mod rotation;
pub(crate) mod username_key;
