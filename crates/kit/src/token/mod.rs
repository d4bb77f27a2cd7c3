//! Token checks. Every service verifies every token itself.

mod access;
mod caller;
mod keys;
mod revocations;
mod service;

pub use access::{ACCESS_AUDIENCE, AccessClaims, ISSUER, TokenError, Verifier};
pub use caller::{Caller, SERVICE_HEADER, ServiceCaller, Through};
pub use keys::{KeySet, KeySetError, PublicJwk, PublicJwks};
pub use revocations::{Revocation, Revocations};
pub use service::{INTERNAL_AUDIENCE, ServiceTokens, ServiceTokensError};

/// Centrifugo's audience: a connection token opens nothing else.
pub const CONNECTION_AUDIENCE: &str = "centrifugo";
/// Centrifugo's audience for tokens that open one channel.
pub const SUBSCRIPTION_AUDIENCE: &str = "centrifugo-sub";
