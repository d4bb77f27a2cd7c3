//! Signing keys.

use sqlx::{PgExecutor, PgPool};

use super::Lock;
use crate::keys::{KeyError, KeyState, StoredKey};

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyStorageError {
    /// The database failed.
    #[error("cannot read or write the signing keys")]
    Database(#[from] sqlx::Error),
    /// A lacking key could not be made.
    #[error("cannot make a signing key")]
    Key(#[from] KeyError),
}

/// The keys that are not retired, oldest first.
pub(crate) async fn load(database: impl PgExecutor<'_>) -> sqlx::Result<Vec<StoredKey>> {
    sqlx::query_as!(
        StoredKey,
        r#"SELECT kid, state AS "state: KeyState", private_key, public_key
           FROM signing_keys WHERE state <> 'retired' ORDER BY kid"#,
    )
    .fetch_all(database)
    .await
}

/// Makes an active and a published key where they are lacking. Of many
/// replicas that start together, one makes them.
pub(crate) async fn make_lacking(pool: &PgPool) -> Result<(), KeyStorageError> {
    let mut transaction = pool.begin().await?;
    Lock::Keys.hold(&mut transaction).await?;
    let present = load(&mut *transaction).await?;
    for state in lacking(&present) {
        let key = StoredKey::generate(state)?;
        sqlx::query!(
            "INSERT INTO signing_keys (kid, state, private_key, public_key)
             VALUES ($1, $2, $3, $4)",
            key.kid,
            key.state as KeyState,
            key.private_key,
            key.public_key,
        )
        .execute(&mut *transaction)
        .await?;
        tracing::info!(kid = key.kid, state = ?key.state, "made a signing key");
    }
    transaction.commit().await?;
    Ok(())
}

/// The states that need a key: one signs, and its successor is known already.
pub(crate) fn lacking(present: &[StoredKey]) -> impl Iterator<Item = KeyState> {
    [KeyState::Active, KeyState::Published]
        .into_iter()
        .filter(|state| present.iter().all(|key| key.state != *state))
}
