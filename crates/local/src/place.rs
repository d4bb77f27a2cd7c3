//! A throw-away folder that `plaza up` runs in, for programs that test it from
//! outside.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::LocalError;
use crate::process::{Launch, Output, StopSignal};

/// A `plaza` executable and a folder for one Plaza.
#[derive(Debug)]
pub struct Place {
    plaza: PathBuf,
    folder: PathBuf,
}

impl Place {
    /// In a folder that is there and that somebody else removes. It is opened
    /// to all: the servers' user has to get to its data through it.
    ///
    /// # Errors
    /// [`LocalError::File`] for a folder that is not ours.
    pub fn new(plaza: impl Into<PathBuf>, folder: &Path) -> Result<Self, LocalError> {
        fs::set_permissions(folder, Permissions::from_mode(0o755))
            .map_err(LocalError::file("open", folder))?;
        Ok(Self {
            plaza: plaza.into(),
            folder: folder.to_owned(),
        })
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Where `plaza up` writes what it says.
    pub fn log_file(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// What `plaza up` has said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// `plaza WORD` on the data folder.
    pub fn command(&self, word: &str) -> Command {
        let mut command = Command::new(&self.plaza);
        command.arg(word).arg("--data").arg(self.data());
        command.stdin(Stdio::null());
        command
    }

    /// `plaza up` without demo users. With a `port` from below the range of
    /// outgoing connections nobody takes it while the gateway is down.
    pub fn up(&self, port: u16) -> Launch {
        let arguments: [OsString; 6] = [
            "up".into(),
            "--no-demo".into(),
            "--data".into(),
            self.data().into(),
            "--port".into(),
            port.to_string().into(),
        ];
        Launch {
            name: "plaza up".into(),
            program: self.plaza.clone(),
            arguments: arguments.into(),
            environment: Vec::new(),
            folder: self.folder.clone(),
            account: None,
            output: Output::File(self.log_file()),
            stop: StopSignal::Term,
            pid_file: None,
        }
    }
}
