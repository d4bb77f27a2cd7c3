//! Roles and databases of the services, in the local PostgreSQL.

use anyhow::Context as _;
use plaza_local::Postgres;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::data::Data;

/// Each service with a database; role and database have the same name.
pub(crate) const SERVICES: [&str; 3] = ["auth", "rooms", "messages"];

/// Makes the roles and databases that are missing.
pub(crate) async fn ensure(postgres: &Postgres, data: &Data) -> anyhow::Result<()> {
    let mut admin = PgConnection::connect(&postgres.url("postgres"))
        .await
        .context("cannot connect to the local PostgreSQL")?;
    for service in SERVICES {
        let name = role(service);
        let (_, password) = data.secret(&password_file(service))?;
        let role_exists: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
                .bind(&name)
                .fetch_one(&mut admin)
                .await?;
        let verb = if role_exists { "ALTER" } else { "CREATE" };
        // The password is hexadecimal and the names are ours: nothing to quote.
        let statement = format!("{verb} ROLE {name} LOGIN PASSWORD '{password}'");
        admin
            .execute(AssertSqlSafe(statement))
            .await
            .with_context(|| format!("cannot make the role {name}"))?;
        let database_exists: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
                .bind(&name)
                .fetch_one(&mut admin)
                .await?;
        if !database_exists {
            admin
                .execute(AssertSqlSafe(format!(
                    "CREATE DATABASE {name} OWNER {name}"
                )))
                .await
                .with_context(|| format!("cannot make the database {name}"))?;
        }
        // A service reaches its own database only.
        admin
            .execute(AssertSqlSafe(format!(
                "REVOKE ALL ON DATABASE {name} FROM PUBLIC"
            )))
            .await?;
    }
    admin.close().await?;
    Ok(())
}

/// Name of a service's role and database.
pub(crate) fn role(service: &str) -> String {
    format!("plaza_{service}")
}

/// Name of the secret that holds the password of a service's role.
pub(crate) fn password_file(service: &str) -> String {
    format!("{service}-database-password")
}
