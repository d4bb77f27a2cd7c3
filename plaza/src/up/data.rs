//! The data folder of a local Plaza: what is where, and who uses it now.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use plaza_local::{Account, PidFile, create_folder, free_port, write_private};
use serde::{Deserialize, Serialize};

use super::name::PartName;

/// The longest path that a Unix socket may have on every system.
const SOCKET_PATH_BYTES: usize = 100;

/// A data folder.
#[derive(Debug, Clone)]
pub(crate) struct Data {
    root: PathBuf,
}

/// What a running instance tells those who come later.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Instance {
    /// Where the web app is.
    pub(crate) url: String,
    /// The process that runs it all.
    pub(crate) pid: u32,
}

/// The right to use a data folder; given back when it is dropped or the
/// process ends in any way.
#[derive(Debug)]
pub(crate) struct Claim {
    _lock: File,
}

impl Data {
    /// The folder that was asked for, or the default one.
    pub(crate) fn locate(asked: Option<PathBuf>) -> anyhow::Result<Self> {
        let root = asked
            .or_else(plaza_local::default_data_folder)
            .context("no place for the data: set HOME, or give --data DIR")?;
        let root =
            std::path::absolute(&root).with_context(|| format!("{} is no path", root.display()))?;
        if root.join("ctl.sock").as_os_str().len() > SOCKET_PATH_BYTES {
            bail!(
                "the path {} is too long for a socket in it; choose a shorter one with --data",
                root.display()
            );
        }
        Ok(Self { root })
    }

    /// Makes the folders that are missing.
    pub(crate) fn prepare(&self, account: Option<&Account>) -> anyhow::Result<()> {
        create_folder(&self.root, account)?;
        for name in ["secrets", "log", "run"] {
            create_folder(&self.root.join(name), None)?;
        }
        create_folder(&self.root.join("bin"), account)?;
        if let Some(account) = account
            && !account.can_execute(&self.root)
        {
            bail!(
                "{} runs the servers, because root must not, and cannot enter {}; choose another folder with --data",
                account.name(),
                self.root.display()
            );
        }
        Ok(())
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a server's own files.
    pub(crate) fn server(&self, name: PartName) -> PathBuf {
        self.root.join(name.as_str())
    }

    /// Copies of programs that the servers' user could not reach.
    pub(crate) fn programs(&self) -> PathBuf {
        self.root.join("bin")
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.root.join("log").join(format!("{name}.log"))
    }

    pub(crate) fn pid_file(&self, name: PartName) -> PidFile {
        PidFile::at(self.root.join("run").join(format!("{name}.pid")))
    }

    pub(crate) fn control_socket(&self) -> PathBuf {
        self.root.join("ctl.sock")
    }

    fn instance_file(&self) -> PathBuf {
        self.root.join("run/instance.json")
    }

    /// Takes the folder; `None` when a running Plaza has it.
    pub(crate) fn claim(&self) -> anyhow::Result<Option<Claim>> {
        let path = self.root.join("run/lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Claim { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    /// What the running instance says of itself, once it is ready.
    pub(crate) fn instance(&self) -> Option<Instance> {
        serde_json::from_slice(&std::fs::read(self.instance_file()).ok()?).ok()
    }

    /// Tells others that we are ready.
    pub(crate) fn announce(&self, instance: &Instance) -> anyhow::Result<()> {
        Ok(write_private(
            &self.instance_file(),
            &serde_json::to_vec(instance)?,
            None,
        )?)
    }

    /// Takes the word back.
    pub(crate) fn retract(&self) {
        let _ = std::fs::remove_file(self.instance_file());
        let _ = std::fs::remove_file(self.control_socket());
    }

    /// A secret that is made once and kept: its file and its value.
    pub(crate) fn secret(&self, name: &str) -> anyhow::Result<(PathBuf, String)> {
        let path = self.root.join("secrets").join(name);
        if let Ok(kept) = std::fs::read_to_string(&path)
            && !kept.trim().is_empty()
        {
            return Ok((path, kept.trim().to_owned()));
        }
        let secret = plaza_local::random_hex(32)?;
        write_private(&path, secret.as_bytes(), None)?;
        Ok((path, secret))
    }

    /// A secret that is made of others, such as a URL with a password: written
    /// anew at each start.
    pub(crate) fn derived_secret(&self, name: &str, value: &str) -> anyhow::Result<PathBuf> {
        let path = self.root.join("secrets").join(name);
        write_private(&path, value.as_bytes(), None)?;
        Ok(path)
    }

    /// Whether a marker of this name was left by [`Data::mark`].
    pub(crate) fn is_marked(&self, name: &str) -> bool {
        self.root.join(name).exists()
    }

    /// Leaves a marker.
    pub(crate) fn mark(&self, name: &str) -> anyhow::Result<()> {
        Ok(write_private(&self.root.join(name), b"", None)?)
    }
}

/// Ports that are remembered, so that a bookmark stays good.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    path: PathBuf,
    known: BTreeMap<String, u16>,
}

impl Ports {
    /// Those of the last start.
    pub(crate) fn remembered(data: &Data) -> Self {
        let path = data.root.join("ports.json");
        let known = std::fs::read(&path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        Self { path, known }
    }

    pub(crate) fn get(&self, name: &str) -> Option<u16> {
        self.known.get(name).copied()
    }

    /// A port that is free now and that no other name here has: the
    /// remembered one, else `preferred`, else any.
    pub(crate) fn choose(&mut self, name: &str, preferred: Option<u16>) -> anyhow::Result<u16> {
        let wanted = self.get(name).or(preferred);
        let mut port = free_port(name, wanted)?;
        while self.is_taken_by_another(name, port) {
            port = free_port(name, None)?;
        }
        self.set(name, port);
        Ok(port)
    }

    fn is_taken_by_another(&self, name: &str, port: u16) -> bool {
        self.known
            .iter()
            .any(|(other, taken)| other != name && *taken == port)
    }

    pub(crate) fn set(&mut self, name: &str, port: u16) {
        self.known.insert(name.to_owned(), port);
    }

    /// Forgets a port that turned out to be somebody else's.
    pub(crate) fn forget(&mut self, port: u16) {
        self.known.retain(|_, known| *known != port);
    }

    /// Remembers them for the next start.
    pub(crate) fn save(&self) -> anyhow::Result<()> {
        let bytes = serde_json::to_vec_pretty(&self.known)?;
        Ok(write_private(&self.path, &bytes, None)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Data) {
        let folder = tempfile::tempdir().unwrap();
        let data = Data::locate(Some(folder.path().join("data"))).unwrap();
        data.prepare(None).unwrap();
        (folder, data)
    }

    #[test]
    fn a_folder_is_used_by_one_at_a_time() {
        let (_folder, data) = folder();
        let claim = data.claim().unwrap();
        assert!(claim.is_some());
        assert!(data.claim().unwrap().is_none());
        drop(claim);
        assert!(data.claim().unwrap().is_some());
    }

    #[test]
    fn a_secret_is_made_once() {
        let (_folder, data) = folder();
        let (_, first) = data.secret("internal").unwrap();
        let (_, again) = data.secret("internal").unwrap();
        let (_, other) = data.secret("other").unwrap();
        assert_eq!(first, again);
        assert_ne!(first, other);
        assert_eq!(first.len(), 64);
    }

    #[test]
    fn ports_are_remembered_and_never_shared() {
        let (_folder, data) = folder();
        let mut ports = Ports::remembered(&data);
        let one = ports.choose("one", None).unwrap();
        let two = ports.choose("two", Some(one)).unwrap();
        assert_ne!(one, two);
        ports.save().unwrap();
        let mut later = Ports::remembered(&data);
        assert_eq!(later.choose("one", None).unwrap(), one);
        assert_eq!(later.choose("two", None).unwrap(), two);
    }

    #[test]
    fn a_path_that_no_socket_could_have_is_refused_with_the_reason() {
        let long = PathBuf::from("/tmp").join("x".repeat(100));
        let error = Data::locate(Some(long)).unwrap_err().to_string();
        assert!(error.contains("--data"), "{error}");
    }
}
