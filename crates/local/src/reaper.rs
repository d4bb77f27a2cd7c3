//! Ends the servers of an owner that was killed.
//!
//! A signal on the parent's death (`PR_SET_PDEATHSIG`) is Linux's alone, needs
//! unsafe code, and means the starting thread, not the process. Instead one
//! small shell holds the reading end of a pipe whose writing end only the owner
//! has: however the owner ends, by return, panic or SIGKILL, the shell reads
//! the end of the pipe, signals what is still alive, kills what does not obey,
//! and removes the folders that were to go.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use crate::LocalError;
use crate::identity::Identity;
use crate::process::StopSignal;

/// Each line of input is `watch PID SIGNAL START`, `forget PID` or `remove DIR`.
/// `alive` compares the start time, so that a reused pid is nobody of ours.
const SCRIPT: &str = r#"
trap '' INT TERM HUP QUIT
watched=''
folders=''
newline='
'
while IFS= read -r line; do
  verb=${line%% *}
  rest=${line#* }
  case $verb in
    watch) watched="$rest$newline$watched" ;;
    forget)
      kept=''
      while IFS= read -r entry; do
        [ -z "$entry" ] || [ "${entry%% *}" = "$rest" ] || kept="$kept$entry$newline"
      done <<END
$watched
END
      watched=$kept ;;
    remove) folders="$rest$newline$folders" ;;
  esac
done
alive() {
  kill -0 "$1" 2>/dev/null || return 1
  [ -r "/proc/$1/stat" ] || { [ ! -d /proc/self ]; return; }
  IFS= read -r stat <"/proc/$1/stat" || return 1
  set -- "$2" ${stat##*) }
  case $2 in Z|X) return 1 ;; esac
  shift 20
  [ "$1" = "$wanted" ]
}
each() {
  while IFS=' ' read -r pid signal wanted; do
    [ -n "$pid" ] || continue
    if alive "$pid" "$wanted"; then left=1; [ -z "$1" ] || kill -s "${2:-$signal}" "$pid" 2>/dev/null; fi
  done <<END
$watched
END
}
if [ -n "$watched" ]; then
  each signal
  tries=0 left=1
  while [ "$left" = 1 ] && [ "$tries" -lt 150 ]; do
    left=0; each ''; tries=$((tries + 1))
    [ "$left" = 0 ] || sleep 0.1
  done
  [ "$left" = 0 ] || each signal KILL
fi
while IFS= read -r folder; do
  [ -n "$folder" ] && rm -rf -- "$folder"
done <<END
$folders
END
"#;

/// The shell that ends an owner's children when the owner is gone. Clones are
/// handles to the same shell; it lives until the process ends or the last
/// handle is dropped.
#[derive(Debug, Clone)]
pub struct Reaper {
    shell: Arc<Mutex<Shell>>,
}

#[derive(Debug)]
struct Shell {
    input: Option<ChildStdin>,
    child: Child,
}

impl Reaper {
    /// Starts the shell, in a group of its own so that a Ctrl-C spares it.
    ///
    /// # Errors
    /// [`LocalError::Spawn`].
    pub fn start() -> Result<Self, LocalError> {
        // By the environment, so that a list of processes stays readable.
        let mut child = Command::new("/bin/sh")
            .args(["-c", "eval \"$PLAZA_REAPER\"", "plaza-reaper"])
            .env("PLAZA_REAPER", SCRIPT)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|source| LocalError::Spawn {
                name: "the reaper".into(),
                source,
            })?;
        let input = child.stdin.take();
        Ok(Self {
            shell: Arc::new(Mutex::new(Shell { input, child })),
        })
    }

    /// Ends `pid` with `signal` when we are gone.
    pub(crate) fn watch(&self, pid: i32, signal: StopSignal) {
        if let Some(identity) = Identity::of(pid) {
            self.say(&format!(
                "watch {pid} {} {}",
                signal.name(),
                identity.started
            ));
        }
    }

    /// `pid` has ended and is no longer ours.
    pub(crate) fn forget(&self, pid: i32) {
        self.say(&format!("forget {pid}"));
    }

    /// Removes a folder when we are gone, after the processes have ended.
    pub fn remove(&self, folder: &Path) {
        self.say(&format!("remove {}", folder.display()));
    }

    fn say(&self, line: &str) {
        let mut shell = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(input) = &mut shell.input {
            // A shell that is gone cannot be told; pid files remain.
            let _ = writeln!(input, "{line}");
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn within(seconds: u64, mut holds: impl FnMut() -> bool) -> bool {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while !holds() {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    fn sleeper() -> Child {
        Command::new("sleep").arg("600").spawn().unwrap()
    }

    fn pid(child: &Child) -> i32 {
        i32::try_from(child.id()).unwrap()
    }

    #[test]
    fn what_is_watched_ends_with_us_and_what_is_forgotten_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let doomed = folder.path().join("data of a server");
        std::fs::create_dir(&doomed).unwrap();
        let (mut ours, mut others) = (sleeper(), sleeper());
        let reaper = Reaper::start().unwrap();
        reaper.watch(pid(&others), StopSignal::Term);
        reaper.watch(pid(&ours), StopSignal::Term);
        reaper.forget(pid(&others));
        reaper.remove(&doomed);
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(ours.try_wait().unwrap(), None);
        drop(reaper);
        assert!(within(5, || ours.try_wait().unwrap().is_some()));
        assert_eq!(others.try_wait().unwrap(), None);
        assert!(!doomed.exists());
        others.kill().unwrap();
        others.wait().unwrap();
    }

    #[test]
    fn a_pid_that_became_a_strangers_is_left_alone() {
        let mut stranger = sleeper();
        let reaper = Reaper::start().unwrap();
        reaper.say(&format!("watch {} KILL 12345", stranger.id()));
        drop(reaper);
        assert_eq!(stranger.try_wait().unwrap(), None);
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}
