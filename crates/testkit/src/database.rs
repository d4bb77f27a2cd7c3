//! A PostgreSQL database for each test.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use plaza_local::{Binaries, Durability, LocalError, Output, Postgres, PostgresOptions};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Executor as _};
use tokio::sync::{Mutex, OnceCell};

use crate::server::{chain, home};

/// Connections that all tests of a process may hold together.
const MAX_CONNECTIONS: u16 = 400;
/// Connections of one test's pool.
const POOL_CONNECTIONS: u32 = 16;

/// A database that belongs to one test.
#[derive(Debug)]
pub struct TestDatabase {
    /// A pool of up to 16 connections, as the owner of the database.
    pub pool: PgPool,
    /// URL of the database, for pools of a test's own.
    pub url: String,
}

/// A fresh database with the migrations applied. The first test of a process
/// that needs a set of migrations applies them to a template; each database is
/// a copy of that, made in milliseconds. It is gone when the process ends.
pub async fn database(migrator: &Migrator) -> TestDatabase {
    let template = template(migrator).await;
    open(&create(&format!(r#"TEMPLATE "{template}""#)).await).await
}

/// A fresh database with nothing in it, for tests of migrations themselves.
pub async fn empty_database() -> TestDatabase {
    open(&create("").await).await
}

async fn open(name: &str) -> TestDatabase {
    let url = server().await.url(name);
    let pool = PgPoolOptions::new()
        .max_connections(POOL_CONNECTIONS)
        .acquire_timeout(Duration::from_secs(20))
        .connect(&url)
        .await
        .unwrap_or_else(|error| panic!("cannot connect to a test database: {error}"));
    TestDatabase { pool, url }
}

/// Name of the template that holds these migrations.
async fn template(migrator: &Migrator) -> String {
    static TEMPLATES: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    let name = format!("template_{:016x}", fingerprint(migrator));
    // Held while migrating, so that one test does it and the others wait.
    let mut templates = TEMPLATES.lock().await;
    if !templates.contains(&name) {
        let mut admin = admin().await;
        let drop = format!(r#"DROP DATABASE IF EXISTS "{name}""#);
        execute(&mut admin, &drop).await;
        execute(&mut admin, &format!(r#"CREATE DATABASE "{name}""#)).await;
        let mut connection = connect(&name).await;
        migrator
            .run(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("migrations failed: {}", chain(&error)));
        // A template in use cannot be copied.
        let _ = connection.close().await;
        templates.insert(name.clone());
    }
    name
}

fn fingerprint(migrator: &Migrator) -> u64 {
    let mut hasher = DefaultHasher::new();
    for migration in migrator.iter() {
        (migration.version, &migration.checksum).hash(&mut hasher);
    }
    hasher.finish()
}

async fn create(how: &str) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut admin = admin().await;
    execute(&mut admin, &format!(r#"CREATE DATABASE "{name}" {how}"#)).await;
    let _ = admin.close().await;
    name
}

async fn admin() -> PgConnection {
    connect("postgres").await
}

async fn connect(database: &str) -> PgConnection {
    let url = server().await.url(database);
    PgConnection::connect(&url)
        .await
        .unwrap_or_else(|error| panic!("cannot connect to the test server: {error}"))
}

/// Runs a statement whose text is ours alone.
async fn execute(connection: &mut PgConnection, statement: &str) {
    connection
        .execute(sqlx::AssertSqlSafe(statement))
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// The server of this process.
async fn server() -> &'static Postgres {
    static SERVER: OnceCell<Postgres> = OnceCell::const_new();
    SERVER
        .get_or_init(|| async {
            start()
                .await
                .unwrap_or_else(|error| panic!("{}", chain(&error)))
        })
        .await
}

async fn start() -> Result<Postgres, LocalError> {
    let home = home();
    let folder = home.server_folder("postgres");
    let options = PostgresOptions {
        binaries: Binaries::find().postgres()?,
        log: home.folder.join("postgres.log"),
        output: Output::File(home.folder.join("postgres.log")),
        account: home.account.clone(),
        durability: Durability::ThrowAway,
        port: None,
        max_connections: MAX_CONNECTIONS,
        environment: Vec::new(),
        pid_file: None,
        folder,
    };
    Postgres::start(&options, &home.reaper).await
}
