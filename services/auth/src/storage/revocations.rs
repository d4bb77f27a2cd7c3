//! The numbered feed of what was revoked.

use plaza_kit::{
    feed::{FeedAnswer, FeedEntry, FeedQuery, continues},
    token::Revocation,
};
use plaza_types::Epoch;
use sqlx::{PgConnection, PgExecutor, PgPool};

use super::Lock;

/// How long an entry is kept (s): longer than any access token lives, but for
/// those that a load test signed for its own users.
pub(crate) const KEPT_S: f64 = 15.0 * 60.0;

/// The column `kind`.
#[derive(Debug, Clone, Copy, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
enum Kind {
    Session,
    User,
}

/// The feed's state and what it has after a number.
struct Snapshot {
    epoch: Epoch,
    dropped: i64,
    last: i64,
    entries: Vec<FeedEntry<Revocation>>,
}

/// Why the feed gives no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    #[error("cannot read the revocations")]
    Database(#[from] sqlx::Error),
    #[error("the database has no epoch: run `plaza migrate`")]
    NotMigrated,
}

/// Appends revocations, in this transaction. The numbers' lock is held to the
/// commit, so take it last.
pub(crate) async fn append(
    transaction: &mut PgConnection,
    revocations: &[Revocation],
) -> sqlx::Result<()> {
    Lock::Revocations.hold(transaction).await?;
    let (kinds, subjects): (Vec<_>, Vec<_>) = revocations
        .iter()
        .map(|revocation| match revocation {
            Revocation::Session(id) => ("session".to_owned(), id.uuid()),
            Revocation::User(id) => ("user".to_owned(), id.uuid()),
        })
        .unzip();
    sqlx::query!(
        "INSERT INTO revocations (kind, subject)
         SELECT kind, subject FROM unnest($1::text[], $2::uuid[]) WITH ORDINALITY AS r (kind, subject, place)
         ORDER BY place",
        &kinds,
        &subjects,
    )
    .execute(&mut *transaction)
    .await?;
    Ok(())
}

/// Takes a user's own entry out of the feed, in this transaction, and makes
/// every poller replace what it holds. Sessions that were ended stay ended:
/// each has an entry of its own.
pub(crate) async fn withdraw(
    transaction: &mut PgConnection,
    user: plaza_types::UserId,
) -> sqlx::Result<()> {
    Lock::Revocations.hold(transaction).await?;
    sqlx::query!(
        "DELETE FROM revocations WHERE kind = 'user' AND subject = $1",
        user.uuid(),
    )
    .execute(&mut *transaction)
    .await?;
    // A number that nobody has: every `since` is older than what is dropped now.
    sqlx::query!(
        "UPDATE revocation_feed
         SET dropped = nextval(pg_get_serial_sequence('revocations', 'number'))"
    )
    .execute(transaction)
    .await?;
    Ok(())
}

/// Answers a poll.
pub(crate) async fn answer(
    pool: &PgPool,
    query: FeedQuery,
) -> Result<FeedAnswer<Revocation>, FeedError> {
    let since = query.since.unwrap_or(0);
    let mut snapshot = read(pool, since).await?;
    let replace = !continues(query, snapshot.epoch, snapshot.dropped, snapshot.last);
    if replace && since != 0 {
        snapshot = read(pool, 0).await?;
    }
    Ok(FeedAnswer {
        epoch: snapshot.epoch,
        last: snapshot.last,
        replace,
        entries: snapshot.entries,
    })
}

/// One statement, so that the entries and what is said about them fit.
async fn read(database: impl PgExecutor<'_>, after: i64) -> Result<Snapshot, FeedError> {
    let rows = sqlx::query!(
        r#"SELECT i.epoch, f.dropped,
                  GREATEST(f.dropped, (SELECT max(number) FROM revocations)) AS "last!",
                  r.number AS "number?", r.kind AS "kind?: Kind", r.subject AS "subject?"
           FROM installation i
           CROSS JOIN revocation_feed f
           LEFT JOIN revocations r ON r.number > $1
           ORDER BY r.number"#,
        after,
    )
    .fetch_all(database)
    .await?;
    let first = rows.first().ok_or(FeedError::NotMigrated)?;
    Ok(Snapshot {
        epoch: Epoch(first.epoch),
        dropped: first.dropped,
        last: first.last,
        entries: rows
            .iter()
            .filter_map(|row| {
                let subject = row.subject?;
                Some(FeedEntry {
                    number: row.number?,
                    entry: match row.kind? {
                        Kind::Session => Revocation::Session(subject.into()),
                        Kind::User => Revocation::User(subject.into()),
                    },
                })
            })
            .collect(),
    })
}

/// Forgets what is older than a token can be, and remembers how far.
pub(crate) async fn forget_old(database: impl PgExecutor<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH gone AS (
             DELETE FROM revocations
             WHERE revoked_at < now() - make_interval(secs => $1)
             RETURNING number
         )
         UPDATE revocation_feed SET dropped = GREATEST(dropped, (SELECT max(number) FROM gone))
         WHERE EXISTS (SELECT FROM gone)",
        KEPT_S,
    )
    .execute(database)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use plaza_types::{SessionId, UserId};

    use super::*;
    use crate::testing::Installation;

    async fn revoke(pool: &PgPool, revocation: Revocation) {
        let mut transaction = pool.begin().await.unwrap();
        append(&mut transaction, &[revocation]).await.unwrap();
        transaction.commit().await.unwrap();
    }

    fn session() -> Revocation {
        Revocation::Session(SessionId::new())
    }

    #[tokio::test]
    async fn numbers_become_visible_in_order() {
        let installation = Installation::new().await;
        let pool = &installation.pool;
        let mut first = pool.begin().await.unwrap();
        append(&mut first, &[session()]).await.unwrap();
        // A second one cannot overtake: it waits for the first to commit.
        let second = tokio::spawn({
            let pool = pool.clone();
            async move { revoke(&pool, session()).await }
        });
        installation.waits_for_a_lock().await;
        let nothing = answer(pool, FeedQuery::default()).await.unwrap();
        assert_eq!((nothing.last, nothing.entries.len()), (0, 0));
        first.commit().await.unwrap();
        second.await.unwrap();
        let both = answer(pool, FeedQuery::default()).await.unwrap();
        let numbers: Vec<_> = both.entries.iter().map(|entry| entry.number).collect();
        assert_eq!((both.last, numbers), (2, vec![1, 2]));
    }

    #[tokio::test]
    async fn a_poller_gets_what_is_new_and_the_whole_list_when_it_is_too_far_behind() {
        let installation = Installation::new().await;
        let (pool, epoch) = (&installation.pool, installation.epoch);
        let user = || Revocation::User(UserId::new());
        let all = [session(), user(), session(), user()];
        for revocation in &all {
            revoke(pool, *revocation).await;
        }
        let ask = async |since, epoch| {
            let answer = answer(pool, FeedQuery { since, epoch }).await.unwrap();
            let entries: Vec<_> = answer.entries.iter().map(|entry| entry.entry).collect();
            (answer.replace, answer.last, entries)
        };
        assert_eq!(
            ask(Some(2), Some(epoch)).await,
            (false, 4, all[2..].to_vec())
        );
        assert_eq!(ask(Some(4), Some(epoch)).await, (false, 4, vec![]));
        assert_eq!(ask(None, None).await, (true, 4, all.to_vec()));
        assert_eq!(
            ask(Some(2), Some(Epoch::new())).await,
            (true, 4, all.to_vec())
        );
        assert_eq!(ask(Some(9), Some(epoch)).await, (true, 4, all.to_vec()));

        installation.age_revocations(16, 2).await;
        forget_old(pool).await.unwrap();
        assert_eq!(
            ask(Some(1), Some(epoch)).await,
            (true, 4, all[2..].to_vec())
        );
        assert_eq!(
            ask(Some(2), Some(epoch)).await,
            (false, 4, all[2..].to_vec())
        );

        installation.age_revocations(16, 4).await;
        forget_old(pool).await.unwrap();
        assert_eq!(ask(Some(4), Some(epoch)).await, (false, 4, vec![]));
        assert_eq!(ask(None, None).await, (true, 4, vec![]));
    }
}
