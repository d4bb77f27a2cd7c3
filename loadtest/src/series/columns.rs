//! A series in JSON: a list for each figure, not an object for each second.

use serde::{Deserialize, Serialize};

use super::{MOST_PLACES, ProcessSeries, Second, Series};
use crate::{latency::Spread, processes::Using};

/// As [`Series`], with a list for each of its figures, all of the same length.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Columns {
    begins_at: i64,
    step_s: u64,
    measured: Option<(f64, f64)>,
    accepted: Vec<u64>,
    shown: Vec<u64>,
    live: Vec<u64>,
    errors: Vec<u64>,
    asked: Vec<u64>,
    polls: Vec<u64>,
    /// Without a value where nothing was shown, as the next two.
    p50_ms: Vec<Option<f64>>,
    p99_ms: Vec<Option<f64>>,
    max_ms: Vec<Option<f64>>,
    processes: Vec<ProcessColumns>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProcessColumns {
    name: String,
    /// Without a value where it did not run, as the next.
    cpus: Vec<Option<f64>>,
    mib: Vec<Option<f64>>,
}

/// Why columns are no series.
#[derive(Debug, thiserror::Error)]
pub(super) enum ColumnsError {
    #[error("the columns of a series differ in length")]
    Lengths,
    #[error("a series has at most {MOST_PLACES} places of at least a second each")]
    Places,
}

impl From<Series> for Columns {
    fn from(series: Series) -> Self {
        let places = &series.places;
        let counts = |of: fn(&Second) -> u64| places.iter().map(of).collect();
        let times = |of: fn(Spread) -> f64| {
            let time = |place: &Second| place.latency.map(|spread| rounded(of(spread)));
            places.iter().map(time).collect()
        };
        let process = |process: &ProcessSeries| {
            let figures = |of: fn(Using) -> f64| {
                let figure = |using: &Option<Using>| using.map(|using| rounded(of(using)));
                process.using.iter().map(figure).collect()
            };
            ProcessColumns {
                name: process.name.clone(),
                cpus: figures(|using| using.cpus),
                mib: figures(|using| using.mib),
            }
        };
        Self {
            begins_at: series.begins_at,
            step_s: series.step_s,
            measured: series.measured,
            accepted: counts(|place| place.accepted),
            shown: counts(|place| place.shown),
            live: counts(|place| place.live),
            errors: counts(|place| place.errors),
            asked: counts(|place| place.asked),
            polls: counts(|place| place.polls),
            p50_ms: times(|spread| spread.p50_ms),
            p99_ms: times(|spread| spread.p99_ms),
            max_ms: times(|spread| spread.max_ms),
            processes: series.processes.iter().map(process).collect(),
        }
    }
}

impl TryFrom<Columns> for Series {
    type Error = ColumnsError;

    fn try_from(columns: Columns) -> Result<Self, ColumnsError> {
        let length = columns.accepted.len();
        let has_length = |column: usize| column == length;
        let counts = [
            &columns.shown,
            &columns.live,
            &columns.errors,
            &columns.asked,
            &columns.polls,
        ];
        let times = [&columns.p50_ms, &columns.p99_ms, &columns.max_ms];
        let same = counts.iter().all(|column| has_length(column.len()))
            && times.iter().all(|column| has_length(column.len()))
            && columns
                .processes
                .iter()
                .all(|process| has_length(process.cpus.len()) && has_length(process.mib.len()));
        if !same {
            return Err(ColumnsError::Lengths);
        }
        if length > MOST_PLACES || columns.step_s == 0 {
            return Err(ColumnsError::Places);
        }
        let place = |at: usize| {
            let spread = |((p50_ms, p99_ms), max_ms)| Spread {
                p50_ms,
                p99_ms,
                max_ms,
            };
            let quantiles = columns.p50_ms[at].zip(columns.p99_ms[at]);
            Second {
                accepted: columns.accepted[at],
                shown: columns.shown[at],
                live: columns.live[at],
                errors: columns.errors[at],
                asked: columns.asked[at],
                polls: columns.polls[at],
                latency: quantiles.zip(columns.max_ms[at]).map(spread),
            }
        };
        let process = |process: ProcessColumns| {
            let both = process.cpus.into_iter().zip(process.mib);
            let using = both.map(|(cpus, mib)| {
                let (cpus, mib) = cpus.zip(mib)?;
                Some(Using { cpus, mib })
            });
            ProcessSeries {
                name: process.name,
                using: using.collect(),
            }
        };
        Ok(Self {
            begins_at: columns.begins_at,
            step_s: columns.step_s,
            measured: columns.measured,
            places: (0..length).map(place).collect(),
            processes: columns.processes.into_iter().map(process).collect(),
        })
    }
}

/// To three digits behind the point: more is noise, and makes reports long.
fn rounded(figure: f64) -> f64 {
    (figure * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::series::tests::series;

    #[test]
    fn a_series_in_json_is_by_column_and_is_read_again() {
        let value = serde_json::to_value(series()).unwrap();
        assert_eq!(value["beginsAt"], 1_000);
        assert_eq!(value["shown"].as_array().unwrap().len(), 121);
        assert_eq!(value["processes"][1]["mib"][9], Value::Null);
        let read: Series = serde_json::from_value(value).unwrap();
        assert_eq!(read, series());
    }

    #[test]
    fn columns_that_do_not_fit_together_are_no_series() {
        for (change, why) in [
            (json!({ "shown": [1] }), "differ"),
            (
                json!({ "processes": [{ "name": "a", "cpus": [1], "mib": [] }] }),
                "differ",
            ),
            (json!({ "stepS": 0 }), "at most"),
        ] {
            let mut value = serde_json::to_value(Series::default()).unwrap();
            value
                .as_object_mut()
                .unwrap()
                .extend(change.as_object().unwrap().clone());
            let error = serde_json::from_value::<Series>(value).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
