//! Centrifugo under a data folder.

use std::path::PathBuf;
use std::time::Duration;

use crate::process::{Launch, Output, Process, StopSignal};
use crate::{
    Account, LocalError, MAX_BIND_TRIES, PidFile, Reaper, create_folder, free_port, is_free, probe,
    write_private,
};

/// How long a start may take.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// How long a shutdown may take before it is forced.
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// The two loopback ports of a Centrifugo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CentrifugoPorts {
    /// Clients connect here.
    pub client: u16,
    /// The server API, health and metrics.
    pub api: u16,
}

/// How to run Centrifugo.
#[derive(Debug, Clone)]
pub struct CentrifugoOptions {
    /// The program.
    pub program: PathBuf,
    /// Where its configuration lives. Created when missing.
    pub folder: PathBuf,
    /// Its log file, from which the end of a failed start is told.
    pub log: PathBuf,
    /// Where its output goes.
    pub output: Output,
    /// Who runs it; `None`: we ourselves.
    pub account: Option<Account>,
    /// The ports to take if they are free.
    pub ports: Option<CentrifugoPorts>,
    /// Key of the server API; must be the one in the configuration.
    pub api_key: String,
    /// Where the identity of the process is written down.
    pub pid_file: Option<PidFile>,
}

/// A running Centrifugo.
#[derive(Debug)]
pub struct Centrifugo {
    /// The server process.
    pub process: Process,
    /// Its ports.
    pub ports: CentrifugoPorts,
}

impl Centrifugo {
    /// Writes its configuration, the JSON that `configuration` makes for the
    /// chosen ports, starts it and waits until its API answers.
    ///
    /// # Errors
    /// Any [`LocalError`]; a port taken by somebody else is retried with
    /// another one first.
    pub async fn start(
        options: &CentrifugoOptions,
        configuration: impl Fn(CentrifugoPorts) -> String,
        reaper: &Reaper,
    ) -> Result<Self, LocalError> {
        create_folder(&options.folder, options.account.as_ref())?;
        let mut remembered = options.ports;
        let mut tries = 0;
        loop {
            tries += 1;
            let wanted = remembered.take();
            let client = free_port("Centrifugo", wanted.map(|ports| ports.client))?;
            let mut api = free_port("Centrifugo", wanted.map(|ports| ports.api))?;
            while api == client {
                api = free_port("Centrifugo", None)?;
            }
            let ports = CentrifugoPorts { client, api };
            match options.launch(ports, &configuration(ports), reaper).await {
                Ok(process) => return Ok(Self { process, ports }),
                Err(LocalError::Ended { .. })
                    if tries < MAX_BIND_TRIES && !(is_free(client) && is_free(api)) =>
                {
                    tracing::debug!("a port was taken meanwhile; trying others");
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Base URL of the server API.
    pub fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.api)
    }

    /// URL that clients connect to.
    pub fn websocket_url(&self) -> String {
        format!("ws://127.0.0.1:{}/connection/websocket", self.ports.client)
    }

    /// Stops it in good order: it closes its connections first.
    pub async fn stop(&mut self) {
        self.process.stop(STOP_PATIENCE).await;
    }
}

impl CentrifugoOptions {
    async fn launch(
        &self,
        ports: CentrifugoPorts,
        configuration: &str,
        reaper: &Reaper,
    ) -> Result<Process, LocalError> {
        let file = self.folder.join("centrifugo.json");
        write_private(&file, configuration.as_bytes(), self.account.as_ref())?;
        let launch = Launch {
            name: "Centrifugo".into(),
            program: self.program.clone(),
            arguments: vec!["--config".into(), file.into()],
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
                probe::centrifugo_answers(ports.api, &self.api_key)
            })
            .await?;
        Ok(process)
    }
}
