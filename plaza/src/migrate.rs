//! `plaza migrate`: the three databases at this version's schema, and one
//! epoch in all of them.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use plaza_events::outbox;
use plaza_kit::{config::secret, db};
use plaza_types::Epoch;
use secrecy::SecretString;
use sqlx::{ConnectOptions, Connection, PgConnection, migrate::Migrator};

/// Where the databases are.
#[derive(Debug, clap::Args)]
pub(crate) struct MigrateArgs {
    /// Database of auth
    #[arg(long, env = "PLAZA_AUTH_DATABASE_URL", hide_env_values = true)]
    auth_database_url: Option<SecretString>,
    /// File that holds the URL of auth's database
    #[arg(long, env = "PLAZA_AUTH_DATABASE_URL_FILE")]
    auth_database_url_file: Option<PathBuf>,
    /// Database of rooms
    #[arg(long, env = "PLAZA_ROOMS_DATABASE_URL", hide_env_values = true)]
    rooms_database_url: Option<SecretString>,
    /// File that holds the URL of rooms' database
    #[arg(long, env = "PLAZA_ROOMS_DATABASE_URL_FILE")]
    rooms_database_url_file: Option<PathBuf>,
    /// Database of messages
    #[arg(long, env = "PLAZA_MESSAGES_DATABASE_URL", hide_env_values = true)]
    messages_database_url: Option<SecretString>,
    /// File that holds the URL of messages' database
    #[arg(long, env = "PLAZA_MESSAGES_DATABASE_URL_FILE")]
    messages_database_url_file: Option<PathBuf>,
    /// Longest wait for a database that does not answer yet (s)
    #[arg(long, env = "PLAZA_MIGRATE_WAIT_S", default_value_t = 60)]
    migrate_wait_s: u64,
    /// Longest time one statement of a migration may run (s)
    #[arg(
        long,
        env = "PLAZA_MIGRATE_STATEMENT_TIMEOUT_S",
        default_value_t = 3_600
    )]
    migrate_statement_timeout_s: u64,
    /// Make a new epoch, as after a restore of any of the databases: every client loads everything again, and events that
    /// were not sent yet are forgotten. No service may run meanwhile
    #[arg(long)]
    new_epoch: bool,
}

struct Database {
    service: &'static str,
    connection: PgConnection,
    epoch: Option<Epoch>,
    has_outbox: bool,
}

/// Migrates all three, then sees to the epoch.
pub(crate) async fn run(args: &MigrateArgs) -> anyhow::Result<()> {
    #[cfg(feature = "upgrade-test")]
    let messages = &crate::upgrade_test::one_more(&plaza_messages::MIGRATOR);
    #[cfg(not(feature = "upgrade-test"))]
    let messages = &plaza_messages::MIGRATOR;
    let of = [
        (
            "auth",
            "PLAZA_AUTH_DATABASE_URL",
            &args.auth_database_url,
            &args.auth_database_url_file,
            &plaza_auth::MIGRATOR,
        ),
        (
            "rooms",
            "PLAZA_ROOMS_DATABASE_URL",
            &args.rooms_database_url,
            &args.rooms_database_url_file,
            &plaza_rooms::MIGRATOR,
        ),
        (
            "messages",
            "PLAZA_MESSAGES_DATABASE_URL",
            &args.messages_database_url,
            &args.messages_database_url_file,
            messages,
        ),
    ];
    let mut databases = Vec::with_capacity(of.len());
    for (service, name, inline, file, migrator) in of {
        let url = secret(name, inline.as_ref(), file.as_ref())?;
        let mut connection = connect(name, &url, args).await?;
        migrate(service, migrator, &mut connection).await?;
        let epoch = sqlx::query_scalar::<_, uuid::Uuid>("SELECT epoch FROM installation")
            .fetch_optional(&mut connection)
            .await
            .with_context(|| format!("cannot read the epoch of {service}"))?
            .map(Epoch);
        databases.push(Database {
            service,
            connection,
            epoch,
            has_outbox: service != "auth",
        });
    }
    let epoch = agree(
        &databases
            .iter()
            .map(|database| (database.service, database.epoch))
            .collect::<Vec<_>>(),
        args.new_epoch,
    )?;
    for database in &mut databases {
        if database.epoch != Some(epoch) {
            sqlx::query(
                "INSERT INTO installation (epoch) VALUES ($1) ON CONFLICT (one) DO UPDATE SET epoch = EXCLUDED.epoch",
            )
            .bind(epoch.uuid())
            .execute(&mut database.connection)
            .await
            .with_context(|| format!("cannot write the epoch of {}", database.service))?;
        }
        if args.new_epoch && database.has_outbox {
            outbox::forget(&mut database.connection)
                .await
                .with_context(|| format!("cannot empty the outbox of {}", database.service))?;
        }
    }
    tracing::info!(%epoch, "the databases are ready");
    Ok(())
}

/// The epoch that all are to have: the one that is there, a new one where
/// there is none, and never a guess where they differ.
fn agree(databases: &[(&str, Option<Epoch>)], new: bool) -> anyhow::Result<Epoch> {
    if new {
        return Ok(Epoch::new());
    }
    let mut found = databases
        .iter()
        .filter_map(|(service, epoch)| Some((*service, (*epoch)?)));
    let Some((first, epoch)) = found.next() else {
        return Ok(Epoch::new());
    };
    for (service, other) in found {
        if other != epoch {
            bail!(
                "the databases of {first} and {service} are of different epochs: one of them was restored or belongs to \
                 another installation. If they belong together, run `plaza migrate --new-epoch`"
            );
        }
    }
    Ok(epoch)
}

async fn connect(
    name: &'static str,
    url: &SecretString,
    args: &MigrateArgs,
) -> anyhow::Result<PgConnection> {
    let options = db::options(
        name,
        url,
        args.migrate_statement_timeout_s.saturating_mul(1_000),
    )?
    .disable_statement_logging();
    let until = tokio::time::Instant::now() + Duration::from_secs(args.migrate_wait_s);
    let mut said = false;
    loop {
        match PgConnection::connect_with(&options).await {
            Ok(connection) => return Ok(connection),
            Err(error) if db::is_unavailable(&error) && tokio::time::Instant::now() < until => {
                if !said {
                    tracing::info!(setting = name, error = %error, "waiting for the database");
                    said = true;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => return Err(error).with_context(|| format!("{name}: cannot connect")),
        }
    }
}

async fn migrate(
    service: &str,
    migrator: &Migrator,
    connection: &mut PgConnection,
) -> anyhow::Result<()> {
    let begun = std::time::Instant::now();
    migrator.run(connection).await.with_context(|| {
        format!(
            "the migrations of {service} failed; the database is as it was before the failed one"
        )
    })?;
    tracing::info!(
        service,
        schema = migrator.iter().last().map(|newest| newest.version),
        elapsed_ms = begun.elapsed().as_secs_f64() * 1_000.0,
        "{service} is migrated"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_share_one_epoch() {
        let (one, other) = (Epoch::new(), Epoch::new());
        assert_eq!(
            agree(&[("auth", Some(one)), ("rooms", None)], false).unwrap(),
            one
        );
        assert!(agree(&[("auth", None), ("rooms", None)], false).is_ok());
        let error = agree(&[("auth", Some(one)), ("rooms", Some(other))], false)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("auth and rooms") && error.contains("--new-epoch"),
            "{error}"
        );
        let new = agree(&[("auth", Some(one)), ("rooms", Some(other))], true).unwrap();
        assert!(new != one && new != other);
    }
}
