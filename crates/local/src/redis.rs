//! Redis under a data folder.

use std::path::PathBuf;
use std::time::Duration;

use crate::process::{Launch, Output, Process, StopSignal};
use crate::{
    Account, Durability, LocalError, MAX_BIND_TRIES, PidFile, Reaper, create_folder, free_port,
    is_free, probe, write_private,
};

/// How long a start may take, with its append-only file read back.
const START_PATIENCE: Duration = Duration::from_mins(1);
/// How long a shutdown may take before it is forced.
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// How to run Redis.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// The program.
    pub program: PathBuf,
    /// Where its data, configuration and password live. Created when missing.
    pub folder: PathBuf,
    /// Its log file, from which the end of a failed start is told.
    pub log: PathBuf,
    /// Where its output goes.
    pub output: Output,
    /// Who runs it; `None`: we ourselves.
    pub account: Option<Account>,
    /// Whether it writes what it holds to disk (each second, append only).
    pub durability: Durability,
    /// The port to take if it is free.
    pub port: Option<u16>,
    /// Number of logical databases.
    pub databases: u16,
    /// Where the identity of the process is written down.
    pub pid_file: Option<PidFile>,
}

/// A running Redis.
#[derive(Debug)]
pub struct Redis {
    /// The server process.
    pub process: Process,
    /// Its loopback port.
    pub port: u16,
    password: String,
}

impl Redis {
    /// Starts it and waits until it answers with its data loaded.
    ///
    /// # Errors
    /// Any [`LocalError`]; a port taken by somebody else is retried with
    /// another one first.
    pub async fn start(options: &RedisOptions, reaper: &Reaper) -> Result<Self, LocalError> {
        create_folder(&options.folder, options.account.as_ref())?;
        let password = options.password()?;
        let mut remembered = options.port;
        let mut tries = 0;
        loop {
            tries += 1;
            let port = free_port("Redis", remembered.take())?;
            match options.launch(port, &password, reaper).await {
                Ok(process) => {
                    return Ok(Self {
                        process,
                        port,
                        password,
                    });
                }
                Err(LocalError::Ended { .. }) if tries < MAX_BIND_TRIES && !is_free(port) => {
                    tracing::debug!(port, "the port was taken meanwhile; trying another");
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// URL of a logical database, with the password.
    pub fn url(&self, database: u16) -> String {
        self.url_at(self.port, database)
    }

    /// The same over another loopback port that leads to it.
    pub fn url_at(&self, port: u16, database: u16) -> String {
        format!("redis://:{}@127.0.0.1:{port}/{database}", self.password)
    }

    /// Stops it in good order.
    pub async fn stop(&mut self) {
        self.process.stop(STOP_PATIENCE).await;
    }
}

impl RedisOptions {
    fn password(&self) -> Result<String, LocalError> {
        let path = self.folder.join("password");
        if let Ok(password) = std::fs::read_to_string(&path)
            && !password.trim().is_empty()
        {
            return Ok(password.trim().to_owned());
        }
        let password = crate::random_hex(16)?;
        write_private(&path, password.as_bytes(), self.account.as_ref())?;
        Ok(password)
    }

    async fn launch(
        &self,
        port: u16,
        password: &str,
        reaper: &Reaper,
    ) -> Result<Process, LocalError> {
        let file = self.folder.join("redis.conf");
        let content = self.configuration(port, password);
        write_private(&file, content.as_bytes(), self.account.as_ref())?;
        let launch = Launch {
            name: "Redis".into(),
            program: self.program.clone(),
            arguments: vec![file.into()],
            environment: Vec::new(),
            folder: self.folder.clone(),
            account: self.account.clone(),
            output: self.output.clone(),
            stop: StopSignal::Term,
            pid_file: self.pid_file.clone(),
        };
        let mut process = Process::start(&launch, reaper)?;
        process
            .until_ready(&self.log, START_PATIENCE, || {
                probe::redis_answers(port, password)
            })
            .await?;
        Ok(process)
    }

    fn configuration(&self, port: u16, password: &str) -> String {
        let append = match self.durability {
            Durability::Kept => "appendonly yes\nappendfsync everysec\n",
            Durability::ThrowAway => "appendonly no\n",
        };
        // No snapshots: the append-only file is all that is kept, and streams
        // must never be evicted silently.
        format!(
            "bind 127.0.0.1\nport {port}\nprotected-mode yes\nrequirepass {password}\n\
             databases {}\ndaemonize no\nsave \"\"\nmaxmemory-policy noeviction\n\
             dir \"{}\"\n{append}",
            self.databases,
            self.folder.display(),
        )
    }
}
