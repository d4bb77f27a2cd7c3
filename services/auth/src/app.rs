//! What requests are answered with.

use std::sync::Arc;

use axum::extract::FromRef;
use plaza_kit::token::{Revocations, ServiceTokens, Verifier};
use sqlx::PgPool;

use crate::{
    config::Policy,
    domain::refresh_token::RefreshKey,
    keys::SigningKeys,
    passwords::Passwords,
    tasks::{self, ReadKeysError},
};

/// The parts that handlers need. Clones share them.
#[derive(Debug, Clone)]
pub struct App {
    pub(crate) pool: PgPool,
    pub(crate) policy: Policy,
    pub(crate) keys: SigningKeys,
    pub(crate) passwords: Passwords,
    pub(crate) refresh_key: RefreshKey,
    pub(crate) verifier: Verifier,
    pub(crate) service_tokens: ServiceTokens,
}

impl App {
    /// From parts. `keys` and the revocations are empty until the background
    /// tasks have read them from the database.
    pub fn new(
        pool: PgPool,
        policy: Policy,
        passwords: Passwords,
        refresh_key: RefreshKey,
        service_tokens: ServiceTokens,
    ) -> Self {
        let keys = SigningKeys::default();
        let verifier = Verifier::new(
            keys.verification().clone(),
            Arc::new(Revocations::default()),
        );
        Self {
            pool,
            policy,
            keys,
            passwords,
            refresh_key,
            verifier,
            service_tokens,
        }
    }

    /// Reads the signing keys and makes those that are lacking. The running
    /// service does so by itself every few seconds.
    pub async fn read_keys(&self) -> Result<(), ReadKeysError> {
        tasks::read_keys(&self.pool, &self.keys).await
    }
}

impl FromRef<App> for Verifier {
    fn from_ref(app: &App) -> Self {
        app.verifier.clone()
    }
}

impl FromRef<App> for ServiceTokens {
    fn from_ref(app: &App) -> Self {
        app.service_tokens.clone()
    }
}
