//! The second process of a service: told what the first is told, with ports and
//! wires of its own.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use plaza_local::{Launch, Output, Process, Reaper, StopSignal, write_private};

use crate::{
    network::Network,
    part::{Node, Part},
};

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Variables that name a file with a URL, which holds a port.
const URL_FILES: [&str; 4] = [
    "PLAZA_AUTH_DATABASE_URL_FILE",
    "PLAZA_ROOMS_DATABASE_URL_FILE",
    "PLAZA_MESSAGES_DATABASE_URL_FILE",
    "PLAZA_REDIS_URL_FILE",
];

/// A second process, running or not.
#[derive(Debug)]
pub(crate) struct Twin {
    launch: Launch,
    log: PathBuf,
    operations: u16,
    process: Option<Process>,
    reaper: Reaper,
}

/// A port of the first process and what the second has in its place.
type Replaced = Vec<(u16, u16)>;

impl Twin {
    /// Describes one of this executable after the running first process `pid`;
    /// `folder` holds its files and log.
    pub(crate) fn of(
        plaza: &Path,
        pid: i32,
        node: Node,
        network: &Network,
        folder: &Path,
        reaper: &Reaper,
    ) -> anyhow::Result<Self> {
        let first = Node { replica: 0, ..node };
        let mut ports: Replaced = vec![(
            network.ports.operations(first)?,
            network.ports.operations(node)?,
        )];
        if node.part != Part::Publisher {
            ports.push((network.ports.api(first)?, network.ports.api(node)?));
        }
        for (to, port) in network.told(node) {
            ports.push((network.port(first, to)?, port));
        }
        let told = std::fs::read(format!("/proc/{pid}/environ"))?;
        let mut environment = Vec::new();
        for line in told
            .split(|byte| *byte == 0)
            .filter(|line| !line.is_empty())
        {
            let Some(at) = line.iter().position(|byte| *byte == b'=') else {
                continue;
            };
            let name = OsStr::from_bytes(&line[..at]);
            let mut value = replaced(&line[at + 1..], &ports);
            if URL_FILES.iter().any(|file| name == *file) {
                let url = std::fs::read(OsStr::from_bytes(&value))?;
                let file = folder.join(format!("{node}-{}", name.to_string_lossy()));
                write_private(&file, &replaced(&url, &ports), None)?;
                value = file.into_os_string().into_vec();
            }
            environment.push((name.to_owned(), Some(OsString::from_vec(value))));
        }
        let command = match node.part {
            Part::Publisher => "messages-publisher",
            other => other.name(),
        };
        let log = folder.join(format!("{node}.log"));
        Ok(Self {
            launch: Launch {
                name: node.to_string(),
                program: plaza.to_owned(),
                arguments: vec![command.into()],
                environment,
                folder: folder.to_owned(),
                account: None,
                output: Output::File(log.clone()),
                stop: StopSignal::Term,
                pid_file: None,
            },
            log,
            operations: network.ports.operations(node)?,
            process: None,
            reaper: reaper.clone(),
        })
    }

    /// Puts another value in its environment, before it starts.
    pub(crate) fn tell(&mut self, name: &str, value: impl Into<OsString>) {
        let environment = &mut self.launch.environment;
        environment.push((name.into(), Some(value.into())));
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn start(&mut self) -> anyhow::Result<()> {
        let mut process = Process::start(&self.launch, &self.reaper)?;
        let url = format!("http://127.0.0.1:{}/readyz", self.operations);
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(2))
            .no_proxy()
            .build()?;
        let ready = process.until_ready(&self.log, PATIENCE, || {
            let asked = client.get(&url).send();
            async move { asked.await.is_ok_and(|answer| answer.status().is_success()) }
        });
        ready.await?;
        self.process = Some(process);
        Ok(())
    }

    /// Ends it with SIGKILL; it stays down.
    pub(crate) async fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().await;
        }
    }

    /// Its process id.
    pub(crate) fn pid(&mut self) -> anyhow::Result<i32> {
        let process = self.process.as_mut();
        let process = process.with_context(|| format!("{} does not run", self.launch.name))?;
        if let Some(status) = process.ended() {
            bail!("{} ended: {status}", self.launch.name);
        }
        Ok(process.pid())
    }
}

/// The same with other ports in its loopback addresses.
fn replaced(text: &[u8], ports: &Replaced) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(text) else {
        return text.to_vec();
    };
    let change = |text: String, (first, second): &(u16, u16)| {
        text.replace(
            &format!("127.0.0.1:{first}"),
            &format!("127.0.0.1:{second}"),
        )
    };
    ports.iter().fold(text.to_owned(), change).into_bytes()
}
