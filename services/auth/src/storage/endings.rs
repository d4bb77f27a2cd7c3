//! Whose connections have still to be closed at Centrifugo.

use std::time::Duration;

use chrono::{DateTime, Utc};
use plaza_centrifugo::endings::TAKEN_AT_ONCE;
use plaza_types::UserId;
use sqlx::{PgConnection, PgExecutor};

/// Longest time from the end of a session to when nothing opens a connection
/// with a token of it (s): 1 until every replica knows, 6 that a token can be
/// used, 2 of clocks.
const LAST_TOKEN_S: f64 = 9.0;
/// Shortest time between the two times that Centrifugo is told (s): its nodes
/// may have missed the first, coming back from an outage.
const APART_S: f64 = 2.0;

/// One that is due, taken for a while.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending {
    pub(crate) id: i64,
    pub(crate) user: UserId,
    /// Whether the account is disabled now: its connections shall not come back.
    pub(crate) disabled: bool,
    /// Whether Centrifugo has answered once.
    pub(crate) told: bool,
    pub(crate) ended_at: DateTime<Utc>,
}

/// Notes, in this transaction, that connections of these users have to be closed.
pub(crate) async fn append(transaction: &mut PgConnection, users: &[UserId]) -> sqlx::Result<()> {
    let mut users: Vec<_> = users.iter().map(|user| user.uuid()).collect();
    users.sort_unstable();
    users.dedup();
    sqlx::query!(
        "INSERT INTO endings (user_id) SELECT * FROM unnest($1::uuid[])",
        &users
    )
    .execute(transaction)
    .await?;
    Ok(())
}

/// Takes what is due, for `lease`; whoever asks within it gets the others.
pub(crate) async fn take(
    database: impl PgExecutor<'_>,
    lease: Duration,
) -> sqlx::Result<Vec<Ending>> {
    let rows = sqlx::query!(
        r#"WITH due AS MATERIALIZED (
               SELECT id FROM endings WHERE due_at <= clock_timestamp()
               ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
           )
           UPDATE endings e SET due_at = clock_timestamp() + make_interval(secs => $1)
           FROM due WHERE e.id = due.id
           RETURNING e.id, e.user_id, e.told, e.ended_at,
                     EXISTS (
                         SELECT FROM users u
                         WHERE u.id = e.user_id AND u.disabled_at IS NOT NULL
                     ) AS "disabled!""#,
        lease.as_secs_f64(),
        TAKEN_AT_ONCE,
    )
    .fetch_all(database)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Ending {
            id: row.id,
            user: row.user_id.into(),
            disabled: row.disabled,
            told: row.told,
            ended_at: row.ended_at,
        })
        .collect())
}

/// Centrifugo has answered for these: those told the first time are due again
/// when the last token has run out, the others are done.
pub(crate) async fn answered(
    database: impl PgExecutor<'_>,
    endings: &[Ending],
) -> sqlx::Result<()> {
    let ids = |told| -> Vec<i64> {
        let endings = endings.iter().filter(|ending| ending.told == told);
        endings.map(|ending| ending.id).collect()
    };
    sqlx::query!(
        "WITH done AS (DELETE FROM endings WHERE id = ANY($2))
         UPDATE endings
         SET told = true,
             due_at = GREATEST(ended_at + make_interval(secs => $3),
                               clock_timestamp() + make_interval(secs => $4))
         WHERE id = ANY($1) AND NOT told",
        &ids(false),
        &ids(true),
        LAST_TOKEN_S,
        APART_S,
    )
    .execute(database)
    .await?;
    Ok(())
}

/// Centrifugo has not answered for these: they are due again after `wait`.
pub(crate) async fn unanswered(
    database: impl PgExecutor<'_>,
    endings: &[Ending],
    wait: Duration,
) -> sqlx::Result<()> {
    let ids: Vec<_> = endings.iter().map(|ending| ending.id).collect();
    sqlx::query!(
        "UPDATE endings SET due_at = clock_timestamp() + make_interval(secs => $2)
         WHERE id = ANY($1)",
        &ids,
        wait.as_secs_f64(),
    )
    .execute(database)
    .await?;
    Ok(())
}

/// Forgets those whose connections have ended by themselves since.
pub(crate) async fn forget_old(database: impl PgExecutor<'_>, age: Duration) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM endings WHERE ended_at < now() - make_interval(secs => $1)",
        age.as_secs_f64(),
    )
    .execute(database)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Installation;

    const LEASE: Duration = Duration::from_mins(5);

    async fn note(installation: &Installation, users: &[UserId]) {
        let mut transaction = installation.pool.begin().await.unwrap();
        append(&mut transaction, users).await.unwrap();
        transaction.commit().await.unwrap();
    }

    #[tokio::test]
    async fn one_replica_takes_it_and_another_follows_where_it_died() {
        let installation = Installation::new().await;
        let pool = &installation.pool;
        let user = UserId::new();
        note(&installation, &[user, user]).await;
        let taken = take(pool, Duration::ZERO).await.unwrap();
        assert_eq!((taken.len(), taken[0].user), (1, user));
        let after_its_death = take(pool, LEASE).await.unwrap();
        assert_eq!(after_its_death[0].id, taken[0].id);
        assert!(take(pool, LEASE).await.unwrap().is_empty(), "it is taken");
    }

    #[tokio::test]
    async fn it_is_done_when_it_was_answered_twice_apart() {
        let installation = Installation::new().await;
        let pool = &installation.pool;
        note(&installation, &[UserId::new()]).await;
        let first = take(pool, LEASE).await.unwrap();
        answered(pool, &first).await.unwrap();
        assert!(take(pool, LEASE).await.unwrap().is_empty(), "not due yet");
        let wait = installation.ending_due_in().await;
        assert!((8.0..=9.0).contains(&wait), "{wait} s");

        installation.make_endings_due().await;
        let second = take(pool, LEASE).await.unwrap();
        assert!(second[0].told);
        // Another replica's late answer to the first telling is no second one.
        answered(pool, &first).await.unwrap();
        installation.make_endings_due().await;
        assert_eq!(take(pool, LEASE).await.unwrap().len(), 1);
        answered(pool, &second).await.unwrap();
        installation.make_endings_due().await;
        assert!(take(pool, LEASE).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn after_an_outage_it_is_told_again_soon_and_old_ones_are_forgotten() {
        let installation = Installation::new().await;
        let pool = &installation.pool;
        note(&installation, &[UserId::new()]).await;
        installation.age_endings(60).await;
        let taken = take(pool, LEASE).await.unwrap();
        unanswered(pool, &taken, Duration::ZERO).await.unwrap();
        let taken = take(pool, LEASE).await.unwrap();
        assert!(!taken[0].told);
        answered(pool, &taken).await.unwrap();
        let wait = installation.ending_due_in().await;
        assert!((1.0..=2.0).contains(&wait), "{wait} s");
        forget_old(pool, Duration::from_mins(2)).await.unwrap();
        installation.make_endings_due().await;
        assert_eq!(take(pool, Duration::ZERO).await.unwrap().len(), 1);
        forget_old(pool, Duration::from_secs(50)).await.unwrap();
        assert!(take(pool, LEASE).await.unwrap().is_empty());
    }
}
