//! What was found: as JSON for programs, as Markdown and text for people.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    figure::{Bound, Figure, Measured},
    machine::Machine,
    rows::Row,
};

/// Of the report's form.
const VERSION: u32 = 1;

/// Everything.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    version: u32,
    pub(crate) machine: Machine,
    pub(crate) started_at: DateTime<Utc>,
    /// Made in seconds to show that everything works: no figure counts.
    pub(crate) quick: bool,
    pub(crate) rows: Vec<Outcome>,
}

/// Of one row.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    #[serde(skip)]
    pub(crate) row: Option<&'static Row>,
    /// Whether every delivery is accounted for; none where none was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) held: Option<bool>,
    /// By how many processes, where that is not one of each part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    /// Why it could not be measured, or not all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    pub(crate) wanted: Vec<Verdict>,
    pub(crate) measured: Vec<Measured>,
    /// How long it took to measure it (s).
    pub(crate) took_s: f64,
}

/// Whether something was reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verdict {
    pub(crate) figure: Figure,
    pub(crate) bound: Bound,
    /// None: it was not measured, and not reached.
    pub(crate) value: Option<f64>,
    pub(crate) reached: bool,
}

impl Outcome {
    /// Judges what was measured.
    pub(crate) fn new(
        row: &'static Row,
        measured: Vec<Measured>,
        held: Option<bool>,
        error: Option<String>,
        took_s: f64,
    ) -> Self {
        let wanted = row.wanted.iter().map(|(figure, bound)| {
            let whole = |measured: &&Measured| measured.figure == *figure && measured.at.is_none();
            let value = measured.iter().find(whole).map(|measured| measured.median);
            Verdict {
                figure: *figure,
                bound: *bound,
                value,
                reached: value.is_some_and(|value| bound.is_reached_by(value)),
            }
        });
        Self {
            name: row.name,
            title: row.title,
            row: Some(row),
            held,
            by: None,
            error,
            wanted: wanted.collect(),
            measured,
            took_s,
        }
    }

    /// The same, measured by more than one process of each part.
    pub(crate) fn by(mut self, by: Option<String>) -> Self {
        self.by = by;
        self
    }

    /// In a word or two.
    fn verdict(&self) -> &'static str {
        if self.held == Some(false) {
            "NOT ACCOUNTED FOR"
        } else if self.error.is_some() {
            "not measured"
        } else if self.wanted.iter().all(|verdict| verdict.reached) {
            "reached"
        } else {
            "not reached"
        }
    }

    /// What is shown of it beside its curve: what is wanted, and what says
    /// something without a target.
    fn shown(&self) -> impl Iterator<Item = &Measured> {
        self.measured.iter().filter(|measured| {
            let is_wanted = self
                .wanted
                .iter()
                .any(|verdict| verdict.figure == measured.figure);
            measured.at.is_none() && (is_wanted || !measured.figure.is_detail())
        })
    }
}

impl Report {
    pub(crate) fn new(machine: Machine, quick: bool) -> Self {
        Self {
            version: VERSION,
            machine,
            started_at: Utc::now(),
            quick,
            rows: Vec::new(),
        }
    }

    /// Whether every delivery is accounted for, of what was measured.
    pub(crate) fn held(&self) -> bool {
        self.rows.iter().all(|row| row.held != Some(false))
    }

    /// Whether everything could be measured.
    pub(crate) fn is_whole(&self) -> bool {
        self.rows.iter().all(|row| row.error.is_none())
    }

    /// Of what and when, in a line.
    fn caption(&self) -> String {
        let quick = if self.quick {
            "; QUICK: these are no figures"
        } else {
            ""
        };
        format!(
            "{}, {}{quick}",
            self.started_at.format("%Y-%m-%d %H:%M UTC"),
            self.machine.text()
        )
    }

    /// The table, and below it the curves.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!(
            "{}\n\n| what | Django tutorial | Tinode 0.25 | Centrifugo alone | to reach | Plaza | |\n|---|---|---|---|---|---|---|\n",
            self.caption()
        );
        for outcome in &self.rows {
            let others = outcome.row.map(|row| row.others);
            let others = others
                .map(|others| [others.django, others.tinode, others.centrifugo])
                .unwrap_or_default();
            let wanted = outcome.wanted.iter().map(|verdict| {
                let bound = verdict.bound.text(verdict.figure);
                format!("{} {bound}", verdict.figure.name())
            });
            let wanted: Vec<_> = wanted.collect();
            let own: Vec<_> = match &outcome.error {
                Some(error) => vec![error.lines().next().unwrap_or_default().replace('|', "/")],
                None => outcome
                    .shown()
                    .map(|measured| format!("{} {}", measured.name(), measured.text()))
                    .chain(outcome.by.clone())
                    .collect(),
            };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                outcome.title,
                others.join(" | "),
                wanted.join("; "),
                own.join("; "),
                outcome.verdict()
            );
        }
        for outcome in &self.rows {
            text.push_str(&curve(outcome));
        }
        text
    }

    /// The same for a terminal, a line a figure.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\n", self.caption());
        for outcome in &self.rows {
            text.push('\n');
            text.push_str(&outcome.text());
        }
        text
    }
}

impl Outcome {
    /// For a terminal, a line a figure.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}: {}  [{}]\n", self.name, self.title, self.verdict());
        if let Some(by) = &self.by {
            let _ = writeln!(text, "  {by}");
        }
        if let Some(error) = &self.error {
            let _ = writeln!(text, "  {}", error.replace('\n', "\n  "));
        }
        let points = self
            .measured
            .iter()
            .filter(|measured| measured.at.is_some());
        for measured in self.shown().chain(points) {
            let verdict = self
                .wanted
                .iter()
                .find(|verdict| verdict.figure == measured.figure && measured.at.is_none());
            let verdict = verdict.map_or_else(String::new, |verdict| {
                let word = if verdict.reached {
                    "reached"
                } else {
                    "not reached"
                };
                format!("{:<12} {word}", verdict.bound.text(verdict.figure))
            });
            let line = format!(
                "  {:<36} {:>14}   {verdict}",
                measured.name(),
                measured.text()
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }
}

/// The points of a curve as a table; empty for a row without one.
fn curve(outcome: &Outcome) -> String {
    let mut places: Vec<&str> = Vec::new();
    let mut figures: Vec<Figure> = Vec::new();
    for measured in &outcome.measured {
        if let Some(at) = measured.at.as_deref() {
            if !places.contains(&at) {
                places.push(at);
            }
            if !figures.contains(&measured.figure) {
                figures.push(measured.figure);
            }
        }
    }
    if places.is_empty() {
        return String::new();
    }
    let names: Vec<_> = figures.iter().map(|figure| figure.name()).collect();
    let mut text = format!(
        "\n| {} | {} |\n|---|{}\n",
        outcome.title,
        names.join(" | "),
        "---|".repeat(figures.len())
    );
    for place in places {
        let cells = figures.iter().map(|figure| {
            let mut measured = outcome.measured.iter();
            measured
                .find(|measured| {
                    measured.figure == *figure && measured.at.as_deref() == Some(place)
                })
                .map_or_else(String::new, Measured::text)
        });
        let cells: Vec<_> = cells.collect();
        let _ = writeln!(text, "| {place} | {} |", cells.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::find;

    fn measured(figure: Figure, at: Option<&str>, values: &[f64]) -> Measured {
        Measured::new(figure, at.map(str::to_owned), values.to_vec()).unwrap()
    }

    fn report() -> Report {
        let machine = Machine {
            commit: "0badcafe".into(),
            cpu: "Some CPU".into(),
            cores: 2,
            memory_gib: 8.0,
            system: "Linux".into(),
        };
        let mut report = Report::new(machine, false);
        report.started_at = DateTime::UNIX_EPOCH;
        report.rows = vec![
            Outcome::new(
                find("room-100").unwrap(),
                vec![
                    measured(Figure::Sends, None, &[200.0]),
                    measured(Figure::DeliveryP50, None, &[5.0, 4.5, 5.5]),
                    measured(Figure::DeliveryP99, None, &[30.0]),
                    measured(Figure::LagP99, None, &[0.5]),
                ],
                Some(true),
                None,
                60.0,
            )
            .by(Some("two of each".into())),
            Outcome::new(
                find("send-curve").unwrap(),
                vec![
                    measured(Figure::SendP50, Some("50 members"), &[1.0]),
                    measured(Figure::SendP99, Some("50 members"), &[2.0]),
                    measured(Figure::SendP50, Some("100,000 members"), &[1.25]),
                    measured(Figure::SendP99, Some("100,000 members"), &[2.5]),
                    measured(Figure::Growth, None, &[1.25]),
                ],
                None,
                None,
                60.0,
            ),
            Outcome::new(
                find("memory").unwrap(),
                Vec::new(),
                None,
                Some("plaza did not start\nlast words".into()),
                1.0,
            ),
        ];
        report
    }

    #[test]
    fn the_table_shows_targets_and_figures_side_by_side() {
        insta::assert_snapshot!(report().markdown());
    }

    #[test]
    fn the_text_has_a_line_a_figure() {
        insta::assert_snapshot!(report().text());
    }

    #[test]
    fn what_was_not_measured_is_not_reached() {
        let report = report();
        let [room, curve, memory] = &report.rows[..] else {
            panic!("three rows");
        };
        assert_eq!(room.verdict(), "not reached");
        assert!(room.wanted[0].reached && !room.wanted[1].reached);
        assert_eq!(curve.verdict(), "reached");
        assert_eq!(memory.verdict(), "not measured");
        assert!(!memory.wanted[0].reached && memory.wanted[0].value.is_none());
        assert!(report.held() && !report.is_whole());
    }

    #[test]
    fn a_loss_is_what_counts_first() {
        let mut report = report();
        report.rows[1].held = Some(false);
        assert_eq!(report.rows[1].verdict(), "NOT ACCOUNTED FOR");
        assert!(!report.held());
    }
}
