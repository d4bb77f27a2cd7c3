//! `plaza up` as the person at the terminal knows it: what is stopped, killed
//! and started again, on real processes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails where something is not as it should be"
)]

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use plaza_local::Identity;
use plaza_testkit::eventually;
use serde_json::Value;
use tempfile::TempDir;

const PLAZA: &str = env!("CARGO_BIN_EXE_plaza");
/// How long a start or stop may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A data folder and what is run on it.
struct Place {
    place: plaza_local::Place,
    _folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("plaza-life-")
            .tempdir_in("/tmp")
            .unwrap();
        Self {
            place: plaza_local::Place::new(PLAZA, folder.path()).unwrap(),
            _folder: folder,
        }
    }

    fn data(&self) -> PathBuf {
        self.place.data()
    }

    fn command(&self, word: &str) -> Command {
        self.place.command(word)
    }

    /// Starts Plaza and waits until it is ready.
    async fn start(&self) -> Running<'_> {
        self.start_at(Stdio::null(), &[]).await
    }

    /// The same, reading from what may be a terminal, with more flags.
    async fn start_at(&self, input: Stdio, flags: &[&str]) -> Running<'_> {
        let log = std::fs::File::create(self.place.log_file()).unwrap();
        let child = self
            .command("up")
            .args(["--no-demo", "--realtime-off"])
            .args(flags)
            .stdin(input)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut running = Running { place: self, child };
        eventually(PATIENCE, async || running.is_ready()).await;
        running
    }

    fn ctl(&self, words: &[&str]) -> Output {
        self.command("ctl").args(words).output().unwrap()
    }

    fn status(&self) -> Value {
        let output = self.ctl(&["status", "--json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// The process of a part; `None` while it does not run.
    fn process_of(&self, part: &str) -> Option<Identity> {
        let status = self.status();
        let parts = status["parts"].as_array()?;
        let part = parts.iter().find(|known| known["name"] == part)?;
        Identity::of(part["pid"].as_i64()?.try_into().unwrap())
    }

    fn processes(&self) -> Vec<Identity> {
        ["postgres", "auth", "rooms", "messages", "gateway"]
            .map(|part| self.process_of(part).expect(part))
            .to_vec()
    }
}

/// A `plaza up`. Dropping it stops it.
struct Running<'a> {
    place: &'a Place,
    child: Child,
}

impl Running<'_> {
    fn is_ready(&mut self) -> Result<(), String> {
        let log = self.place.place.log();
        assert_eq!(self.child.try_wait().unwrap(), None, "it ended: {log}");
        if log.contains("Plaza is ready") {
            Ok(())
        } else {
            Err(log)
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    /// Waits for its end and gives its exit code.
    async fn end(&mut self) -> Option<i32> {
        eventually(PATIENCE, async || self.child.try_wait().unwrap())
            .await
            .code()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = kill(self.pid(), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

/// The shell that ends what a killed owner left behind.
fn reaper_of(owner: Pid) -> Pid {
    let output = Command::new("ps")
        .args(["-e", "-o", "pid=,ppid=,args="])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let pid = text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (pid, parent) = (words.next()?, words.next()?);
        (parent == owner.to_string() && line.contains("plaza-reaper")).then_some(pid)
    });
    Pid::from_raw(pid.expect("a reaper").parse().unwrap())
}

#[tokio::test]
async fn a_killed_part_comes_back_and_a_stopped_one_stays_down_until_it_is_started() {
    let place = Place::new();
    let _running = place.start().await;
    let before = place.process_of("rooms").unwrap();
    assert!(before.signal(Signal::SIGKILL));
    let after = eventually(PATIENCE, async || {
        place.process_of("rooms").filter(|now| *now != before)
    })
    .await;

    assert!(place.ctl(&["stop", "rooms"]).status.success());
    assert!(!after.is_alive());
    let rooms = place.status()["parts"][2].clone();
    assert_eq!(
        (&rooms["name"], &rooms["state"]),
        (&"rooms".into(), &"stopped".into())
    );
    assert!(place.ctl(&["start", "rooms"]).status.success());
    assert!(place.process_of("rooms").is_some());

    let refused = place.ctl(&["stop", "redis"]);
    assert!(!refused.status.success());
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(why.contains("real time is off"), "{why}");
}

#[tokio::test]
async fn a_second_start_names_the_first_and_a_later_one_keeps_address_and_data() {
    let place = Place::new();
    // A port that nobody else takes, also while it is stopped: other parts draw
    // theirs from 20,000 on.
    let port = std::iter::repeat_with(|| fastrand::u16(10_000..20_000))
        .find(|port| plaza_local::is_free(*port))
        .unwrap()
        .to_string();
    let mut first = place.start_at(Stdio::null(), &["--port", &port]).await;
    let url = place.status()["url"].as_str().unwrap().to_owned();
    assert!(url.ends_with(&port), "{url}");
    let secret = || std::fs::read_to_string(place.data().join("secrets/internal-secret")).unwrap();
    let before = secret();

    let second = place.command("up").output().unwrap();
    assert!(second.status.success());
    assert!(String::from_utf8_lossy(&second.stdout).contains(&url));

    let processes = place.processes();
    kill(first.pid(), Signal::SIGHUP).unwrap();
    assert_eq!(first.end().await, Some(0));
    assert!(processes.iter().all(|process| !process.is_alive()));
    assert!(!place.ctl(&["status"]).status.success());

    let mut again = place.start().await;
    assert_eq!(place.status()["url"], url.as_str());
    assert_eq!(secret(), before);
    assert!(place.ctl(&["down"]).status.success());
    assert_eq!(again.end().await, Some(0));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_closed_terminal_stops_it_though_no_signal_comes() {
    use nix::fcntl::OFlag;
    use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
    use std::os::unix::fs::OpenOptionsExt as _;

    let place = Place::new();
    // What others start meanwhile must not keep it open.
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let terminal = posix_openpt(flags).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let ours = std::fs::File::options()
        .read(true)
        .custom_flags(OFlag::O_NOCTTY.bits())
        .open(ptsname_r(&terminal).unwrap())
        .unwrap();
    // It leads no session, so that the kernel tells it nothing.
    let mut running = place.start_at(ours.into(), &[]).await;
    let processes = place.processes();
    drop(terminal);
    assert_eq!(running.end().await, Some(0));
    assert!(processes.iter().all(|process| !process.is_alive()));
}

#[tokio::test]
async fn what_a_sigkill_leaves_is_ended_at_once_or_at_the_next_start() {
    let place = Place::new();
    let mut killed = place.start().await;
    let processes = place.processes();
    kill(killed.pid(), Signal::SIGKILL).unwrap();
    killed.end().await;
    eventually(PATIENCE, async || {
        processes.iter().all(|process| !process.is_alive())
    })
    .await;

    let mut killed = place.start().await;
    let left = place.processes();
    kill(reaper_of(killed.pid()), Signal::SIGKILL).unwrap();
    kill(killed.pid(), Signal::SIGKILL).unwrap();
    killed.end().await;
    assert!(left.iter().all(Identity::is_alive));

    let _running = place.start().await;
    assert!(left.iter().all(|process| !process.is_alive()));
}
