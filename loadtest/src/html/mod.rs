//! A report as one HTML file: plots and style are in it, and nothing of it is
//! loaded from elsewhere or runs.

mod axis;
mod chart;
mod figures;

use std::{
    io,
    path::{Path, PathBuf},
};

use askama::Template;

use self::{
    chart::ChartError,
    figures::{Figure, figures},
};
use crate::{
    latency::Quantiles,
    numbers::{count, figure, time},
    report::{Limit, LimitStep, Note, Report, ReportError},
};

/// Which report, and where to.
#[derive(Debug, clap::Args)]
pub struct HtmlArgs {
    /// The report, as `plaza loadtest run --report` writes it
    report: PathBuf,
    /// Where the HTML goes [default: beside the report]
    #[arg(long)]
    output: Option<PathBuf>,
}

/// Why there is no HTML.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HtmlError {
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    Chart(#[from] ChartError),
    #[error("cannot make the page")]
    Page(#[from] askama::Error),
    #[error("cannot write the scenario down")]
    Scenario(#[from] toml::ser::Error),
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: io::Error },
}

/// Makes HTML of a report that was written.
pub(crate) fn run(args: &HtmlArgs) -> Result<(), HtmlError> {
    let report = Report::read(&args.report)?;
    let beside = || args.report.with_extension("html");
    write(&report, &args.output.clone().unwrap_or_else(beside))
}

/// Writes a report as HTML.
pub(crate) fn write(report: &Report, path: &Path) -> Result<(), HtmlError> {
    let page = Page::of(report)?.render()?;
    std::fs::write(path, page).map_err(|source| HtmlError::Write {
        path: path.to_owned(),
        source,
    })
}

/// A figure or a count with its name.
#[derive(Debug)]
struct Fact {
    name: String,
    value: String,
    /// It should be otherwise.
    is_bad: bool,
}

/// Times with their name.
#[derive(Debug)]
struct Times {
    name: String,
    quantiles: [String; 5],
    count: String,
}

/// A process with what it took.
#[derive(Debug)]
struct Process {
    name: String,
    cpus: String,
    peak_mib: String,
}

/// How the highest load was looked for.
#[derive(Debug)]
struct Search {
    summary: String,
    steps: Vec<Tried>,
}

/// One load that was tried.
#[derive(Debug)]
struct Tried {
    rate: String,
    accepted_per_s: String,
    p99: String,
    verdict: &'static str,
    is_bad: bool,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    headline: &'static str,
    summary: String,
    started_at: String,
    key_figures: Vec<Fact>,
    accounting: Vec<Fact>,
    /// As TOML, to be run again.
    scenario: String,
    limit: Option<Search>,
    figures: Vec<Figure>,
    times: Vec<Times>,
    wire: Vec<Fact>,
    errors: Vec<Fact>,
    processes: Vec<Process>,
}

impl<'a> Page<'a> {
    fn of(report: &'a Report) -> Result<Self, HtmlError> {
        let errors = report.errors.iter();
        let processes = report.processes.iter().map(|taken| Process {
            name: taken.name.clone(),
            cpus: format!("{:.2}", taken.cpus),
            peak_mib: format!("{:.0}", taken.peak_mib),
        });
        Ok(Self {
            report,
            headline: report.headline(),
            summary: report.summary(),
            started_at: report
                .started_at
                .format("%Y-%m-%d %H:%M:%S UTC")
                .to_string(),
            key_figures: key_figures(report),
            accounting: report
                .accounting_notes()
                .into_iter()
                .map(Fact::of)
                .collect(),
            scenario: toml::to_string(&report.scenario)?,
            limit: report.limit.as_ref().map(search),
            figures: figures(report)?,
            times: times(report),
            wire: report.wire_notes().map(Fact::of).into(),
            errors: errors
                .map(|(label, number)| fact(label, count(*number)))
                .collect(),
            processes: processes.collect(),
        })
    }
}

impl Fact {
    fn of(note: Note) -> Self {
        Self {
            is_bad: note.is_bad,
            ..fact(note.name, count(note.count))
        }
    }
}

fn fact(name: impl Into<String>, value: impl Into<String>) -> Fact {
    Fact {
        name: name.into(),
        value: value.into(),
        is_bad: false,
    }
}

fn key_figures(report: &Report) -> Vec<Fact> {
    let latency = report.deliveries.latency;
    let mut facts = vec![
        fact(
            "messages accepted a second",
            figure(report.sends.accepted_per_s),
        ),
        fact("deliveries a second", figure(report.deliveries.per_s)),
        fact("subscribers", count(report.accounting.subscribers)),
    ];
    if latency.count > 0 {
        facts.push(fact("delivery, p50", time(latency.p50_ms)));
        facts.push(fact("delivery, p99", time(latency.p99_ms)));
        facts.push(fact("delivery, longest", time(latency.max_ms)));
    }
    facts
}

fn search(limit: &Limit) -> Search {
    let tried = |step: &LimitStep| Tried {
        rate: figure(step.rate),
        accepted_per_s: figure(step.accepted_per_s),
        p99: time(step.delivery_p99_ms),
        verdict: step.verdict(),
        is_bad: !step.held,
    };
    Search {
        summary: limit.summary(),
        steps: limit.steps.iter().map(tried).collect(),
    }
}

fn times(report: &Report) -> Vec<Times> {
    let known = report.times().into_iter();
    let known = known.filter(|(_, quantiles)| quantiles.count > 0);
    let times = |(name, quantiles): (_, Quantiles)| {
        let Quantiles {
            count: number,
            p50_ms,
            p90_ms,
            p99_ms,
            p999_ms,
            max_ms,
        } = quantiles;
        Times {
            name,
            quantiles: [p50_ms, p90_ms, p99_ms, p999_ms, max_ms].map(time),
            count: count(number),
        }
    };
    known.map(times).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{processes::Taken, report::tests::report};

    fn html(report: &Report) -> String {
        Page::of(report).unwrap().render().unwrap()
    }

    #[test]
    fn a_page_has_the_figures_and_loads_nothing() {
        let html = html(&report());
        for text in [
            "Every delivery is accounted for",
            "300,000",
            "40 ms",
            "120 ms",
            "graphql UNAVAILABLE",
            "members = 1000",
            "Delivery over time",
            "Distribution",
            "Processors",
            "var(--line-1)",
        ] {
            assert!(html.contains(text), "no {text}: {html}");
        }
        for text in ["<script", "<link", "<img", "@import", "url("] {
            assert!(!html.contains(text), "{text}: {html}");
        }
    }

    #[test]
    fn a_page_says_first_what_must_not_be() {
        let mut report = report();
        report.accounting.faults.missing = 3;
        report.held = false;
        let html = html(&report);
        assert!(html.contains("NOT every delivery"), "{html}");
        assert!(html.contains("missing deliveries: 3."), "{html}");
    }

    #[test]
    fn a_page_has_the_loads_that_were_tried() {
        let mut report = report();
        let step = |rate, held, meets_objective| LimitStep {
            rate,
            accepted_per_s: rate,
            delivery_p99_ms: 12.0 * rate,
            held,
            meets_objective,
        };
        report.limit = Some(Limit {
            objective_p99_ms: 500.0,
            rate: Some(40.0),
            steps: vec![
                step(40.0, true, true),
                step(60.0, true, false),
                step(80.0, false, false),
            ],
        });
        let html = html(&report);
        for text in [
            "nothing missing: 40 messages",
            "720 ms",
            "too slow",
            "not accounted for</td>",
        ] {
            assert!(html.contains(text), "no {text}: {html}");
        }
    }

    #[test]
    fn whatever_a_report_says_is_text() {
        let bad = "<script>alert('x')</script>\"&";
        let mut report = report();
        report.url = bad.into();
        report.run = bad.into();
        report.plaza = bad.into();
        report.errors.insert(bad.into(), 1);
        report.processes.push(Taken {
            name: bad.into(),
            cpus: 1.0,
            peak_mib: 1.0,
        });
        report.series.processes[0].name = bad.into();
        let html = html(&report);
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("&#60;script&#62;"), "{html}");
    }

    #[test]
    fn a_report_without_seconds_has_a_page_without_their_plots() {
        let mut report = report();
        report.series = crate::series::Series::default();
        let html = html(&report);
        assert!(html.contains("Distribution") && !html.contains("Delivery over time"));
    }

    #[test]
    fn a_page_is_made_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        report().write(&path).unwrap();
        let args = HtmlArgs {
            report: path.clone(),
            output: None,
        };
        run(&args).unwrap();
        let html = std::fs::read_to_string(path.with_extension("html")).unwrap();
        assert!(html.starts_with("<!doctype html>"), "{html}");
    }
}
