//! Redis for tests.

use std::sync::atomic::{AtomicU16, Ordering};

use plaza_local::{
    Binaries, Durability, LocalError, Output, Program, Redis, RedisOptions, create_folder,
    write_private,
};
use tokio::sync::OnceCell;

use crate::server::{chain, home};

/// Logical databases of the shared server: one a test.
const DATABASES: u16 = 2048;

/// An empty logical database of the server that this process shares.
#[derive(Debug, Clone)]
pub struct TestRedis {
    /// URL with password and database number.
    pub url: String,
}

/// An empty logical database for a test. Publish/subscribe is not divided by
/// database: who needs it alone takes [`own_redis`].
pub async fn redis() -> TestRedis {
    static SERVER: OnceCell<Redis> = OnceCell::const_new();
    static NUMBER: AtomicU16 = AtomicU16::new(0);
    let server = SERVER
        .get_or_init(|| async {
            start(&options("redis", Durability::ThrowAway, DATABASES))
                .await
                .unwrap_or_else(|error| panic!("{}", chain(&error)))
        })
        .await;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    assert!(number < DATABASES, "more tests than logical databases");
    TestRedis {
        url: server.url(number),
    }
}

/// A Redis server of a test's own, with its data kept across a stop.
#[derive(Debug)]
pub struct OwnRedis {
    /// URL with password, of database 0; the same after a restart.
    pub url: String,
    options: RedisOptions,
    server: Option<Redis>,
}

/// A Redis server that the test may stop, kill and start again.
pub async fn own_redis() -> OwnRedis {
    OwnRedis::with(None, Vec::new()).await
}

impl OwnRedis {
    /// One with this password, or one of its own, and these further lines of
    /// its configuration.
    pub(crate) async fn with(password: Option<&str>, directives: Vec<String>) -> Self {
        let mut options = options("own-redis", Durability::Kept, 16);
        options.directives = directives;
        let account = options.account.as_ref();
        if let Some(password) = password {
            create_folder(&options.folder, account)
                .and_then(|()| {
                    let file = options.folder.join("password");
                    write_private(&file, password.as_bytes(), account)
                })
                .unwrap_or_else(|error| panic!("{}", chain(&error)));
        }
        let server = start(&options)
            .await
            .unwrap_or_else(|error| panic!("{}", chain(&error)));
        options.port = Some(server.port);
        Self {
            url: server.url(0),
            options,
            server: Some(server),
        }
    }

    /// A connection to it, for the test itself.
    pub async fn connection(&self) -> redis::aio::MultiplexedConnection {
        redis::Client::open(self.url.as_str())
            .expect("its own URL")
            .get_multiplexed_async_connection()
            .await
            .expect("a Redis that runs")
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.server.is_some()
    }

    /// URL of another logical database.
    pub fn database(&self, number: u16) -> String {
        let base = self
            .url
            .rsplit_once('/')
            .map_or(self.url.as_str(), |(base, _)| base);
        format!("{base}/{number}")
    }

    /// Where it listens.
    pub fn address(&self) -> std::net::SocketAddr {
        let port = self.options.port.unwrap_or_default();
        ([127, 0, 0, 1], port).into()
    }

    /// The password in the URL.
    pub fn password(&self) -> &str {
        let inner = self.url.strip_prefix("redis://:");
        let inner = inner.and_then(|rest| rest.split_once('@'));
        inner.map_or("", |(password, _)| password)
    }

    /// The URL by way of another address.
    pub fn url_over(&self, address: std::net::SocketAddr) -> String {
        format!("redis://:{}@{address}/0", self.password())
    }

    /// Where it keeps its data.
    pub fn folder(&self) -> &std::path::Path {
        &self.options.folder
    }

    /// Stops it in good order.
    pub async fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Kills it with SIGKILL.
    pub async fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.process.kill().await;
        }
    }

    /// Starts it again on the same port with what it kept.
    pub async fn start(&mut self) {
        if self.server.is_some() {
            return;
        }
        let server = start(&self.options)
            .await
            .unwrap_or_else(|error| panic!("{}", chain(&error)));
        assert_eq!(
            Some(server.port),
            self.options.port,
            "the port of the stopped Redis was taken by another process"
        );
        self.server = Some(server);
    }
}

async fn start(options: &RedisOptions) -> Result<Redis, LocalError> {
    Redis::start(options, &home().reaper).await
}

fn options(name: &str, durability: Durability, databases: u16) -> RedisOptions {
    let home = home();
    let program = Binaries::find()
        .program(Program::Redis)
        .and_then(|program| home.executable(&program))
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
    let folder = home.server_folder(name);
    let log = folder.with_extension("log");
    RedisOptions {
        directives: Vec::new(),
        program,
        output: Output::File(log.clone()),
        log,
        account: home.account.clone(),
        durability,
        port: None,
        databases,
        environment: Vec::new(),
        pid_file: None,
        folder,
    }
}
