//! auth's own database; nothing else here knows SQL.

pub(crate) mod endings;
pub(crate) mod keys;
pub(crate) mod revocations;
pub(crate) mod seed;
pub(crate) mod sessions;
pub(crate) mod users;

use sqlx::PgConnection;

/// Advisory locks of this database.
#[derive(Debug, Clone, Copy)]
enum Lock {
    /// Held while signing keys are made.
    Keys = 1,
    /// Held from the drawing of a revocation's number to the commit.
    Revocations = 2,
}

impl Lock {
    /// Waits for the lock and holds it to the end of the transaction.
    async fn hold(self, transaction: &mut PgConnection) -> sqlx::Result<()> {
        sqlx::query!("SELECT pg_advisory_xact_lock($1)", self as i64)
            .execute(transaction)
            .await?;
        Ok(())
    }
}
