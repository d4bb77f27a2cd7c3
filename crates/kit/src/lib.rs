//! What every service is made of, so that each is configured, watched,
//! stopped and defended in the same way.
//!
//! A service is `async fn run(args, shutdown) -> anyhow::Result<()>`: it reads
//! its [`config`], opens its [`db`] pool, makes a [`health::Readiness`], starts
//! background tasks with [`shutdown::Shutdown::spawn`] and ends in
//! [`serve::serve`], which returns when a signal has come and all is drained.

pub mod config;
pub mod db;
pub mod feed;
pub mod groups;
pub mod health;
pub mod http;
pub mod http_client;
pub mod limit;
pub mod metrics;
pub mod redis;
pub mod retry;
pub mod serve;
pub mod shutdown;
pub mod telemetry;
pub mod token;
pub mod trace;

/// Installs the process-wide cryptography (aws-lc-rs for TLS and tokens).
/// Call first in `main` and in test set-up; later calls change nothing.
pub fn install_crypto() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}
