//! A report as a JSON file.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::Report;
use crate::json;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    #[error("cannot write the report {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read the report {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not a report of this version")]
    Malformed {
        path: PathBuf,
        source: serde_json::Error,
    },
}

impl Report {
    /// Writes it as JSON.
    pub(crate) fn write(&self, path: &Path) -> Result<(), ReportError> {
        let write = || std::fs::write(path, json::to_vec(self)?);
        write().map_err(|source| ReportError::Write {
            path: path.to_owned(),
            source,
        })
    }

    /// Reads what [`Self::write`] wrote.
    pub(crate) fn read(path: &Path) -> Result<Self, ReportError> {
        let text = std::fs::read(path).map_err(|source| ReportError::Read {
            path: path.to_owned(),
            source,
        })?;
        serde_json::from_slice(&text).map_err(|source| ReportError::Malformed {
            path: path.to_owned(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn a_report_that_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        report().write(&path).unwrap();
        assert_eq!(Report::read(&path).unwrap(), report());
        std::fs::write(&path, "{}").unwrap();
        assert!(matches!(
            Report::read(&path),
            Err(ReportError::Malformed { .. })
        ));
    }
}
