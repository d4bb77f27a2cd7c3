//! A Redis with a replica, watched by sentinels, for tests.

use std::path::PathBuf;
use std::time::Duration;

use futures::future::join_all;
use plaza_local::{
    Binaries, Launch, LocalError, Output, Process, Program, StopSignal, create_folder, free_port,
    write_private,
};
use redis::aio::MultiplexedConnection;

use crate::{
    OwnRedis, eventually,
    server::{chain, home},
};

/// The name that the sentinels know the primary by.
const NAME: &str = "plaza";
const SENTINELS: usize = 3;
const PATIENCE: Duration = Duration::from_mins(1);

/// A primary and its replica with three sentinels, all of a test's own.
#[derive(Debug)]
pub struct RedisSentinels {
    /// URL with the passwords, of all sentinels.
    pub url: String,
    /// The same as Centrifugo writes it.
    pub centrifugo_url: String,
    /// Who was the primary at first, and who was its replica.
    pub nodes: [OwnRedis; 2],
    sentinels: Vec<Sentinel>,
}

#[derive(Debug)]
struct Sentinel {
    port: u16,
    url: String,
    process: Option<Process>,
}

/// A replica that follows, and sentinels that know each other and it.
pub async fn redis_sentinels() -> RedisSentinels {
    let password = plaza_local::random_hex(16).expect("randomness");
    let of_sentinels = plaza_local::random_hex(16).expect("randomness");
    let common = [
        format!("masterauth {password}"),
        "repl-diskless-sync-delay 0".to_owned(),
    ];
    let primary = OwnRedis::with(Some(&password), common.to_vec()).await;
    let port = primary.address().port();
    let mut directives = common.to_vec();
    directives.push(format!("replicaof 127.0.0.1 {port}"));
    let replica = OwnRedis::with(Some(&password), directives).await;

    let started = (0..SENTINELS).map(|_| Sentinel::start(port, &password, &of_sentinels));
    let sentinels = join_all(started).await;
    let hosts: Vec<_> = sentinels
        .iter()
        .map(|sentinel| format!("127.0.0.1:{}", sentinel.port))
        .collect();
    let redis = RedisSentinels {
        url: format!(
            "redis+sentinel://:{password}@{}/{NAME}?sentinel_password={of_sentinels}",
            hosts.join(",")
        ),
        centrifugo_url: format!(
            "redis+sentinel://:{password}@{}?sentinel_master_name={NAME}\
             &sentinel_password={of_sentinels}&addr={}&addr={}",
            hosts[0], hosts[1], hosts[2]
        ),
        nodes: [primary, replica],
        sentinels,
    };
    redis.agree().await;
    redis
}

impl RedisSentinels {
    /// Waits until the sentinels know each other and the replica.
    async fn agree(&self) {
        for sentinel in &self.sentinels {
            let mut connection = sentinel.connection().await;
            eventually(PATIENCE, async || {
                let info: String = redis::cmd("INFO")
                    .arg("sentinel")
                    .query_async(&mut connection)
                    .await
                    .unwrap_or_default();
                info.contains(&format!("status=ok,address=127.0.0.1:{}", self.port_of(0)))
                    && info.contains(&format!("slaves=1,sentinels={SENTINELS}"))
            })
            .await;
        }
        let mut replica = self.nodes[1].connection().await;
        eventually(PATIENCE, async || {
            let info: String = redis::cmd("INFO")
                .arg("replication")
                .query_async(&mut replica)
                .await
                .unwrap_or_default();
            info.contains("master_link_status:up")
        })
        .await;
    }

    fn port_of(&self, node: usize) -> u16 {
        self.nodes[node].address().port()
    }

    /// Waits until every sentinel that runs names this node as the primary.
    pub async fn until_primary(&self, node: usize) {
        for sentinel in &self.sentinels {
            if sentinel.process.is_none() {
                continue;
            }
            let mut connection = sentinel.connection().await;
            eventually(PATIENCE, async || {
                let (_, port): (String, String) = redis::cmd("SENTINEL")
                    .arg("GET-MASTER-ADDR-BY-NAME")
                    .arg(NAME)
                    .query_async(&mut connection)
                    .await
                    .unwrap_or_default();
                port == self.port_of(node).to_string()
            })
            .await;
        }
    }

    /// Lets the sentinels make the replica the primary while both run.
    pub async fn fail_over(&self) {
        let mut connection = self.sentinels[0].connection().await;
        eventually(PATIENCE, async || {
            redis::cmd("SENTINEL")
                .arg("FAILOVER")
                .arg(NAME)
                .query_async::<()>(&mut connection)
                .await
        })
        .await;
    }

    /// Kills a sentinel with SIGKILL.
    pub async fn kill_sentinel(&mut self, place: usize) {
        if let Some(mut process) = self.sentinels[place].process.take() {
            process.kill().await;
        }
    }
}

impl Sentinel {
    async fn start(primary: u16, password: &str, own_password: &str) -> Self {
        let started = Self::try_start(primary, password, own_password).await;
        started.unwrap_or_else(|error| panic!("{}", chain(&error)))
    }

    async fn try_start(
        primary: u16,
        password: &str,
        own_password: &str,
    ) -> Result<Self, LocalError> {
        let home = home();
        let port = free_port("a sentinel", None)?;
        let folder = home.server_folder("sentinel");
        create_folder(&folder, home.account.as_ref())?;
        let file = folder.join("sentinel.conf");
        let content = format!(
            "bind 127.0.0.1\nport {port}\nrequirepass {own_password}\n\
             sentinel sentinel-pass {own_password}\ndir \"{}\"\n\
             sentinel monitor {NAME} 127.0.0.1 {primary} 2\n\
             sentinel auth-pass {NAME} {password}\n\
             sentinel down-after-milliseconds {NAME} 1000\n\
             sentinel failover-timeout {NAME} 5000\n",
            folder.display(),
        );
        write_private(&file, content.as_bytes(), home.account.as_ref())?;
        let log = folder.with_extension("log");
        let launch = Launch {
            name: "a sentinel".into(),
            program: program()?,
            arguments: vec![file.into(), "--sentinel".into()],
            environment: Vec::new(),
            folder,
            account: home.account.clone(),
            output: Output::File(log.clone()),
            stop: StopSignal::Term,
            pid_file: None,
        };
        let mut process = Process::start(&launch, &home.reaper)?;
        let url = format!("redis://:{own_password}@127.0.0.1:{port}");
        let answers = || async { try_connect(&url).await.is_ok() };
        process.until_ready(&log, PATIENCE, answers).await?;
        Ok(Self {
            port,
            url,
            process: Some(process),
        })
    }

    async fn connection(&self) -> MultiplexedConnection {
        try_connect(&self.url).await.expect("a sentinel that runs")
    }
}

async fn try_connect(url: &str) -> redis::RedisResult<MultiplexedConnection> {
    let client = redis::Client::open(url)?;
    client.get_multiplexed_async_connection().await
}

fn program() -> Result<PathBuf, LocalError> {
    home().executable(&Binaries::find().program(Program::Redis)?)
}
