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
    use crate::{
        admin::{Admin, AdminError},
        keys::KeyState,
        storage::keys,
        testing::Installation,
    };

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

    /// As a replica's next look at the keys.
    async fn look(installation: &Installation) -> Vec<String> {
        read_keys(&installation.pool, &installation.app.keys)
            .await
            .unwrap();
        kids(&installation.app.keys)
    }

    #[tokio::test]
    async fn a_rotation_reaches_every_replica_and_old_tokens_stay_good_until_they_expire() {
        let installation = Installation::new().await;
        let admin = Admin::new(installation.pool.clone());
        let verifier = &installation.app.verifier;
        let grant = installation.register("ada").await;
        let before = kids(&installation.app.keys);

        let early = admin.rotate_keys(false).await.unwrap_err();
        assert!(matches!(early, AdminError::TooEarly { wait_s: 1..=60 }));
        assert_eq!(look(&installation).await, before);

        installation.age_keys(61).await;
        assert_eq!(admin.rotate_keys(false).await.unwrap(), before[1]);
        let after = look(&installation).await;
        assert_eq!(after[..2], before[..]);
        assert_eq!(after.len(), 3, "the next key is published at once");
        verifier.verify(&grant.access_token).unwrap();
        let new = installation.login("ada").await;
        let kid = jsonwebtoken::decode_header(&new.access_token).unwrap().kid;
        assert_eq!(kid.as_ref(), Some(&before[1]));
        verifier.verify(&new.access_token).unwrap();

        let retire = || keys::retire(&installation.pool, Duration::from_mins(20));
        assert_eq!(retire().await.unwrap(), 0);
        installation.age_keys(20 * 60).await;
        assert_eq!(retire().await.unwrap(), 1);
        assert_eq!(look(&installation).await, after[1..]);
        let erased = sqlx::query_scalar!(
            r#"SELECT octet_length(private_key) AS "bytes!" FROM signing_keys WHERE state = 'retired'"#
        );
        let erased = erased.fetch_all(&installation.pool).await.unwrap();
        assert_eq!(erased, [0], "no private half is kept");
    }

    #[tokio::test]
    async fn what_a_withdrawn_key_signed_is_refused_and_no_session_ends() {
        let installation = Installation::new().await;
        let admin = Admin::new(installation.pool.clone());
        let grant = installation.register("ada").await;
        let before = kids(&installation.app.keys);
        installation.age_keys(61).await;
        admin.rotate_keys(true).await.unwrap();
        let after = look(&installation).await;
        assert_eq!(after[0], before[1]);
        let verify = |token: &str| installation.app.verifier.verify(token).map(drop);
        verify(&grant.access_token).unwrap_err();
        let body = serde_json::json!({ "refreshToken": grant.refresh_token });
        let refreshed = plaza_testkit::Request::post("/v1/refresh").json(&body);
        let answer = refreshed.send(&installation.router).await;
        let body = answer.expect(http::StatusCode::OK).json();
        verify(body["accessToken"].as_str().unwrap()).unwrap();
    }
}
