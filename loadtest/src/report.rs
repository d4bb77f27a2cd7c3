//! What a run found: as JSON for programs, as text for people.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    io,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    accounting::{Faults, WireCounts},
    latency::Quantiles,
    processes::Taken,
    scenario::Scenario,
};

/// Of the report's form.
const VERSION: u32 = 1;

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

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Of this form.
    pub(crate) version: u32,
    /// Of the load tester.
    pub(crate) plaza: String,
    pub(crate) run: String,
    pub(crate) started_at: DateTime<Utc>,
    /// Where the Plaza was.
    pub(crate) url: String,
    pub(crate) scenario: Scenario,
    /// How long it was measured (s): less than wanted when it was interrupted.
    pub(crate) measured_s: f64,
    /// Whether every delivery is accounted for.
    pub(crate) held: bool,
    pub(crate) accounting: Accounting,
    pub(crate) wire: Wire,
    pub(crate) sends: Sends,
    pub(crate) deliveries: Deliveries,
    pub(crate) connections: Connections,
    /// How often what failed, whether or not it was made good.
    pub(crate) errors: BTreeMap<String, u64>,
    /// While it was measured.
    pub(crate) processes: Vec<Taken>,
}

/// Behind the client's rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Accounting {
    /// Who had to be shown everything.
    pub(crate) subscribers: u64,
    /// Of them, those that never followed the room.
    pub(crate) never_followed: u64,
    /// Messages that were answered as accepted.
    pub(crate) accepted: u64,
    /// Sends that were answered as not accepted.
    pub(crate) refused: u64,
    /// Sends that were never answered: with them nothing is known for sure.
    pub(crate) unresolved: u64,
    /// Answers that gave a place in the room that another one gave too.
    pub(crate) same_place: u64,
    /// Messages on all screens together, each counted once.
    pub(crate) shown: u64,
    /// All must be 0.
    pub(crate) faults: Faults,
    /// Screens that began anew with the newest page, because too much was
    /// missing: what is before it is not counted as missing.
    pub(crate) resets: u64,
    /// Subscribers that were not up to date when the wait ended.
    pub(crate) behind_at_end: u64,
}

impl Accounting {
    /// Whether every delivery is accounted for.
    pub(crate) fn held(&self) -> bool {
        self.faults.none()
            && self.never_followed == 0
            && self.unresolved == 0
            && self.same_place == 0
    }
}

/// Before the client's rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wire {
    #[serde(flatten)]
    pub(crate) came: WireCounts,
    /// Changes that came before one that was still missing.
    pub(crate) gaps: u64,
    /// How often `changes` was asked.
    pub(crate) asked: u64,
    /// How often nothing had said for too long that a connection is live, so
    /// that it was polled.
    pub(crate) polls: u64,
    /// Connections that ended before the run did.
    pub(crate) lost: u64,
    /// Connections that went on where the one before ended.
    pub(crate) recovered: u64,
}

/// Of what was due while it was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sends {
    pub(crate) accepted_per_s: f64,
    /// From when it was due to the answer.
    pub(crate) answer: Quantiles,
    /// How far the load tester itself was behind.
    pub(crate) lag: Quantiles,
}

/// Of what was due while it was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deliveries {
    pub(crate) per_s: f64,
    /// From when it was due to the screen.
    pub(crate) latency: Quantiles,
}

/// Of the whole run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connections {
    /// A connection token.
    pub(crate) token: Quantiles,
    /// From the first try to a room that is followed.
    pub(crate) connect: Quantiles,
    /// From a loss to a room that is followed again.
    pub(crate) reconnect: Quantiles,
    /// From the notice that something is missing to all of it.
    pub(crate) catch_up: Quantiles,
}

impl Report {
    pub(crate) const VERSION: u32 = VERSION;

    /// Writes it as JSON.
    pub(crate) fn write(&self, path: &Path) -> Result<(), ReportError> {
        let write = || std::fs::write(path, serde_json::to_vec_pretty(self)?);
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

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Accounting {
            subscribers,
            never_followed,
            accepted,
            refused,
            unresolved,
            same_place,
            shown,
            faults,
            resets,
            behind_at_end,
        } = self.accounting;
        writeln!(
            f,
            "{}",
            if self.held {
                "Every delivery is accounted for."
            } else {
                "NOT every delivery is accounted for."
            }
        )?;
        writeln!(
            f,
            "  {accepted} messages accepted, {subscribers} subscribers, {shown} shown"
        )?;
        writeln!(
            f,
            "  missing {}, doubled {}, disordered {}, unexpected {}",
            faults.missing, faults.doubled, faults.disordered, faults.unexpected
        )?;
        for (what, count) in [
            ("subscribers never followed the room", never_followed),
            ("subscribers were behind at the end", behind_at_end),
            ("sends were refused", refused),
            ("sends were never answered", unresolved),
            ("answers gave a place that another gave", same_place),
            ("screens began anew with the newest page", resets),
        ] {
            if count > 0 {
                writeln!(f, "  {count} {what}")?;
            }
        }
        let Wire {
            came,
            gaps,
            asked,
            polls,
            lost,
            recovered,
        } = self.wire;
        writeln!(
            f,
            "On the wire: {} changes, {} repeated, {} late; {gaps} gaps, {asked} catch-ups, {polls} polls; {lost} connections lost, {recovered} recovered",
            came.changes, came.repeated, came.late
        )?;
        writeln!(
            f,
            "Accepted {:.1} messages/s, delivered {:.0}/s",
            self.sends.accepted_per_s, self.deliveries.per_s
        )?;
        writeln!(f)?;
        write!(f, "{}", table(&self.times()))?;
        if !self.errors.is_empty() {
            writeln!(f, "\nErrors, made good or not:")?;
            for (label, count) in &self.errors {
                writeln!(f, "  {count:>8}  {label}")?;
            }
        }
        if !self.processes.is_empty() {
            writeln!(f, "\n{:24} {:>8} {:>12}", "process", "CPUs", "peak MiB")?;
            for Taken {
                name,
                cpus,
                peak_mib,
            } in &self.processes
            {
                writeln!(f, "{name:24} {cpus:>8.2} {peak_mib:>12.0}")?;
            }
        }
        Ok(())
    }
}

impl Report {
    /// All times, each with its name.
    pub(crate) fn times(&self) -> [(&'static str, Quantiles); 7] {
        [
            ("delivery", self.deliveries.latency),
            ("answer to a send", self.sends.answer),
            ("load tester's lag", self.sends.lag),
            ("connection token", self.connections.token),
            ("connect", self.connections.connect),
            ("reconnect", self.connections.reconnect),
            ("catch-up", self.connections.catch_up),
        ]
    }
}

fn table(times: &[(&str, Quantiles)]) -> String {
    let mut text = format!(
        "{:24} {:>10} {:>10} {:>10} {:>10} {:>10} {:>12}\n",
        "ms", "p50", "p90", "p99", "p99.9", "max", "count"
    );
    for (name, times) in times.iter().filter(|(_, times)| times.count > 0) {
        let Quantiles {
            count,
            p50_ms,
            p90_ms,
            p99_ms,
            p999_ms,
            max_ms,
        } = times;
        let _ = writeln!(
            text,
            "{name:24} {p50_ms:>10.1} {p90_ms:>10.1} {p99_ms:>10.1} {p999_ms:>10.1} {max_ms:>10.1} {count:>12}"
        );
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::scenario::Overrides;

    /// Of a run in which nothing failed.
    pub(crate) fn report() -> Report {
        let scenario = Scenario::find("room").unwrap();
        let accounting = Accounting {
            subscribers: 1_000,
            accepted: 300,
            shown: 300_000,
            ..Accounting::default()
        };
        let latency = Quantiles {
            count: 300_000,
            p50_ms: 12.0,
            p90_ms: 20.0,
            p99_ms: 40.0,
            p999_ms: 80.0,
            max_ms: 120.0,
        };
        Report {
            version: VERSION,
            plaza: "0.1.0".into(),
            run: "0badcafe".into(),
            started_at: DateTime::UNIX_EPOCH,
            url: "http://127.0.0.1:8080".into(),
            scenario: scenario.with(Overrides::default()).unwrap(),
            measured_s: 30.0,
            held: accounting.held(),
            accounting,
            wire: Wire::default(),
            sends: Sends::default(),
            deliveries: Deliveries {
                per_s: 10_000.0,
                latency,
            },
            connections: Connections::default(),
            errors: BTreeMap::from([("graphql UNAVAILABLE".into(), 2)]),
            processes: vec![Taken {
                name: "loadtest".into(),
                cpus: 0.5,
                peak_mib: 100.0,
            }],
        }
    }

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

    #[test]
    fn a_fault_is_what_the_text_says_first() {
        let mut report = report();
        assert!(report.to_string().starts_with("Every delivery"));
        assert!(report.to_string().contains("graphql UNAVAILABLE"));
        report.accounting.faults.missing = 1;
        report.held = report.accounting.held();
        assert!(report.to_string().starts_with("NOT every"), "{report}");
    }

    #[test]
    fn each_thing_that_is_not_accounted_for_counts() {
        for change in [
            (|a: &mut Accounting| a.faults.missing = 1) as fn(&mut Accounting),
            |a| a.faults.doubled = 1,
            |a| a.faults.disordered = 1,
            |a| a.faults.unexpected = 1,
            |a| a.never_followed = 1,
            |a| a.unresolved = 1,
            |a| a.same_place = 1,
        ] {
            let mut accounting = report().accounting;
            assert!(accounting.held());
            change(&mut accounting);
            assert!(!accounting.held(), "{accounting:?}");
        }
    }
}
