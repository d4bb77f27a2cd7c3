//! The whole product as a client meets it: `plaza up` with its real servers,
//! spoken to through GraphQL alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails where something is not as it should be"
)]

mod admin;
mod bad_input;
mod bad_tokens;
mod channels;
mod conversation;
mod cut_off;
mod guarantee_5;
mod guarantee_6;
mod loadtest;
mod loadtest_fleet;
mod observability;
mod sessions;
mod shutdown;
mod standalone;
mod support;
