//! The schema of a version that there is not yet, for the test of upgrades: the
//! program of this version goes on with it, as it does while pods are replaced.

use std::borrow::Cow;

use sqlx::{
    SqlSafeStr as _,
    migrate::{Migration, MigrationType, Migrator},
};

/// Behind all that there will be.
const VERSION: i64 = 1_000_000;
/// What a later version may do to a table that is in use.
const SQL: &str = "ALTER TABLE messages ADD COLUMN upgrade_test boolean NOT NULL DEFAULT false;
CREATE INDEX messages_upgrade_test ON messages (created_at) WHERE upgrade_test;";

/// The migrations of the messages' database, and one more.
pub(crate) fn one_more(migrator: &Migrator) -> Migrator {
    let mut migrations: Vec<Migration> = migrator.iter().cloned().collect();
    migrations.push(Migration::new(
        VERSION,
        Cow::Borrowed("upgrade test"),
        MigrationType::Simple,
        SQL.into_sql_str(),
        false,
    ));
    Migrator::with_migrations(migrations)
}
