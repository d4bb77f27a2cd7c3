//! Backups in a folder of this machine.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::BackupError;

/// What a whole backup has; it comes last.
pub(crate) const MANIFEST: &str = "manifest.json";
/// What whoever makes or removes backups holds.
const LOCK: &str = ".lock";

/// Whether it is the name of a backup, such as `20260131T030000Z`.
pub(crate) fn is_backup(name: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    name.len() == 16
        && name.is_ascii()
        && digits(&name[..8])
        && &name[8..9] == "T"
        && digits(&name[9..15])
        && name.ends_with('Z')
}

/// Whether it is a plain file's name, which leads out of no folder.
pub(crate) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Holds the folder until it is dropped: nobody makes or removes backups
/// meanwhile. Waits for who does.
pub(crate) async fn hold(folder: &Path) -> Result<File, BackupError> {
    let path = folder.join(LOCK);
    let fails = |source| BackupError::File {
        doing: "lock",
        path: folder.join(LOCK),
        source,
    };
    let file = File::options()
        .append(true)
        .create(true)
        .open(path)
        .map_err(fails)?;
    let held = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
    held.map_err(std::io::Error::other)
        .and_then(|held| held)
        .map_err(fails)
}

/// Names of the whole ones, from the newest on.
pub(crate) fn whole(folder: &Path) -> Result<Vec<String>, BackupError> {
    let mut names = entries(folder)?;
    names.retain(|name| is_backup(name) && folder.join(name).join(MANIFEST).is_file());
    names.reverse();
    Ok(names)
}

/// Files of a backup, the manifest being the last.
pub(crate) fn files(backup: &Path) -> Result<Vec<(String, PathBuf)>, BackupError> {
    let mut names = entries(backup)?;
    names.retain(|name| is_plain(name) && name != MANIFEST);
    names.push(MANIFEST.to_owned());
    Ok(names
        .into_iter()
        .map(|name| (name.clone(), backup.join(name)))
        .collect())
}

fn entries(folder: &Path) -> Result<Vec<String>, BackupError> {
    let fails = |source| BackupError::File {
        doing: "read",
        path: folder.to_owned(),
        source,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(fails)? {
        // A name that is no text is none of ours.
        names.extend(entry.map_err(fails)?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_they_seem() {
        assert!(is_backup("20260131T030000Z"));
        for other in [
            "",
            "latest",
            "20260131T030000",
            "20260131T030000Z.part",
            "2026013 T030000Z",
            "20260131t030000Z",
            "２０２６T030000Z",
        ] {
            assert!(!is_backup(other), "{other}");
        }
        assert!(is_plain("messages.dump") && is_plain("SHA256SUMS"));
        for other in ["", ".", "..", ".lock", "a/b", "a b", "a\\b"] {
            assert!(!is_plain(other), "{other}");
        }
    }
}
