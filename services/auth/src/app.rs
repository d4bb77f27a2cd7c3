//! What requests are answered with.

use std::sync::Arc;

use axum::extract::FromRef;
use plaza_kit::token::{Revocation, Revocations, ServiceTokens, Verifier};
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::{
    config::Policy,
    domain::refresh_token::RefreshKey,
    guesses::Guesses,
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
    pub(crate) guesses: Guesses,
    pub(crate) refresh_key: RefreshKey,
    pub(crate) verifier: Verifier,
    pub(crate) service_tokens: ServiceTokens,
    /// Wakes the task that has connections closed.
    pub(crate) ended: Arc<Notify>,
}

impl App {
    /// From parts. `keys` and the revocations are empty until the background
    /// tasks have read them from the database.
    pub fn new(
        pool: PgPool,
        policy: Policy,
        passwords: Passwords,
        guesses: Guesses,
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
            guesses,
            refresh_key,
            verifier,
            service_tokens,
            ended: Arc::default(),
        }
    }

    /// After the commit that ended a session: it is refused here at once, and
    /// its connection is closed.
    pub(crate) fn ended(&self, revocation: Revocation) {
        self.verifier.revocations().add(revocation);
        self.ended.notify_one();
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
