//! Servers of this test process.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use plaza_local::{Account, LocalError, Reaper, create_folder};

/// What all servers of this process share.
#[derive(Debug)]
pub(crate) struct Home {
    /// A folder that the servers' user can reach; gone when the process is.
    pub(crate) folder: PathBuf,
    pub(crate) account: Option<Account>,
    pub(crate) reaper: Reaper,
}

/// The shared part, made on first use.
pub(crate) fn home() -> &'static Home {
    static HOME: OnceLock<Home> = OnceLock::new();
    HOME.get_or_init(|| Home::make().unwrap_or_else(|error| panic!("{}", chain(&error))))
}

impl Home {
    fn make() -> Result<Self, LocalError> {
        let account = Account::for_servers(None)?;
        let reaper = Reaper::start()?;
        let name = format!("plaza-test-{}", plaza_local::random_hex(6)?);
        let folder = std::env::temp_dir().join(name);
        reaper.remove(&folder);
        create_folder(&folder, account.as_ref())?;
        Ok(Self {
            folder,
            account,
            reaper,
        })
    }

    /// A new folder for a server, by a name that no other server here has.
    pub(crate) fn server_folder(&self, name: &str) -> PathBuf {
        let unique = plaza_local::random_hex(4).unwrap_or_else(|error| panic!("{error}"));
        self.folder.join(format!("{name}-{unique}"))
    }

    /// A program that the servers' user can run.
    pub(crate) fn executable(&self, program: &Path) -> Result<PathBuf, LocalError> {
        match &self.account {
            Some(account) => account.executable(program, &self.folder),
            None => Ok(program.to_path_buf()),
        }
    }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
