//! Forgets what is over: old revocations, old sessions, connections that have
//! ended by themselves, and signing keys whose last token has expired.

use std::{convert::Infallible, time::Duration};

use plaza_kit::{retry::Outage, shutdown::Shutdown};
use sqlx::PgPool;

use crate::storage::{endings, keys, revocations, sessions};

/// Between two rounds of one replica, before the spread.
const EVERY: Duration = Duration::from_mins(1);
/// Beyond the longest life of a connection.
const TO_SPARE: Duration = Duration::from_mins(2);
/// Beyond the longest life of a token, 15 minutes, and the wait of a replica
/// that goes on signing until it looks at the keys again.
const RETIRING: Duration = Duration::from_mins(20);

async fn round(pool: &PgPool, connection_lifetime: Duration) -> sqlx::Result<()> {
    revocations::forget_old(pool).await?;
    // A connection outlives its lifetime by the spread, a fifth, and by what
    // Centrifugo waits for another token.
    endings::forget_old(pool, connection_lifetime.mul_f64(1.2) + TO_SPARE).await?;
    let deleted = sessions::clean_up(pool).await?;
    if deleted > 0 {
        tracing::info!(deleted, "deleted sessions that have been over for long");
    }
    let retired = keys::retire(pool, RETIRING).await?;
    if retired > 0 {
        tracing::info!(retired, "retired signing keys");
    }
    Ok(())
}

/// Cleans up about once a minute. Replicas may do it at the same time.
pub(crate) fn clean_up(pool: PgPool, connection_lifetime: Duration, shutdown: &Shutdown) {
    let stop = shutdown.clone();
    shutdown.spawn("clean-up", async move {
        let outage = Outage::new("the clean-up's database");
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY.mul_f64(0.5 + fastrand::f64())) => {}
                () = stop.finishing() => return Ok::<_, Infallible>(()),
            }
            match round(&pool, connection_lifetime).await {
                Ok(()) => outage.answered(),
                Err(error) => outage.failed(&error),
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Installation;

    #[tokio::test]
    async fn only_sessions_that_have_been_over_for_a_week_are_deleted() {
        let installation = Installation::new().await;
        for name in ["live", "expired", "expired-long-ago", "revoked-long-ago"] {
            installation.register(name).await;
        }
        let age = async |name, expired_days, revoked_days| {
            installation
                .age_session(name, expired_days, revoked_days)
                .await;
        };
        age("expired", 6, None).await;
        age("expired-long-ago", 8, None).await;
        age("revoked-long-ago", -20, Some(8)).await;
        round(&installation.pool, Duration::from_hours(1))
            .await
            .unwrap();
        assert_eq!(
            installation.usernames_with_sessions().await,
            ["expired", "live"]
        );
    }
}
