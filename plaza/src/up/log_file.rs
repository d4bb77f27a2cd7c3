//! A log file of bounded size.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

/// Beyond this size a file is put aside, over the one put aside before it.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// A log file and at most one older one (`.1`) beside it.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    file: Option<File>,
    size: u64,
    max_bytes: u64,
}

impl LogFile {
    pub(crate) fn open(path: PathBuf) -> Self {
        Self::with_bound(path, MAX_BYTES)
    }

    fn with_bound(path: PathBuf, max_bytes: u64) -> Self {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .ok();
        let size = file
            .as_ref()
            .and_then(|file| file.metadata().ok())
            .map_or(0, |meta| meta.len());
        Self {
            path,
            file,
            size,
            max_bytes,
        }
    }

    /// Appends a line. A full disk loses lines, not the process.
    pub(crate) fn append(&mut self, line: &[u8]) {
        if self.size >= self.max_bytes {
            let _ = std::fs::rename(&self.path, self.path.with_extension("log.1"));
            *self = Self::with_bound(self.path.clone(), self.max_bytes);
        }
        if let Some(file) = &mut self.file {
            let mut whole = Vec::with_capacity(line.len() + 1);
            whole.extend_from_slice(line);
            whole.push(b'\n');
            if file.write_all(&whole).is_ok() {
                self.size += whole.len() as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_hold_the_newest_lines_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.log");
        let mut log = LogFile::with_bound(path.clone(), 100);
        for number in 0..100 {
            log.append(format!("line number {number:4}").as_bytes());
        }
        let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
        let (older, newer) = (read(&path.with_extension("log.1")), read(&path));
        assert!(older.len() <= 120 && newer.len() <= 120);
        assert!((older + &newer).ends_with("line number   98\nline number   99\n"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_log_goes_on_where_the_last_run_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.log");
        for line in ["first", "second"] {
            LogFile::open(path.clone()).append(line.as_bytes());
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first\nsecond\n");
    }
}
