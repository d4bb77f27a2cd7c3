//! Real servers for tests, signed tokens, and small helpers.
//!
//! - [`database`]: an own PostgreSQL database for each test, migrated.
//! - [`own_postgres`]: a whole PostgreSQL that the test may kill.
//! - [`redis`]: an own Redis database for each test; [`own_redis`]: a whole
//!   server that the test may stop.
//! - [`redis_cluster`], [`redis_sentinels`]: its other forms, with nodes that
//!   the test may stop; [`tls_redis`]: one behind TLS.
//! - [`centrifugo`]: a real Centrifugo that the test may stop.
//! - [`Socket`]: a client of it.
//! - [`s3()`]: a store for objects; [`tls_s3`]: one behind TLS.
//! - [`free_address`]: where a test may have something listen.
//! - [`eventually`]: waits for a condition, never for a time.
//! - [`Request`]: a request to an axum router without a socket.
//!
//! Servers are started once for each test process, on first use, and end with
//! it however it ends. No environment variable is needed: programs are found
//! as `plaza_local::Binaries` describes.
//!
//! Helpers panic with a clear message where something fails: they are for
//! tests only.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test helper that fails fails its test"
)]

mod address;
mod centrifugo;
mod database;
mod eventually;
mod issuer;
mod postgres;
mod proxy;
mod redis;
mod redis_cluster;
mod redis_sentinels;
mod redis_tls;
mod request;
mod s3;
mod server;
mod socket;

pub use address::free_address;
pub use centrifugo::{TestCentrifugo, TestCentrifugoOptions, centrifugo};
pub use database::{TestDatabase, database, empty_database};
pub use eventually::{Outcome, eventually};
pub use issuer::{INTERNAL_SECRET, Issuer, service_tokens};
pub use postgres::{OwnPostgres, own_postgres};
pub use proxy::{TestProxy, proxy};
pub use redis::{OwnRedis, TestRedis, own_redis, redis};
pub use redis_cluster::{RedisCluster, redis_cluster};
pub use redis_sentinels::{RedisSentinels, redis_sentinels};
pub use redis_tls::{TlsRedis, tls_redis};
pub use request::{Answer, Request};
pub use s3::{TestStore, s3, tls_s3};
pub use socket::{Reply, Socket};
