//! Outbox, relay and streams between a real PostgreSQL and a real Redis.

mod common;
mod relay;
mod stream;
