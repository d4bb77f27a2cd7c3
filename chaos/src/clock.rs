//! The clock of each process, which may be off: a small library is loaded into it
//! before the C library, and adds the seconds in a file to the time of day.
//! libfaketime can do so too, but makes sleeps fail (its 0.9.10 answers EINVAL to
//! a `clock_nanosleep` until a time), looks once a second, and leaves semaphores
//! behind whatever is killed.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions, Permissions},
    os::unix::fs::{FileExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use tokio::process::Command;

use crate::part::{Node, Part};

/// The variable by which a process finds the file with its offset.
pub(crate) const VARIABLE: &str = "CLOCK_OFFSET_FILE";
/// What is loaded.
const SOURCE: &str = include_str!("clock/offset.c");

/// All clocks of a stack.
#[derive(Debug)]
pub(crate) struct Clocks {
    library: PathBuf,
    folder: PathBuf,
}

impl Clocks {
    /// Builds the library with the system's C compiler, which Rust links with,
    /// and sets all clocks right. `folder` is not there yet.
    pub(crate) async fn new(folder: PathBuf, replicas: u8) -> anyhow::Result<Self> {
        if cfg!(not(target_os = "linux")) {
            bail!("only on Linux");
        }
        // The servers' user reads what is in it.
        fs::create_dir(&folder)?;
        fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
        let library = folder.join("offset.so");
        let source = folder.join("offset.c");
        fs::write(&source, SOURCE)?;
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .args([&library, &source])
            .output()
            .await
            .context("there is no C compiler (cc)")?;
        if !compiled.status.success() {
            bail!("cc: {}", String::from_utf8_lossy(&compiled.stderr).trim());
        }
        let clocks = Self { library, folder };
        for part in Part::WITH_CLOCK {
            for replica in 0..part.replicas(replicas) {
                let file = clocks.file(Node { part, replica });
                fs::write(&file, 0_i64.to_ne_bytes())?;
                fs::set_permissions(&file, Permissions::from_mode(0o644))?;
            }
        }
        Ok(clocks)
    }

    /// The file with the offset of a process (s, in the machine's byte order).
    pub(crate) fn file(&self, node: Node) -> PathBuf {
        self.folder.join(node.to_string())
    }

    /// What the first process of each part finds in its environment, as
    /// `plaza up` takes it.
    pub(crate) fn json(&self) -> serde_json::Result<Vec<u8>> {
        let environments = Part::WITH_CLOCK.map(|part| {
            let file = self.file(Node { part, replica: 0 });
            let variables: BTreeMap<&str, PathBuf> =
                BTreeMap::from([("LD_PRELOAD", self.library.clone()), (VARIABLE, file)]);
            (part.name(), variables)
        });
        serde_json::to_vec_pretty(&BTreeMap::from(environments))
    }

    /// Steps the clock of a process to this far from the right time (s).
    pub(crate) fn set(&self, node: Node, offset_s: i64) -> anyhow::Result<()> {
        write(&self.file(node), offset_s).with_context(|| format!("no clock of {node}"))
    }
}

/// In place: the process has the file mapped.
fn write(file: &Path, offset_s: i64) -> std::io::Result<()> {
    let file = OpenOptions::new().write(true).open(file)?;
    file.write_all_at(&offset_s.to_ne_bytes(), 0)
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use chrono::Utc;
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

    use super::*;

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_running_process_sees_each_step_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let clocks = Clocks::new(folder.path().join("clocks"), 1).await.unwrap();
        let node = Node {
            part: Part::Rooms,
            replica: 0,
        };
        // The shell's own clock, asked after each line that it reads.
        let mut shell = Command::new("bash")
            .args(["-c", "while read -r _; do printf '%(%s)T\\n' -1; done"])
            .env("LD_PRELOAD", &clocks.library)
            .env(VARIABLE, clocks.file(node))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut asks = shell.stdin.take().unwrap();
        let mut answers = BufReader::new(shell.stdout.take().unwrap()).lines();
        for offset in [0, 90, -90, 0] {
            clocks.set(node, offset).unwrap();
            asks.write_all(b"\n").await.unwrap();
            let told: i64 = answers.next_line().await.unwrap().unwrap().parse().unwrap();
            let off = told - Utc::now().timestamp();
            assert!((off - offset).abs() <= 10, "{off} s instead of {offset}");
        }
        drop(asks);
        assert!(shell.wait().await.unwrap().success());
    }
}
