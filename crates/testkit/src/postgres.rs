//! A PostgreSQL that a test may kill.

use std::time::Duration;

use plaza_local::{Binaries, Durability, LocalError, Output, Postgres, PostgresOptions};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgPool, PgPoolOptions};

use crate::eventually;
use crate::server::{chain, home};

/// Connections of the server, and of a pool half as many.
const MAX_CONNECTIONS: u16 = 40;
/// Longest wait until the orphans of a killed server are gone.
const RESTART: Duration = Duration::from_secs(30);

/// A PostgreSQL server of a test's own that flushes what it commits, as in
/// production, with one migrated database.
#[derive(Debug)]
pub struct OwnPostgres {
    /// URL of the database; the same after a restart.
    pub url: String,
    options: PostgresOptions,
    server: Option<Postgres>,
}

/// A PostgreSQL server that the test may kill and start again.
pub async fn own_postgres(migrator: &Migrator) -> OwnPostgres {
    let home = home();
    let folder = home.server_folder("own-postgres");
    let log = folder.with_extension("log");
    let mut options = PostgresOptions {
        binaries: Binaries::find()
            .postgres()
            .unwrap_or_else(|error| panic!("{}", chain(&error))),
        output: Output::File(log.clone()),
        log,
        account: home.account.clone(),
        durability: Durability::Kept,
        port: None,
        max_connections: MAX_CONNECTIONS,
        environment: Vec::new(),
        pid_file: None,
        folder,
    };
    let server = start(&options)
        .await
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
    options.port = Some(server.port);
    let own = OwnPostgres {
        url: server.url("postgres"),
        options,
        server: Some(server),
    };
    migrator
        .run(&own.pool())
        .await
        .unwrap_or_else(|error| panic!("migrations failed: {}", chain(&error)));
    own
}

impl OwnPostgres {
    /// A pool that connects when it is first used.
    pub fn pool(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(u32::from(MAX_CONNECTIONS) / 2)
            .acquire_timeout(Duration::from_secs(3))
            .connect_lazy(&self.url)
            .unwrap_or_else(|error| panic!("not a URL: {error}"))
    }

    /// Kills it with SIGKILL.
    pub async fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.process.kill().await;
        }
    }

    /// Starts it again on the same port, where it recovers what it had
    /// committed. The orphans of a killed server are waited out.
    pub async fn start(&mut self) {
        if self.server.is_some() {
            return;
        }
        let options = &self.options;
        let server = eventually(RESTART, async || {
            start(options).await.map_err(|error| chain(&error))
        })
        .await;
        assert_eq!(
            Some(server.port),
            options.port,
            "the port of the killed PostgreSQL was taken by another process"
        );
        self.server = Some(server);
    }
}

async fn start(options: &PostgresOptions) -> Result<Postgres, LocalError> {
    Postgres::start(options, &home().reaper).await
}
