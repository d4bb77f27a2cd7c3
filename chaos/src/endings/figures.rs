//! How long access lasted, by act.

use std::{collections::BTreeMap, fmt::Write as _, path::Path, time::Duration};

use anyhow::Context as _;
use serde::Serialize;

use super::{act::Act, hostile::Outcome};

/// All runs.
#[derive(Debug, Default)]
pub(super) struct Figures(BTreeMap<Act, Vec<Outcome>>);

/// Those of one act.
#[derive(Debug, Serialize)]
struct Figure {
    act: &'static str,
    runs: usize,
    median_ms: u128,
    longest_ms: u128,
    /// What the longest was seen by.
    by: &'static str,
    bound_ms: u128,
    /// Runs after which it was still in.
    stayed: usize,
}

impl Figures {
    pub(super) fn add(&mut self, act: Act, outcome: Outcome) {
        self.0.entry(act).or_default().push(outcome);
    }

    /// Whether nobody kept access for longer than they may.
    pub(super) fn hold(&self) -> bool {
        self.0.iter().all(|(act, outcomes)| {
            let mut outcomes = outcomes.iter();
            outcomes.all(|outcome| !outcome.stays && outcome.after <= act.bound())
        })
    }

    fn of(&self) -> Vec<Figure> {
        let figures = self.0.iter().map(|(act, outcomes)| {
            let mut times: Vec<Duration> = outcomes.iter().map(|outcome| outcome.after).collect();
            times.sort_unstable();
            let longest = outcomes.iter().max_by_key(|outcome| outcome.after);
            Figure {
                act: act.name(),
                runs: times.len(),
                median_ms: times[times.len() / 2].as_millis(),
                longest_ms: longest.map_or(0, |outcome| outcome.after.as_millis()),
                by: longest.map_or("", |outcome| outcome.how),
                bound_ms: act.bound().as_millis(),
                stayed: outcomes.iter().filter(|outcome| outcome.stays).count(),
            }
        });
        figures.collect()
    }

    /// For a terminal.
    pub(super) fn text(&self) -> String {
        let mut text = String::from(
            "\nFrom the answer to the act to the last that the client saw, or could have seen:\n",
        );
        for figure in self.of() {
            let _ = writeln!(
                text,
                "  {:<20} {:>4} runs   median {:>6} ms   longest {:>6} ms ({})   of {:>5} ms{}",
                figure.act,
                figure.runs,
                figure.median_ms,
                figure.longest_ms,
                figure.by,
                figure.bound_ms,
                match figure.stayed {
                    0 => String::new(),
                    stayed => format!("   {stayed} STAYED"),
                }
            );
        }
        text
    }

    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.of())?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}
