//! Folders and private files under the data folder.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::{Account, LocalError};

/// Where local data lives by default: `/var/lib/plaza` for root, whose home the
/// servers' user cannot reach; else `$XDG_DATA_HOME/plaza` or
/// `~/.local/share/plaza`. `None` without a home.
pub fn default_data_folder() -> Option<PathBuf> {
    if nix::unistd::geteuid().is_root() {
        return Some(PathBuf::from("/var/lib/plaza"));
    }
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|base| base.join("plaza"))
}

/// Creates a folder (mode 0700, parents 0755) and hands it to `owner`.
///
/// # Errors
/// [`LocalError::File`].
pub fn create_folder(path: &Path, owner: Option<&Account>) -> Result<(), LocalError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(LocalError::file("create", parent))?;
    }
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(LocalError::file("create", path)(error)),
    }
    if let Some(owner) = owner {
        owner.own(path)?;
    }
    Ok(())
}

/// Writes a file that only its owner may read (mode 0600), by rename, so that
/// a reader sees the old or the new content and never a part.
///
/// # Errors
/// [`LocalError::File`].
pub fn write_private(
    path: &Path,
    content: &[u8],
    owner: Option<&Account>,
) -> Result<(), LocalError> {
    let draft = path.with_extension(format!("new{}", std::process::id()));
    // Made anew, so that it has this mode and is no link that somebody laid there.
    let _ = fs::remove_file(&draft);
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| file.write_all(content));
    written.map_err(LocalError::file("write", &draft))?;
    if let Some(owner) = owner {
        owner.own(&draft)?;
    }
    fs::rename(&draft, path).map_err(LocalError::file("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_private_file_is_readable_by_its_owner_alone_and_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write_private(&path, b"first, and longer", None).unwrap();
        write_private(&path, b"second", None).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
