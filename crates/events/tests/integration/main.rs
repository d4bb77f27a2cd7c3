//! Outbox, relay and streams between a real PostgreSQL and a real Redis.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod common;
mod forgets;
mod forms;
mod leases;
mod relay;
mod stream;
