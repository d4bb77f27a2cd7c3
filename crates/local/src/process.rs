//! A child process: started, watched and stopped.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::binaries::unpacked_libraries;
use crate::{Account, LineSink, LocalError, PidFile, Reaper};

/// How often a condition on a process is looked at.
const POLL: Duration = Duration::from_millis(15);

/// The signal that asks a program to end in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM: Redis, Centrifugo and Plaza's own parts.
    Term,
    /// SIGINT: PostgreSQL's "fast" shutdown, which does not wait for clients.
    Interrupt,
    /// SIGQUIT: PostgreSQL's "immediate" shutdown, which loses nothing that it
    /// has written to its log, and everything else; for throw-away data.
    Quit,
}

impl StopSignal {
    pub(crate) fn signal(self) -> Signal {
        match self {
            Self::Term => Signal::SIGTERM,
            Self::Interrupt => Signal::SIGINT,
            Self::Quit => Signal::SIGQUIT,
        }
    }

    /// The signal's name as `kill` takes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Interrupt => "INT",
            Self::Quit => "QUIT",
        }
    }
}

/// Where a child's output goes.
#[derive(Debug, Clone)]
pub enum Output {
    /// Appended to a file.
    File(PathBuf),
    /// Given to us, line by line.
    Lines(LineSink),
}

impl Output {
    /// A line of our own among what the child says. One that cannot be written
    /// is lost.
    pub(crate) fn line(&self, line: &str) {
        match self {
            Self::Lines(sink) => sink.give(line),
            Self::File(path) => {
                let file = std::fs::OpenOptions::new().append(true).open(path);
                if let Ok(mut file) = file {
                    let _ = std::io::Write::write_all(&mut file, format!("{line}\n").as_bytes());
                }
            }
        }
    }
}

/// What to start.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Name of the part, for messages.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments: visible to everybody on the machine, so no secrets.
    pub arguments: Vec<OsString>,
    /// Environment variables on top of ours; `None` takes one of ours away.
    pub environment: Vec<(OsString, Option<OsString>)>,
    /// The folder to run in.
    pub folder: PathBuf,
    /// Who runs it; `None`: we ourselves.
    pub account: Option<Account>,
    /// Where its output goes.
    pub output: Output,
    /// How it is asked to end.
    pub stop: StopSignal,
    /// Where its identity is written down.
    pub pid_file: Option<PidFile>,
}

/// A running child. Dropping it kills the child at once.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    pid: i32,
    stop: StopSignal,
    ended: Option<ExitStatus>,
    listener: Option<JoinHandle<()>>,
    reaper: Reaper,
    pid_file: Option<PidFile>,
}

impl Process {
    /// Starts a child in a process group of its own, so that Ctrl-C at the
    /// terminal reaches us alone and we end the children in order.
    ///
    /// # Errors
    /// [`LocalError::Spawn`], or [`LocalError::File`] for its log.
    pub fn start(launch: &Launch, reaper: &Reaper) -> Result<Self, LocalError> {
        let spawn_error = |source| LocalError::Spawn {
            name: launch.name.clone(),
            source,
        };
        let mut command = Command::new(&launch.program);
        command
            .args(&launch.arguments)
            .current_dir(&launch.folder)
            .stdin(Stdio::null())
            .process_group(0);
        if let Some(libraries) = unpacked_libraries(&launch.program) {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        for (name, value) in &launch.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let pipe = match &launch.output {
            Output::Lines(sink) => {
                let (read, write) = std::io::pipe().map_err(spawn_error)?;
                let again = write.try_clone().map_err(spawn_error)?;
                command.stdout(write).stderr(again);
                Some((read, sink.clone()))
            }
            Output::File(path) => {
                let file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(path)
                    .map_err(LocalError::file("open", path))?;
                let again = file.try_clone().map_err(LocalError::file("open", path))?;
                command.stdout(file).stderr(again);
                None
            }
        };
        if let Some(account) = &launch.account {
            account.apply(&mut command);
        }
        let child = command.spawn().map_err(spawn_error)?;
        // It holds our writing ends of the pipe.
        drop(command);
        let listener = pipe.map(|(read, sink)| std::thread::spawn(move || sink.read(read)));
        let pid = i32::try_from(child.id()).unwrap_or_default();
        reaper.watch(pid, launch.stop);
        if let Some(file) = &launch.pid_file {
            file.write(pid)?;
        }
        Ok(Self {
            name: launch.name.clone(),
            child,
            pid,
            stop: launch.stop,
            ended: None,
            listener,
            reaper: reaper.clone(),
            pid_file: launch.pid_file.clone(),
        })
    }

    /// Process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// How it ended, readable; `None` while it runs.
    pub fn ended(&mut self) -> Option<String> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
            if self.ended.is_some() {
                self.forget();
            }
        }
        self.ended.map(describe)
    }

    /// Its exit code; `None` while it runs, and when a signal ended it.
    pub fn code(&mut self) -> Option<i32> {
        self.ended()?;
        self.ended?.code()
    }

    /// Whether it has ended, and with exit code 0.
    pub fn succeeded(&mut self) -> bool {
        self.ended().is_some() && self.ended.is_some_and(|status| status.success())
    }

    /// Sends a signal, for instance SIGSTOP or SIGKILL in a fault test.
    pub fn signal(&mut self, signal: Signal) {
        // Ours until collected, so the pid cannot have become a stranger's.
        if self.ended().is_none() {
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// Waits until it has ended; `false` when `patience` ran out first.
    pub async fn wait(&mut self, patience: Duration) -> bool {
        let ended = poll(patience, || self.ended().is_some()).await;
        if ended {
            self.heard_out().await;
        }
        ended
    }

    /// Waits a moment until the last words of an ended child were read.
    async fn heard_out(&self) {
        if let Some(listener) = &self.listener {
            // A grandchild may hold the pipe for longer.
            poll(Duration::from_millis(500), || listener.is_finished()).await;
        }
    }

    /// Asks it to end, and kills it when it has not after `patience`.
    pub async fn stop(&mut self, patience: Duration) {
        self.signal(self.stop.signal());
        if !self.wait(patience).await {
            tracing::warn!(part = %self.name, "did not end when asked; killing it");
            self.kill().await;
        }
    }

    /// Kills it with SIGKILL and waits for its end.
    pub async fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.wait(Duration::from_secs(10)).await;
    }

    /// Waits until `ready` says so.
    ///
    /// # Errors
    /// [`LocalError::Ended`] when the child ends first, with the end of the
    /// file `log`; [`LocalError::NotReady`] after `patience`.
    pub async fn until_ready<R: Future<Output = bool>>(
        &mut self,
        log: &Path,
        patience: Duration,
        mut ready: impl FnMut() -> R,
    ) -> Result<(), LocalError> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.ended() {
                self.heard_out().await;
                return Err(LocalError::Ended {
                    name: self.name.clone(),
                    status,
                    words: last_words(log),
                });
            }
            if ready().await {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(LocalError::NotReady {
                    name: self.name.clone(),
                    seconds: patience.as_secs(),
                    words: last_words(log),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn forget(&self) {
        self.reaper.forget(self.pid);
        if let Some(file) = &self.pid_file {
            file.remove();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.signal(Signal::SIGKILL);
            let _ = self.child.wait();
            self.forget();
        }
    }
}

/// Looks at a condition until it holds; `false` when `patience` ran out.
pub(crate) async fn poll(patience: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    while !holds() {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(POLL).await;
    }
    true
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(number)) => match Signal::try_from(number) {
            Ok(signal) => format!("killed by {signal}"),
            Err(_) => format!("killed by signal {number}"),
        },
        (None, None) => "ended".to_owned(),
    }
}

/// The last lines of a log file.
fn last_words(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let tail = &bytes[bytes.len().saturating_sub(4000)..];
    let text = String::from_utf8_lossy(tail);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
