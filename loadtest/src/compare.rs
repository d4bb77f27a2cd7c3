//! `plaza loadtest compare`: two reports side by side.

use std::{fmt::Write as _, path::PathBuf};

use crate::report::{Report, ReportError};

/// Which reports.
#[derive(Debug, clap::Args)]
pub struct CompareArgs {
    /// The report to compare with
    before: PathBuf,
    /// The report that is judged
    after: PathBuf,
    /// Ends with 3 when a figure of the second is worse by more than this (percent)
    #[arg(long)]
    max_worse: Option<f64>,
}

/// Which way a figure is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Better {
    Higher,
    Lower,
}

/// One figure of both.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    name: String,
    better: Better,
    before: f64,
    after: f64,
}

impl Line {
    /// By how much the second is worse (percent); below 0: better. None: the
    /// first is 0, or one has no such figure.
    fn worse(&self) -> Option<f64> {
        if self.before <= 0.0 || self.after <= 0.0 {
            return None;
        }
        let grown = (self.after / self.before - 1.0) * 100.0;
        Some(match self.better {
            Better::Lower => grown,
            Better::Higher => -grown,
        })
    }
}

/// Prints the comparison; whether the second is as good as it has to be.
pub(crate) fn run(args: &CompareArgs) -> Result<bool, ReportError> {
    let (before, after) = (Report::read(&args.before)?, Report::read(&args.after)?);
    let lines = lines(&before, &after);
    print!("{}", text(&before, &after, &lines));
    Ok(after.held && is_good(&lines, args.max_worse))
}

fn is_good(lines: &[Line], max_worse: Option<f64>) -> bool {
    let is_worse = |line: &Line| {
        line.worse()
            .zip(max_worse)
            .is_some_and(|(worse, most)| worse > most)
    };
    !lines.iter().any(is_worse)
}

fn lines(before: &Report, after: &Report) -> Vec<Line> {
    let line = |name: &str, better, before, after| Line {
        name: name.to_owned(),
        better,
        before,
        after,
    };
    let mut lines = vec![
        line(
            "accepted messages/s",
            Better::Higher,
            before.sends.accepted_per_s,
            after.sends.accepted_per_s,
        ),
        line(
            "deliveries/s",
            Better::Higher,
            before.deliveries.per_s,
            after.deliveries.per_s,
        ),
    ];
    let known = after.times();
    for (name, before) in before.times() {
        let Some((_, after)) = known.iter().find(|(other, _)| *other == name) else {
            continue;
        };
        for (quantile, before, after) in [
            ("p50", before.p50_ms, after.p50_ms),
            ("p99", before.p99_ms, after.p99_ms),
            ("p99.9", before.p999_ms, after.p999_ms),
        ] {
            lines.push(line(
                &format!("{name} {quantile} ms"),
                Better::Lower,
                before,
                after,
            ));
        }
    }
    for taken in &after.processes {
        if let Some(known) = before
            .processes
            .iter()
            .find(|known| known.name == taken.name)
        {
            let name = &taken.name;
            lines.push(line(
                &format!("{name} CPUs"),
                Better::Lower,
                known.cpus,
                taken.cpus,
            ));
            lines.push(line(
                &format!("{name} peak MiB"),
                Better::Lower,
                known.peak_mib,
                taken.peak_mib,
            ));
        }
    }
    lines.retain(|line| line.before > 0.0 || line.after > 0.0);
    lines
}

fn text(before: &Report, after: &Report, lines: &[Line]) -> String {
    let mut text = format!(
        "{:32} {:>12} {:>12} {:>10}\n",
        "", "before", "after", "change"
    );
    for line in lines {
        let change = line.worse().map(|worse| match line.better {
            Better::Lower => worse,
            Better::Higher => -worse,
        });
        let change = change.map_or_else(String::new, |change| format!("{change:+.1} %"));
        let Line {
            name,
            before,
            after,
            ..
        } = line;
        let _ = writeln!(text, "{name:32} {before:>12.1} {after:>12.1} {change:>10}");
    }
    if before.scenario != after.scenario {
        text.push_str("\nThe scenarios differ: the figures are not of the same load.\n");
    }
    for (which, report) in [("first", before), ("second", after)] {
        if !report.held {
            let _ = writeln!(text, "\nOf the {which}: {}.", report.headline());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{load::Load, report::tests::report};

    #[test]
    fn a_worse_figure_is_found_whichever_way_it_is_better() {
        let before = report();
        let mut slower = before.clone();
        slower.deliveries.latency.p99_ms *= 1.2;
        let slower = lines(&before, &slower);
        assert!(is_good(&slower, Some(21.0)) && !is_good(&slower, Some(19.0)));
        assert!(is_good(&slower, None), "it is only shown");
        let mut fewer = before.clone();
        fewer.deliveries.per_s *= 0.8;
        let fewer = lines(&before, &fewer);
        assert!(is_good(&fewer, Some(21.0)) && !is_good(&fewer, Some(19.0)));
        let mut better = before.clone();
        better.deliveries.latency.p99_ms /= 10.0;
        better.deliveries.per_s *= 10.0;
        assert!(is_good(&lines(&before, &better), Some(0.0)));
    }

    #[test]
    fn what_cannot_be_compared_is_told() {
        let before = report();
        let mut after = before.clone();
        after.scenario = Load::find("fleet").unwrap();
        after.held = false;
        let text = text(&before, &after, &lines(&before, &after));
        assert!(
            text.contains("scenarios differ") && text.contains("Of the second: NOT"),
            "{text}"
        );
    }

    #[test]
    fn reports_are_compared_from_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let [before, after] = ["before", "after"].map(|name| folder.path().join(name));
        report().write(&before).unwrap();
        let mut bad = report();
        bad.held = false;
        bad.write(&after).unwrap();
        let args = |before: &PathBuf, after: &PathBuf| CompareArgs {
            before: before.clone(),
            after: after.clone(),
            max_worse: None,
        };
        assert!(run(&args(&before, &before)).unwrap());
        assert!(!run(&args(&before, &after)).unwrap());
    }
}
