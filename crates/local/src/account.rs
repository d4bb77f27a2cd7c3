//! Who runs the servers: never root.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{Gid, Uid, User, fchownat, geteuid};

use crate::LocalError;

/// Users that may run the servers when we are root, in order of preference.
const CANDIDATES: [&str; 3] = ["plaza", "postgres", "nobody"];

/// Of two who copy a program at once, the second finds the first one's copy.
static COPYING: Mutex<()> = Mutex::new(());

/// An unprivileged user that runs the servers in root's stead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    uid: Uid,
    gid: Gid,
    name: String,
}

impl Account {
    /// Who runs the servers: `None` when we are unprivileged ourselves, else
    /// the owner of `existing` data, so that it stays readable, else the first
    /// of `plaza`, `postgres` and `nobody` that exists.
    ///
    /// # Errors
    /// [`LocalError::NoAccount`] when root finds none of them.
    pub fn for_servers(existing: Option<&Path>) -> Result<Option<Self>, LocalError> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let owner = existing
            .and_then(|path| std::fs::metadata(path).ok())
            .map(|meta| Uid::from_raw(meta.uid()))
            .filter(|uid| !uid.is_root());
        if let Some(uid) = owner
            && let Ok(Some(user)) = User::from_uid(uid)
        {
            return Ok(Some(user.into()));
        }
        for name in CANDIDATES {
            if let Ok(Some(user)) = User::from_name(name)
                && !user.uid.is_root()
            {
                return Ok(Some(user.into()));
            }
        }
        Err(LocalError::NoAccount {
            tried: CANDIDATES.join(", "),
        })
    }

    /// The user's name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Hands a file or folder to this user; of a link, the link itself.
    ///
    /// # Errors
    /// [`LocalError::System`].
    pub fn own(&self, path: &Path) -> Result<(), LocalError> {
        let (uid, gid) = (Some(self.uid), Some(self.gid));
        fchownat(AT_FDCWD, path, uid, gid, AtFlags::AT_SYMLINK_NOFOLLOW).map_err(|source| {
            LocalError::System {
                action: "give a file to the servers' user",
                source,
            }
        })
    }

    /// Makes `command` run as this user, without root's groups.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
    }

    /// Whether this user can enter the folder and every one above it; of a
    /// file, whether it can be executed. What does not exist cannot be.
    pub fn can_execute(&self, path: &Path) -> bool {
        path.ancestors()
            .filter(|path| !path.as_os_str().is_empty())
            .all(|path| {
                std::fs::metadata(path).is_ok_and(|meta| {
                    let bit = if meta.uid() == self.uid.as_raw() {
                        0o100
                    } else if meta.gid() == self.gid.as_raw() {
                        0o010
                    } else {
                        0o001
                    };
                    meta.mode() & bit != 0
                })
            })
    }

    /// A program that this user can run: `program` itself, or where root's
    /// home hides it, a copy in `folder`, renewed when the original changed.
    ///
    /// # Errors
    /// [`LocalError::File`] when it cannot be copied.
    pub fn executable(&self, program: &Path, folder: &Path) -> Result<PathBuf, LocalError> {
        if self.can_execute(program) {
            return Ok(program.to_path_buf());
        }
        let _one = COPYING.lock().unwrap_or_else(PoisonError::into_inner);
        let name = program.file_name().unwrap_or(program.as_os_str());
        let copy = folder.join(name);
        let stamp = |path: &Path| {
            let meta = std::fs::metadata(path).ok()?;
            Some((meta.len(), meta.modified().ok()?))
        };
        let current = match (stamp(program), stamp(&copy)) {
            (Some((size, changed)), Some((copied, made))) => size == copied && made >= changed,
            _ => false,
        };
        if !current {
            // By rename: a running program cannot be written to.
            let draft = copy.with_extension(format!("new{}", std::process::id()));
            std::fs::copy(program, &draft)
                .and_then(|_| std::fs::rename(&draft, &copy))
                .map_err(LocalError::file("copy the program to", &copy))?;
        }
        self.own(&copy)?;
        Ok(copy)
    }
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self {
            uid: user.uid,
            gid: user.gid,
            name: user.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn stranger() -> Account {
        Account {
            uid: Uid::from_raw(54_321),
            gid: Gid::from_raw(54_321),
            name: "stranger".into(),
        }
    }

    #[test]
    fn root_never_runs_servers_and_others_run_them_themselves() {
        let account = Account::for_servers(None).unwrap();
        assert_eq!(account.is_some(), geteuid().is_root());
        assert!(account.is_none_or(|account| !account.uid.is_root()));
    }

    #[test]
    fn a_program_in_a_closed_folder_cannot_be_run_by_another_user() {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let program = folder.path().join("server");
        std::fs::write(&program, "#!/bin/sh\n").unwrap();
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(&program, 0o755);
        mode(folder.path(), 0o700);
        assert!(!stranger().can_execute(&program));
        mode(folder.path(), 0o755);
        assert!(stranger().can_execute(&program));
        mode(&program, 0o600);
        assert!(!stranger().can_execute(&program));
    }
}
