//! A Plaza of separate processes, on throw-away data.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::schedule::Part;

/// How long a start or a stop of everything may take.
const PATIENCE: Duration = Duration::from_mins(3);
/// How long one question to it may take; a start waits until it is ready.
const CTL_PATIENCE: Duration = Duration::from_mins(1);

/// A running `plaza up`.
#[derive(Debug)]
pub(crate) struct Stack {
    plaza: PathBuf,
    folder: TempDir,
    child: Child,
    url: String,
}

#[derive(Debug, Deserialize)]
struct Status {
    url: String,
    parts: Vec<PartStatus>,
}

#[derive(Debug, Deserialize)]
struct PartStatus {
    name: String,
    pid: Option<i32>,
}

impl Stack {
    /// Starts everything and waits until it is ready.
    pub(crate) async fn start(plaza: &Path) -> anyhow::Result<Self> {
        let plaza = std::path::absolute(plaza)?;
        let folder = tempfile::Builder::new().prefix("plaza-chaos-").tempdir()?;
        // The servers' user has to get to its data through this.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
        let log = std::fs::File::create(folder.path().join("log"))?;
        let child = Command::new(&plaza)
            .args(["up", "--no-demo", "--data"])
            .arg(folder.path().join("data"))
            // One that nobody takes while the gateway is down.
            .arg("--port")
            .arg(plaza_local::free_port("gateway", None)?.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", plaza.display()))?;
        let mut stack = Self {
            plaza,
            folder,
            child,
            url: String::new(),
        };
        let begun = Instant::now();
        loop {
            if let Ok(status) = stack.status().await {
                stack.url = status.url;
                return Ok(stack);
            }
            if let Some(code) = stack.child.try_wait()? {
                bail!("plaza up ended ({code}):\n{}", stack.log());
            }
            if begun.elapsed() > PATIENCE {
                bail!("plaza up does not get ready:\n{}", stack.log());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Where the gateway is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Leaves the data folder with its logs behind, and says where.
    pub(crate) fn keep_logs(mut self) {
        self.folder.disable_cleanup(true);
        println!(
            "The logs are in {}",
            self.folder.path().join("data/log").display()
        );
    }

    async fn ctl(&self, words: &[&str]) -> anyhow::Result<Vec<u8>> {
        let running = Command::new(&self.plaza)
            .args(["ctl", "--data"])
            .arg(self.folder.path().join("data"))
            .args(words)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(CTL_PATIENCE, running)
            .await
            .with_context(|| format!("plaza ctl {words:?} does not answer"))??;
        if !output.status.success() {
            bail!(
                "plaza ctl {words:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(output.stdout)
    }

    async fn status(&self) -> anyhow::Result<Status> {
        Ok(serde_json::from_slice(
            &self.ctl(&["status", "--json"]).await?,
        )?)
    }

    /// Ends a part with SIGKILL; it stays down.
    pub(crate) async fn kill(&self, part: Part) -> anyhow::Result<()> {
        self.ctl(&["kill", part.name()]).await.map(drop)
    }

    /// Starts a part and waits until it is ready.
    pub(crate) async fn start_part(&self, part: Part) -> anyhow::Result<()> {
        self.ctl(&["start", part.name()]).await.map(drop)
    }

    /// The processes of a part: its own and, of PostgreSQL, one a connection.
    pub(crate) async fn processes(&self, part: Part) -> anyhow::Result<Vec<Pid>> {
        let status = self.status().await?;
        let main = status
            .parts
            .iter()
            .find(|known| known.name == part.name())
            .and_then(|known| known.pid)
            .with_context(|| format!("{} does not run", part.name()))?;
        Ok([main]
            .into_iter()
            .chain(children(main))
            .map(Pid::from_raw)
            .collect())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) else {
            return;
        };
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        let begun = Instant::now();
        while self.child.try_wait().is_ok_and(|code| code.is_none()) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Sends a signal to each of them that is still there.
pub(crate) fn signal_all(processes: &[Pid], signal: Signal) {
    for process in processes {
        let _ = kill(*process, signal);
    }
}

/// The direct children of a process, from the kernel's list.
fn children(parent: i32) -> Vec<i32> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| parent_of(*pid) == Some(parent))
        .collect()
}

fn parent_of(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; state and parent follow it.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}
