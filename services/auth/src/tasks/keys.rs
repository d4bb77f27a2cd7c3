//! Keeps the signing keys in memory as the database has them.

use std::{convert::Infallible, time::Duration};

use plaza_kit::{health::Readiness, retry::Outage, shutdown::Shutdown};
use sqlx::PgPool;

use crate::{
    keys::{KeyError, SigningKeys},
    storage::keys::{KeyStorageError, lacking, load, make_lacking},
};

/// Between two looks; far below the time that a key is published before it signs.
const EVERY: Duration = Duration::from_secs(5);
/// Between two tries before the first keys are known.
const FIRST: Duration = Duration::from_millis(100);

/// Why the keys were not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadKeysError {
    /// The database gave or took none.
    #[error("no signing keys from the database")]
    Storage(#[from] KeyStorageError),
    /// What the database has cannot sign or be published.
    #[error("the stored signing keys cannot be used")]
    Keys(#[from] KeyError),
}

/// Reads the keys once, and makes those that are lacking.
pub(crate) async fn read_keys(pool: &PgPool, keys: &SigningKeys) -> Result<(), ReadKeysError> {
    let mut stored = load(pool).await.map_err(KeyStorageError::from)?;
    if lacking(&stored).next().is_some() {
        make_lacking(pool).await?;
        stored = load(pool).await.map_err(KeyStorageError::from)?;
    }
    Ok(keys.replace(&stored)?)
}

/// Reads the keys every few seconds. The readiness check `keys` holds from the
/// first time on: with the database lost, signing goes on with what is known.
pub(crate) fn follow_keys(
    pool: PgPool,
    keys: SigningKeys,
    readiness: Readiness,
    shutdown: &Shutdown,
) {
    let stop = shutdown.clone();
    shutdown.spawn("signing keys", async move {
        let outage = Outage::new("the store of signing keys");
        let mut wait = FIRST;
        loop {
            match read_keys(&pool, &keys).await {
                Ok(()) => {
                    outage.answered();
                    readiness.set("keys", true);
                    wait = EVERY;
                }
                Err(error) => outage.failed(&error),
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.finishing() => return Ok::<_, Infallible>(()),
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use plaza_kit::token::PublicJwks;

    use super::*;
    use crate::{keys::KeyState, testing::Installation};

    fn kids(keys: &SigningKeys) -> Vec<String> {
        let jwks: PublicJwks = serde_json::from_slice(&keys.document().unwrap()).unwrap();
        jwks.keys.into_iter().map(|key| key.kid).collect()
    }

    #[tokio::test]
    async fn replicas_that_start_together_have_the_same_two_keys() {
        let installation = Installation::without_keys().await;
        let replicas: Vec<_> = (0..5).map(|_| SigningKeys::default()).collect();
        let reads = replicas
            .iter()
            .map(|keys| read_keys(&installation.pool, keys));
        for read in futures::future::join_all(reads).await {
            read.unwrap();
        }
        let stored = load(&installation.pool).await.unwrap();
        let states: Vec<_> = stored.iter().map(|key| key.state).collect();
        assert_eq!(states, [KeyState::Active, KeyState::Published]);
        for keys in &replicas {
            assert_eq!(kids(keys), [stored[0].kid.clone(), stored[1].kid.clone()]);
        }
    }

    #[tokio::test]
    async fn a_rotation_in_the_database_reaches_every_replica_and_old_tokens_stay_good() {
        let installation = Installation::new().await;
        let grant = installation.register("ada").await;
        let before = kids(&installation.app.keys);
        installation.rotate_keys().await;
        read_keys(&installation.pool, &installation.app.keys)
            .await
            .unwrap();
        let after = kids(&installation.app.keys);
        assert_eq!(after[..2], before[..]);
        assert_eq!(after.len(), 3, "the next key is published at once");
        installation
            .app
            .verifier
            .verify(&grant.access_token)
            .unwrap();
        let new = installation.login("ada").await;
        let kid = jsonwebtoken::decode_header(&new.access_token).unwrap().kid;
        assert_eq!(kid.as_ref(), Some(&before[1]));
        installation.app.verifier.verify(&new.access_token).unwrap();
    }
}
