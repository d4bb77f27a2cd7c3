//! Redis under a data folder.

use std::ffi::OsString;
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
/// Where Redis keeps what it appends, and where what it refuses goes.
const APPENDED: &str = "appendonlydir";
const REFUSED: &str = "appendonlydir.refused";
/// What Redis says of an append-only file that it cannot read. Redis 7.0 makes
/// such a file itself when its disk is full after a rewrite: it cuts off what it
/// wrote in part by an offset in the file before.
const BAD_FILE: &str = "Bad file format reading the append only file";

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
    /// Further lines of its configuration.
    pub directives: Vec<String>,
    /// What it finds in its environment beside ours.
    pub environment: Vec<(OsString, Option<OsString>)>,
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
    /// Starts it and waits until it answers with its data loaded. What it
    /// cannot read is put aside, and it begins empty: nothing but events is in
    /// it, and whoever wrote them says them again to a Redis that forgot.
    ///
    /// # Errors
    /// Any [`LocalError`]; a port taken by somebody else is retried with
    /// another one first.
    pub async fn start(options: &RedisOptions, reaper: &Reaper) -> Result<Self, LocalError> {
        create_folder(&options.folder, options.account.as_ref())?;
        let password = options.password()?;
        let mut remembered = options.port;
        let mut tries = 0;
        let mut refused = false;
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
                Err(LocalError::Ended { words, .. }) if !refused && words.contains(BAD_FILE) => {
                    refused = true;
                    remembered = Some(port);
                    options.put_aside()?;
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

    /// Keeps what Redis refuses to read, in place of what it refused before.
    fn put_aside(&self) -> Result<(), LocalError> {
        let (from, to) = (self.folder.join(APPENDED), self.folder.join(REFUSED));
        let moved = match std::fs::remove_dir_all(&to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => std::fs::rename(&from, &to),
        };
        moved.map_err(|source| LocalError::File {
            action: "put aside",
            path: from,
            source,
        })?;
        // In the form of its own warnings.
        self.output.line(&format!(
            "plaza:M - - - - # It begins empty: it cannot read its append-only file, which is kept in {}",
            to.display()
        ));
        Ok(())
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
            environment: self.environment.clone(),
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
             dir \"{}\"\n{append}{}\n",
            self.databases,
            self.folder.display(),
            self.directives.join("\n"),
        )
    }
}
