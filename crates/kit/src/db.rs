//! PostgreSQL: a bounded pool whose statements end in time.

use std::{str::FromStr, time::Duration};

use plaza_types::Epoch;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    config::{ConfigError, PoolArgs},
    health::Readiness,
    shutdown::Shutdown,
};

/// A connection that was used within this is taken without asking whether it
/// still works: that would be a round trip more for every statement. One that
/// the server has closed since fails what it is taken for, as unavailable.
const FRESH: Duration = Duration::from_secs(1);

/// How long a lost database is borne before the service is unready.
const LOST_AFTER: Duration = Duration::from_secs(10);

/// A pool that connects when it is first used, so that a service starts
/// before its database does. `name` is the URL's environment variable.
pub fn pool(
    name: &'static str,
    url: &SecretString,
    args: &PoolArgs,
) -> Result<PgPool, ConfigError> {
    Ok(pool_options()
        .max_connections(args.database_max_connections)
        .acquire_timeout(Duration::from_millis(args.database_acquire_timeout_ms))
        .idle_timeout(Duration::from_mins(5))
        .max_lifetime(Duration::from_mins(30))
        .connect_lazy_with(options(name, url, args.database_statement_timeout_ms)?))
}

/// A pool that asks a connection whether it still works only when that was not
/// used for a second.
pub fn pool_options() -> PgPoolOptions {
    PgPoolOptions::new()
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

/// Connection options with the server-side bounds that the relay's reading
/// relies on: no statement and no idle transaction outlives 30 s.
pub fn options(
    name: &'static str,
    url: &SecretString,
    statement_timeout_ms: u64,
) -> Result<PgConnectOptions, ConfigError> {
    let options =
        PgConnectOptions::from_str(url.expose_secret()).map_err(|_| ConfigError::Invalid {
            name,
            why: "not a PostgreSQL URL, such as postgres://user:password@host:5432/database".into(),
        })?;
    Ok(options.application_name("plaza").options([
        ("statement_timeout", statement_timeout_ms.to_string()),
        ("idle_in_transaction_session_timeout", "5s".to_owned()),
        ("tcp_user_timeout", "3s".to_owned()),
        ("timezone", "UTC".to_owned()),
        // Short statements on tables without statistics can be planned as
        // expensive; compiling one takes 200 ms, running it takes 1.
        ("jit", "off".to_owned()),
        // Planning costs as much as most statements here do; planned once a
        // connection, they cost half.
        ("plan_cache_mode", "force_generic_plan".to_owned()),
        // Such a plan may be from when a table was nearly empty: every query
        // has an index, so none may read from end to end a table that has
        // grown since.
        ("enable_seqscan", "off".to_owned()),
    ]))
}

/// Whether the database cannot be reached or has no capacity now, as opposed
/// to having refused what it was asked.
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_) => true,
        // 08: connection, 53: resources, 57: operator intervention (shutdown, statement timeout), 55P03: lock timeout.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "53", "57"]
                .iter()
                .any(|class| code.starts_with(class))
                || code == "55P03"
        }),
        _ => false,
    }
}

/// Why the installation's epoch is not known.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// The row is not there.
    #[error("the database has no epoch: run `plaza migrate`")]
    NotMigrated,
    /// The database does not answer.
    #[error("cannot read the epoch")]
    Database(#[from] sqlx::Error),
}

/// Reads the installation's epoch (table `installation`, one row), waiting
/// while the database is not there yet and until stopping begins.
pub async fn epoch(pool: &PgPool, shutdown: &Shutdown) -> Result<Epoch, EpochError> {
    let mut said = false;
    loop {
        let found = sqlx::query_scalar::<_, uuid::Uuid>("SELECT epoch FROM installation")
            .fetch_optional(pool)
            .await;
        match found {
            Ok(Some(epoch)) => return Ok(Epoch(epoch)),
            Ok(None) => return Err(EpochError::NotMigrated),
            // 42P01: no such table.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P01") => {
                return Err(EpochError::NotMigrated);
            }
            Err(error) if is_unavailable(&error) && !shutdown.is_stopping() => {
                if !said {
                    tracing::warn!(error = %error, "waiting for the database");
                    said = true;
                }
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(200)) => {}
                    () = shutdown.stopping() => {}
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn measure(pool: &PgPool) {
    let (size, most) = (pool.size(), pool.options().get_max_connections());
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    metrics::gauge!("plaza_database_connections").set(f64::from(size));
    metrics::gauge!("plaza_database_connections_busy").set(f64::from(size.saturating_sub(idle)));
    metrics::gauge!("plaza_database_connections_max").set(f64::from(most));
}

/// Keeps the readiness check `database` true while the database answers, and
/// for 10 s after.
pub fn watch(pool: PgPool, readiness: Readiness, shutdown: &Shutdown) {
    let stop = shutdown.clone();
    shutdown.spawn("database watch", async move {
        let mut lost = tokio::time::Instant::now();
        loop {
            let answered = tokio::time::timeout(
                Duration::from_secs(3),
                sqlx::query("SELECT 1").execute(&pool),
            )
            .await;
            if matches!(answered, Ok(Ok(_))) {
                lost = tokio::time::Instant::now();
                readiness.set("database", true);
            } else if lost.elapsed() > LOST_AFTER {
                readiness.set("database", false);
            }
            measure(&pool);
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(2)) => {}
                () = stop.finishing() => return Ok::<_, std::convert::Infallible>(()),
            }
        }
    });
}
