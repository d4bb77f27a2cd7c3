//! What one process of a run found: all that it takes to judge it, alone or
//! together with the other processes of the same run.

mod judged;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    accounting::{Accepted, Shown},
    latency::{BoundsError, Latencies},
    load::Load,
    processes::Taken,
    report::{Accounting, Acts, Wire},
    run::Connections,
    series::Series,
};

/// Of the file's form.
const VERSION: u32 = 1;

/// Why parts are of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PartError {
    #[error("cannot write the part {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read the part {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not a part of a run, or of another version")]
    Malformed {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("the parts are not of one run: one is of {one}, another of {other}")]
    OtherRun { one: String, other: String },
    #[error("part {missing} of {of} is missing")]
    Missing { missing: u32, of: u32 },
    #[error("part {part} is there twice")]
    Twice { part: u32 },
    #[error(transparent)]
    Bounds(#[from] BoundsError),
}

/// Which of the processes of a run: from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Share {
    pub(crate) part: u32,
    pub(crate) of: u32,
}

impl Share {
    /// Of a run with one process.
    pub(crate) const WHOLE: Self = Self { part: 1, of: 1 };

    /// Which of so many things are this part's.
    pub(crate) fn range(self, count: usize) -> std::ops::Range<usize> {
        let at = |part: u32| {
            let share = count as u128 * u128::from(part) / u128::from(self.of.max(1));
            usize::try_from(share).unwrap_or(count)
        };
        at(self.part.saturating_sub(1))..at(self.part)
    }
}

impl std::str::FromStr for Share {
    type Err = String;

    /// As `2/5`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = || format!("{text} is not K/N, such as 2/5 for the second of five");
        let (part, of) = text.split_once('/').ok_or_else(wanted)?;
        let part = part.parse().map_err(|_| wanted())?;
        let of = of.parse().map_err(|_| wanted())?;
        if !(1..=of).contains(&part) || of > 10_000 {
            return Err(wanted());
        }
        Ok(Self { part, of })
    }
}

/// Times of one process, mergeable.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Times {
    pub(crate) delivery: Latencies,
    pub(crate) answer_in_calm: Latencies,
    pub(crate) answer_in_trouble: Latencies,
    pub(crate) lag: Latencies,
    pub(crate) connections: Connections,
}

impl Times {
    fn add(&mut self, other: &Self) {
        let (own, others) = (&mut self.connections, &other.connections);
        for (all, one) in [
            (&mut self.delivery, &other.delivery),
            (&mut self.answer_in_calm, &other.answer_in_calm),
            (&mut self.answer_in_trouble, &other.answer_in_trouble),
            (&mut self.lag, &other.lag),
            (&mut own.token, &others.token),
            (&mut own.connect, &others.connect),
            (&mut own.reconnect, &others.reconnect),
            (&mut own.catch_up, &others.catch_up),
            (&mut own.back, &others.back),
            (&mut own.back_whole, &others.back_whole),
        ] {
            all.add(one);
        }
    }
}

/// What a fleet comes to: it runs in one process, which judges it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fleet {
    pub(crate) accounting: Accounting,
    pub(crate) acts: Acts,
}

/// What one process of a run found.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Part {
    pub(crate) version: u32,
    /// Of the load tester.
    pub(crate) plaza: String,
    pub(crate) run: String,
    pub(crate) share: Share,
    pub(crate) started_at: DateTime<Utc>,
    /// Where the Plaza was.
    pub(crate) url: String,
    /// Of the whole run.
    pub(crate) scenario: Load,
    pub(crate) expects_faults: bool,
    /// How long it was measured (s).
    pub(crate) measured_s: f64,
    /// From the first try to connect to a room that everybody follows (s).
    pub(crate) all_follow_after_s: f64,
    pub(crate) accepted: Accepted,
    /// Of them, those that were due while it was measured.
    pub(crate) accepted_measured: u64,
    pub(crate) refused: u64,
    pub(crate) unresolved: u64,
    /// Tries to send in a storm or a blackout that were not answered, or by an
    /// error.
    pub(crate) failed_in_trouble: u64,
    /// Of each subscriber that ever followed the room.
    pub(crate) screens: Vec<Shown>,
    /// In place of what was accepted and of screens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fleet: Option<Fleet>,
    pub(crate) never_followed: u64,
    pub(crate) behind_at_end: u64,
    pub(crate) wire: Wire,
    pub(crate) times: Times,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) processes: Vec<Taken>,
    pub(crate) series: Series,
}

impl Part {
    pub(crate) const VERSION: u32 = VERSION;

    /// Writes it as JSON.
    pub(crate) fn write(&self, path: &Path) -> Result<(), PartError> {
        let write = || std::fs::write(path, serde_json::to_vec(self)?);
        write().map_err(|source| PartError::Write {
            path: path.to_owned(),
            source,
        })
    }

    /// Reads what [`Self::write`] wrote.
    pub(crate) fn read(path: &Path) -> Result<Self, PartError> {
        let text = std::fs::read(path).map_err(|source| PartError::Read {
            path: path.to_owned(),
            source,
        })?;
        serde_json::from_slice(&text).map_err(|source| PartError::Malformed {
            path: path.to_owned(),
            source,
        })
    }
}
