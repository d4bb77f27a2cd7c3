//! A running `plaza up`, for programs that test it from outside.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde::Deserialize;

use crate::process::{Launch, Process};
use crate::{LocalError, Place, Reaper};

/// How long a start or a stop of everything may take.
const PATIENCE: Duration = Duration::from_mins(3);
/// How long one question to it may take; a start of a part waits until it is
/// ready.
const COMMAND_PATIENCE: Duration = Duration::from_mins(1);

/// A `plaza up` that runs in a [`Place`]. Dropping it stops everything in order
/// and waits for the end.
#[derive(Debug)]
pub struct Up {
    place: Place,
    process: Process,
}

/// What it says of itself.
#[derive(Debug, Deserialize)]
pub struct Status {
    /// Where the web app is.
    pub url: String,
    /// All parts, in the order of their start.
    pub parts: Vec<PartStatus>,
}

/// One part.
#[derive(Debug, Deserialize)]
pub struct PartStatus {
    /// Its name, as `plaza ctl` takes it.
    pub name: String,
    /// Its process; `None` while it does not run.
    pub pid: Option<i32>,
}

impl Up {
    /// Starts everything and waits until it is ready; `launch` is the place's
    /// own [`Place::up`], with more in it.
    ///
    /// # Errors
    /// That it did not start, with the last words of its log.
    pub async fn start(place: Place, launch: &Launch, reaper: &Reaper) -> Result<Self, LocalError> {
        let mut process = Process::start(launch, reaper)?;
        process
            .until_ready(&place.log_file(), PATIENCE, || async {
                run(&place, "ctl", &["status"]).await.is_ok()
            })
            .await?;
        Ok(Self { place, process })
    }

    /// Where it runs.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its process, which keeps the others.
    pub fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// One command on the data folder, such as `ctl` or `admin`; what it prints.
    ///
    /// # Errors
    /// [`LocalError::Command`], [`LocalError::Silent`].
    pub async fn run(&self, command: &str, words: &[&str]) -> Result<Vec<u8>, LocalError> {
        run(&self.place, command, words).await
    }

    /// Which parts there are, and what they are doing.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn status(&self) -> Result<Status, LocalError> {
        let text = self.run("ctl", &["status", "--json"]).await?;
        serde_json::from_slice(&text).map_err(|error| LocalError::Command {
            command: "plaza ctl status --json".into(),
            words: error.to_string(),
        })
    }

    /// The process of a part, which may be about to start again.
    ///
    /// # Errors
    /// As [`Self::run`], and [`LocalError::NotReady`] for a part that does not run.
    pub async fn pid_of(&self, part: &str) -> Result<i32, LocalError> {
        let begun = Instant::now();
        loop {
            let status = self.status().await?;
            let part_status = status.parts.iter().find(|known| known.name == part);
            if let Some(pid) = part_status.and_then(|known| known.pid) {
                return Ok(pid);
            }
            if begun.elapsed() > PATIENCE {
                return Err(LocalError::NotReady {
                    name: part.to_owned(),
                    seconds: PATIENCE.as_secs(),
                    words: self.place.log(),
                });
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The port of a part, by its name in the data folder, such as
    /// `rooms-operations`; `None` when there is none of that name.
    pub fn port(&self, name: &str) -> Option<u16> {
        let text = fs::read(self.place.data().join("ports.json")).ok()?;
        let ports: serde_json::Map<_, _> = serde_json::from_slice(&text).ok()?;
        ports.get(name)?.as_u64()?.try_into().ok()
    }
}

async fn run(place: &Place, command: &str, words: &[&str]) -> Result<Vec<u8>, LocalError> {
    let line = format!("plaza {command} {}", words.join(" "));
    let mut on_data: Command = place.command(command);
    on_data.args(words);
    let running = tokio::process::Command::from(on_data)
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(COMMAND_PATIENCE, running)
        .await
        .map_err(|_| LocalError::Silent {
            command: line.clone(),
            seconds: COMMAND_PATIENCE.as_secs(),
        })?
        .map_err(|source| LocalError::Spawn {
            name: line.clone(),
            source,
        })?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(LocalError::Command {
            command: line,
            words: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.process.signal(Signal::SIGTERM);
        let begun = Instant::now();
        while self.process.ended().is_none() && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
