//! Signing keys.

use std::time::Duration;

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

/// What becomes of the key that signed until now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Former {
    /// What it signed stays good until it has expired.
    Retires,
    /// Nothing that it signed is good any more.
    IsWithdrawn,
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rotated {
    /// The published key signs.
    Signs {
        /// Which.
        kid: String,
    },
    /// Not everybody can know the published key yet.
    TooEarly {
        /// How long to wait.
        wait: Duration,
    },
}

/// Lets the published key sign, and publishes another one. A key that has been
/// published for less than `published_for` is left as it is.
pub(crate) async fn rotate(
    pool: &PgPool,
    published_for: Duration,
    former: Former,
) -> Result<Rotated, KeyStorageError> {
    make_lacking(pool).await?;
    let mut transaction = pool.begin().await?;
    Lock::Keys.hold(&mut transaction).await?;
    let next = sqlx::query!(
        r#"SELECT kid, extract(epoch FROM clock_timestamp() - created_at)::float8 AS "age_s!"
           FROM signing_keys WHERE state = 'published' ORDER BY kid LIMIT 1"#,
    )
    .fetch_one(&mut *transaction)
    .await?;
    let age = Duration::from_secs_f64(next.age_s.max(0.0));
    if let Some(wait) = published_for
        .checked_sub(age)
        .filter(|wait| !wait.is_zero())
    {
        return Ok(Rotated::TooEarly { wait });
    }
    match former {
        Former::Retires => {
            sqlx::query!(
                "UPDATE signing_keys SET state = 'retiring', changed_at = clock_timestamp()
                 WHERE state = 'active'",
            )
            .execute(&mut *transaction)
            .await?;
        }
        Former::IsWithdrawn => {
            sqlx::query!(
                "UPDATE signing_keys
                 SET state = 'retired', private_key = '', changed_at = clock_timestamp()
                 WHERE state IN ('active', 'retiring')",
            )
            .execute(&mut *transaction)
            .await?;
        }
    }
    sqlx::query!(
        "UPDATE signing_keys SET state = 'active', changed_at = clock_timestamp() WHERE kid = $1",
        next.kid,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    make_lacking(pool).await?;
    Ok(Rotated::Signs { kid: next.kid })
}

/// Retires keys whose last token has expired, and erases their private halves.
/// Answers how many.
pub(crate) async fn retire(
    database: impl PgExecutor<'_>,
    retiring_for: Duration,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE signing_keys
         SET state = 'retired', private_key = '', changed_at = clock_timestamp()
         WHERE state = 'retiring' AND changed_at < clock_timestamp() - make_interval(secs => $1)",
        retiring_for.as_secs_f64(),
    )
    .execute(database)
    .await?;
    Ok(done.rows_affected())
}
