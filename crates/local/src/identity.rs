//! Which process a pid file means, so that no stranger is ever signalled.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::process::poll;
use crate::{LocalError, write_private};

/// A process as it was when it was started: a pid alone is reused by the
/// system, a pid together with the moment of its start is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Process id.
    pub pid: i32,
    /// When it started, in the system's own words.
    pub started: String,
}

impl Identity {
    /// The identity of a running process; `None` when there is none, or only
    /// one that has ended and is not yet collected.
    pub fn of(pid: i32) -> Option<Self> {
        let started = start_of(pid)?;
        Some(Self { pid, started })
    }

    /// Whether this very process still runs.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).is_some_and(|now| now == *self)
    }

    /// Signals this process if it still runs; `false` when it does not.
    pub fn signal(&self, signal: Signal) -> bool {
        self.is_alive() && kill(Pid::from_raw(self.pid), signal).is_ok()
    }

    /// Stops this process: `signal`, then after `patience` SIGKILL. Returns
    /// when it has ended; `false` when it could not be ended.
    pub async fn stop(&self, signal: Signal, patience: Duration) -> bool {
        if !self.signal(signal) {
            return !self.is_alive();
        }
        if poll(patience, || !self.is_alive()).await {
            return true;
        }
        self.signal(Signal::SIGKILL);
        poll(Duration::from_secs(5), || !self.is_alive()).await
    }
}

/// Start time of a process, from /proc where there is one, else from `ps`.
fn start_of(pid: i32) -> Option<String> {
    if Path::new("/proc/self/stat").exists() {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        return start_in_stat(&stat);
    }
    let output = std::process::Command::new("ps")
        .args(["-o", "lstart=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The start time (clock ticks since boot) in a line of `/proc/<pid>/stat`;
/// `None` for a process that has ended and waits to be collected.
fn start_in_stat(stat: &str) -> Option<String> {
    // The name in parentheses may hold spaces and parentheses itself.
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

/// A file that says which process runs a part.
#[derive(Debug, Clone)]
pub struct PidFile {
    path: PathBuf,
}

impl PidFile {
    /// The pid file at `path`, which need not exist.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Writes down the process `pid`; nothing when it has ended already.
    ///
    /// # Errors
    /// [`LocalError::File`].
    pub fn write(&self, pid: i32) -> Result<(), LocalError> {
        let Some(identity) = Identity::of(pid) else {
            return Ok(());
        };
        let line = format!("{} {}\n", identity.pid, identity.started);
        write_private(&self.path, line.as_bytes(), None)
    }

    /// The process that this file means, if that very process still runs.
    pub fn running(&self) -> Option<Identity> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        let (pid, started) = text.trim().split_once(' ')?;
        let identity = Identity {
            pid: pid.parse().ok()?,
            started: started.to_owned(),
        };
        identity.is_alive().then_some(identity)
    }

    /// Forgets the process.
    pub fn remove(&self) {
        // A file that is gone already is as good.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    fn sleeper() -> Child {
        Command::new("sleep").arg("600").spawn().unwrap()
    }

    fn pid(child: &Child) -> i32 {
        i32::try_from(child.id()).unwrap()
    }

    #[test]
    fn a_pid_file_finds_its_process_and_nothing_once_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let file = PidFile::at(folder.path().join("part.pid"));
        assert_eq!(file.running(), None);
        let mut child = sleeper();
        file.write(pid(&child)).unwrap();
        assert_eq!(file.running().unwrap().pid, pid(&child));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(file.running(), None);
    }

    #[test]
    fn a_stranger_who_got_the_pid_is_not_meant_and_not_signalled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.pid");
        let mut child = sleeper();
        std::fs::write(&path, format!("{} 12345\n", child.id())).unwrap();
        assert_eq!(PidFile::at(&path).running(), None);
        let mistaken = Identity {
            pid: pid(&child),
            started: "12345".into(),
        };
        assert!(!mistaken.signal(Signal::SIGKILL));
        assert_eq!(child.try_wait().unwrap(), None);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn an_ended_process_that_nobody_collected_counts_as_ended() {
        let mut child = sleeper();
        let identity = Identity::of(pid(&child)).unwrap();
        child.kill().unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(5);
        while identity.is_alive() {
            assert!(std::time::Instant::now() < deadline);
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }

    #[tokio::test]
    async fn who_ignores_the_first_signal_is_killed() {
        let mut child = Command::new("sh")
            .args(["-c", "trap '' TERM; echo ready; while :; do sleep 1; done"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(&mut child.stdout.take().unwrap(), &mut ready).unwrap();
        let identity = Identity::of(pid(&child)).unwrap();
        assert!(
            identity
                .stop(Signal::SIGTERM, Duration::from_millis(50))
                .await
        );
        child.wait().unwrap();
    }

    #[test]
    fn a_process_name_with_spaces_and_parentheses_is_read_over() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 1";
        assert_eq!(start_in_stat(stat).as_deref(), Some("987654"));
        assert_eq!(start_in_stat(&stat.replace(" S ", " Z ")), None);
        assert_eq!(start_in_stat("garbage"), None);
    }
}
