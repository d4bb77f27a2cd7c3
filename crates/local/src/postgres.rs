//! PostgreSQL under a data folder.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::binaries::unpacked_libraries;
use crate::process::{Launch, Output, Process, StopSignal};
use crate::{
    Account, LocalError, MAX_BIND_TRIES, PidFile, PostgresBinaries, Reaper, create_folder,
    free_port, is_free, write_private,
};

/// How long a start may take, with a recovery after a crash.
const START_PATIENCE: Duration = Duration::from_mins(1);
/// How long a shutdown may take before it is forced.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// The longest path of a Unix socket that every system takes.
const SOCKET_PATH_BYTES: usize = 100;
/// The superuser of the local server.
const SUPERUSER: &str = "plaza";

/// What the data is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Kept: what is committed survives a crash of the machine.
    Kept,
    /// Of a test: nothing is flushed, the shutdown is immediate.
    ThrowAway,
}

/// How to run PostgreSQL.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The programs.
    pub binaries: PostgresBinaries,
    /// Where everything of it lives: `data/`, `password`, the socket. Created when missing.
    pub folder: PathBuf,
    /// Its log file, from which the end of a failed start is told.
    pub log: PathBuf,
    /// Where its output goes.
    pub output: Output,
    /// Who runs it; `None`: we ourselves.
    pub account: Option<Account>,
    /// What the data is worth.
    pub durability: Durability,
    /// The port to take if it is free.
    pub port: Option<u16>,
    /// Connections that it accepts.
    pub max_connections: u16,
    /// What it finds in its environment beside ours.
    pub environment: Vec<(OsString, Option<OsString>)>,
    /// Where the identity of the process is written down.
    pub pid_file: Option<PidFile>,
}

/// A running PostgreSQL.
#[derive(Debug)]
pub struct Postgres {
    /// The server process.
    pub process: Process,
    /// Its loopback port.
    pub port: u16,
    password: String,
}

impl Postgres {
    /// Makes the cluster when there is none, starts it and waits until it
    /// accepts connections.
    ///
    /// # Errors
    /// Any [`LocalError`]; a port taken by somebody else is retried with
    /// another one first.
    pub async fn start(options: &PostgresOptions, reaper: &Reaper) -> Result<Self, LocalError> {
        create_folder(&options.folder, options.account.as_ref())?;
        let password = options.password()?;
        options.create_cluster().await?;
        let mut remembered = options.port;
        let mut tries = 0;
        loop {
            tries += 1;
            let port = free_port("PostgreSQL", remembered.take())?;
            match options.launch(port, reaper).await {
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

    /// The superuser's URL of a database.
    pub fn url(&self, database: &str) -> String {
        self.url_at(self.port, SUPERUSER, &self.password, database)
    }

    /// A URL of a database for another role, over a loopback port that leads
    /// to the server.
    pub fn url_at(&self, port: u16, role: &str, password: &str, database: &str) -> String {
        format!("postgres://{role}:{password}@127.0.0.1:{port}/{database}")
    }

    /// Stops it in good order.
    pub async fn stop(&mut self) {
        self.process.stop(STOP_PATIENCE).await;
    }
}

impl PostgresOptions {
    fn cluster(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn password_file(&self) -> PathBuf {
        self.folder.join("password")
    }

    /// The superuser's password: the kept one, or with a new folder a new one.
    fn password(&self) -> Result<String, LocalError> {
        let path = self.password_file();
        if let Ok(password) = std::fs::read_to_string(&path)
            && !password.trim().is_empty()
        {
            return Ok(password.trim().to_owned());
        }
        let password = crate::random_hex(16)?;
        write_private(&path, password.as_bytes(), self.account.as_ref())?;
        Ok(password)
    }

    /// `initdb` into a draft folder that is renamed when it is whole: an
    /// interrupted start leaves no half cluster.
    async fn create_cluster(&self) -> Result<(), LocalError> {
        let cluster = self.cluster();
        if cluster.join("PG_VERSION").exists() {
            return Ok(());
        }
        let draft = self.folder.join("data.new");
        if draft.exists() {
            std::fs::remove_dir_all(&draft).map_err(LocalError::file("remove", &draft))?;
        }
        self.run(
            "initdb",
            &self.binaries.initdb(),
            &self.initdb_arguments(&draft),
        )
        .await?;
        std::fs::rename(&draft, &cluster).map_err(LocalError::file("create", &cluster))
    }

    fn initdb_arguments(&self, folder: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = [
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--auth=scram-sha-256",
            "--username",
            SUPERUSER,
            "--pwfile",
        ]
        .map(OsString::from)
        .to_vec();
        arguments.push(self.password_file().into());
        arguments.extend(["--pgdata".into(), folder.into()]);
        match self.durability {
            Durability::Kept => arguments.push("--data-checksums".into()),
            Durability::ThrowAway => {
                arguments.extend(["--no-sync".into(), "--wal-segsize=1".into()]);
            }
        }
        arguments
    }

    /// Runs a short program as the servers' user.
    async fn run(
        &self,
        name: &str,
        program: &Path,
        arguments: &[OsString],
    ) -> Result<(), LocalError> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        if let Some(libraries) = unpacked_libraries(program) {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        if let Some(account) = &self.account {
            account.apply(&mut command);
        }
        let spawn_error = |source| LocalError::Spawn {
            name: name.to_owned(),
            source,
        };
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .map_err(|error| spawn_error(std::io::Error::other(error)))?
            .map_err(spawn_error)?;
        if output.status.success() {
            return Ok(());
        }
        Err(LocalError::Ended {
            name: name.to_owned(),
            status: output.status.to_string(),
            words: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    async fn launch(&self, port: u16, reaper: &Reaper) -> Result<Process, LocalError> {
        let cluster = self.cluster();
        let mut arguments: Vec<OsString> = vec!["-D".into(), cluster.clone().into()];
        for setting in self.settings(port) {
            arguments.extend(["-c".into(), setting.into()]);
        }
        let mut environment = self.environment.clone();
        environment.push(("LC_ALL".into(), Some("C.UTF-8".into())));
        let launch = Launch {
            name: "PostgreSQL".into(),
            program: self.binaries.postgres(),
            arguments,
            environment,
            folder: self.folder.clone(),
            account: self.account.clone(),
            output: self.output.clone(),
            stop: match self.durability {
                Durability::Kept => StopSignal::Interrupt,
                Durability::ThrowAway => StopSignal::Quit,
            },
            pid_file: self.pid_file.clone(),
        };
        let mut process = Process::start(&launch, reaper)?;
        let status = cluster.join("postmaster.pid");
        let pid = process.pid().to_string();
        process
            .until_ready(&self.log, START_PATIENCE, || {
                std::future::ready(accepts_connections(&status, &pid))
            })
            .await?;
        Ok(process)
    }

    /// Settings, given at each start so that a change reaches old data too.
    fn settings(&self, port: u16) -> Vec<String> {
        let socket = self.folder.as_os_str().len() + "/.s.PGSQL.65535.lock".len();
        let sockets = if socket <= SOCKET_PATH_BYTES {
            self.folder.display().to_string()
        } else {
            String::new()
        };
        let mut settings = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            format!("unix_socket_directories={sockets}"),
            format!("max_connections={}", self.max_connections),
            "shared_buffers=64MB".to_owned(),
            "password_encryption=scram-sha-256".to_owned(),
            // A transaction whose client is gone gives up its locks soon.
            "client_connection_check_interval=1s".to_owned(),
            "tcp_user_timeout=10s".to_owned(),
            "jit=off".to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
            "lc_messages=C".to_owned(),
            "log_line_prefix=%m [%p] ".to_owned(),
            "wal_level=minimal".to_owned(),
            "max_wal_senders=0".to_owned(),
        ];
        if self.durability == Durability::ThrowAway {
            settings.extend(
                [
                    "fsync=off",
                    "synchronous_commit=off",
                    "full_page_writes=off",
                    "autovacuum=off",
                    "checkpoint_timeout=1h",
                    "max_wal_size=1GB",
                ]
                .map(str::to_owned),
            );
        }
        settings
    }
}

/// What `pg_ctl` looks at: the server writes its pid in the first line of its
/// status file, and "ready" in the eighth.
fn accepts_connections(status: &Path, pid: &str) -> bool {
    let Ok(text) = std::fs::read_to_string(status) else {
        return false;
    };
    let mut lines = text.lines();
    lines.next().map(str::trim) == Some(pid) && lines.nth(6).map(str::trim) == Some("ready")
}
