//! What a run found: as JSON for programs, as text for people.

mod file;
mod notes;
mod text;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub(crate) use self::{file::ReportError, notes::Note};
use crate::{
    accounting::{Faults, WireCounts},
    latency::{Curve, Quantiles},
    load::Load,
    processes::Taken,
    series::Series,
};

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
    pub(crate) scenario: Load,
    /// How many processes the run had.
    #[serde(default = "one")]
    pub(crate) parts: u32,
    /// How long it was measured (s): less than wanted when it was interrupted.
    pub(crate) measured_s: f64,
    /// Whether every delivery is accounted for.
    pub(crate) held: bool,
    /// Whether something else than the run made faults: then what came again
    /// or late on the wire says nothing.
    #[serde(default)]
    pub(crate) expects_faults: bool,
    pub(crate) accounting: Accounting,
    pub(crate) wire: Wire,
    pub(crate) sends: Sends,
    pub(crate) deliveries: Deliveries,
    pub(crate) connections: Connections,
    /// Of storms or a blackout; none: the scenario has neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) troubles: Option<Troubles>,
    /// Of a fleet; none: nothing was done beside writing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) acts: Option<Acts>,
    /// How the highest load was found that holds an objective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<Limit>,
    /// How often what failed, whether or not it was made good.
    pub(crate) errors: BTreeMap<String, u64>,
    /// While it was measured.
    pub(crate) processes: Vec<Taken>,
    #[serde(default)]
    pub(crate) distribution: Distribution,
    /// Of the whole run.
    #[serde(default)]
    pub(crate) series: Series,
}

const fn one() -> u32 {
    1
}

impl Report {
    /// Of its form.
    pub(crate) const VERSION: u32 = 1;
}

/// How times are spread, of what was due while it was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Distribution {
    /// As [`Deliveries::latency`].
    pub(crate) delivery: Curve,
    /// As [`Sends::answer`].
    pub(crate) answer: Curve,
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
    /// From the first try of the first to a room that everybody follows (s).
    #[serde(default)]
    pub(crate) all_follow_after_s: f64,
    /// A connection token.
    pub(crate) token: Quantiles,
    /// From the first try to a room that is followed.
    pub(crate) connect: Quantiles,
    /// From a loss to a room that is followed again.
    pub(crate) reconnect: Quantiles,
    /// From the notice that something is missing to all of it.
    pub(crate) catch_up: Quantiles,
}

/// What storms or a blackout did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Troubles {
    /// How often a subscriber had to come back, all together.
    pub(crate) expected_back: u64,
    /// From the storm, or the end of the blackout, to a room that is followed.
    pub(crate) back: Quantiles,
    /// From the same to a screen that lacks nothing.
    pub(crate) back_whole: Quantiles,
    /// Answers to sends that were due while connections were left alone.
    pub(crate) answer_in_calm: Quantiles,
    /// Answers to sends that were due from the storm until everybody was back,
    /// or in the blackout.
    pub(crate) answer_in_trouble: Quantiles,
    /// Tries to send in that time that were not answered, or by an error.
    pub(crate) failed_sends: u64,
}

impl Troubles {
    /// Whether everybody came back with nothing missing.
    pub(crate) const fn all_came_back(&self) -> bool {
        self.back_whole.count >= self.expected_back
    }
}

/// How the highest load was found that holds an objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Limit {
    /// Most that the p99 of deliveries may be (ms).
    pub(crate) objective_p99_ms: f64,
    /// The highest rate that held (messages/s); none: not even the lowest did.
    pub(crate) rate: Option<f64>,
    /// What was tried, in that order.
    pub(crate) steps: Vec<LimitStep>,
}

/// One try of a load.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LimitStep {
    /// Messages a second that were due.
    pub(crate) rate: f64,
    pub(crate) accepted_per_s: f64,
    pub(crate) delivery_p99_ms: f64,
    /// Whether every delivery was accounted for.
    pub(crate) held: bool,
    /// Whether the objective was met too.
    pub(crate) meets_objective: bool,
}

/// What people did beside writing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Acts {
    /// What it was drawn from.
    pub(crate) seed: u32,
    /// Rooms of the fleet.
    pub(crate) rooms: u64,
    /// Timelines that were held, of all people together.
    pub(crate) timelines: u64,
    /// Messages that came of rooms whose timeline was not held.
    pub(crate) unheld: u64,
    /// People who were late with what was due when all ended.
    pub(crate) late: u64,
    /// By the name of the act.
    pub(crate) by_act: BTreeMap<String, ActFigures>,
}

/// One kind of act.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ActFigures {
    /// How often it was done, in the whole run.
    pub(crate) done: u64,
    /// How often it came to nothing, in the whole run.
    pub(crate) failed: u64,
    /// From when it was due to its answer, of what was due while it was measured.
    pub(crate) time: Quantiles,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::scenario::Overrides;

    /// Of a run in which nothing failed.
    pub(crate) fn report() -> Report {
        let scenario = Load::find("room").unwrap();
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
            version: Report::VERSION,
            plaza: "0.1.0".into(),
            run: "0badcafe".into(),
            started_at: DateTime::UNIX_EPOCH,
            url: "http://127.0.0.1:8080".into(),
            scenario: scenario.with(Overrides::default()).unwrap(),
            parts: 1,
            measured_s: 30.0,
            held: accounting.held(),
            expects_faults: false,
            accounting,
            wire: Wire::default(),
            sends: Sends::default(),
            deliveries: Deliveries {
                per_s: 10_000.0,
                latency,
            },
            connections: Connections::default(),
            troubles: None,
            acts: None,
            limit: None,
            errors: BTreeMap::from([("graphql UNAVAILABLE".into(), 2)]),
            processes: vec![Taken {
                name: "loadtest".into(),
                cpus: 0.5,
                peak_mib: 100.0,
            }],
            distribution: Distribution {
                delivery: vec![(0.0, 4.0), (50.0, 12.0), (99.0, 40.0), (100.0, 120.0)],
                answer: Vec::new(),
            },
            series: crate::series::tests::series(),
        }
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
