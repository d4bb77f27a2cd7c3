//! A report as text for people.

use std::fmt;

use super::{ActFigures, Acts, Limit, Report};
use crate::{latency::Quantiles, processes::Taken};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}.", self.headline())?;
        writeln!(f, "{}", self.summary())?;
        writeln!(
            f,
            "Accepted {:.1} messages/s, delivered {:.0}/s",
            self.sends.accepted_per_s, self.deliveries.per_s
        )?;
        writeln!(f, "\nAccounting:")?;
        for note in self.accounting_notes() {
            counted(f, note.count, note.name)?;
        }
        writeln!(f, "\nOn the wire:")?;
        for note in self.wire_notes() {
            counted(f, note.count, note.name)?;
        }
        writeln!(f)?;
        self.write_times(f)?;
        if let Some(acts) = &self.acts {
            write!(f, "\n{acts}")?;
        }
        if let Some(limit) = &self.limit {
            write!(f, "\n{limit}")?;
        }
        if !self.errors.is_empty() {
            writeln!(f, "\nErrors, made good or not:")?;
            for (label, count) in &self.errors {
                counted(f, *count, label)?;
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
    fn write_times(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:24} {:>10} {:>10} {:>10} {:>10} {:>10} {:>12}",
            "ms", "p50", "p90", "p99", "p99.9", "max", "count"
        )?;
        for (name, times) in self.times() {
            let Quantiles {
                count,
                p50_ms,
                p90_ms,
                p99_ms,
                p999_ms,
                max_ms,
            } = times;
            if count > 0 {
                writeln!(
                    f,
                    "{name:24} {p50_ms:>10.1} {p90_ms:>10.1} {p99_ms:>10.1} {p999_ms:>10.1} {max_ms:>10.1} {count:>12}"
                )?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary())?;
        writeln!(f, "{:>12} {:>12} {:>12}", "due/s", "accepted/s", "p99 ms")?;
        for step in &self.steps {
            writeln!(
                f,
                "{:>12.1} {:>12.1} {:>12.1}  {}",
                step.rate,
                step.accepted_per_s,
                step.delivery_p99_ms,
                step.verdict()
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Acts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary())?;
        for (name, ActFigures { done, failed, .. }) in &self.by_act {
            writeln!(f, "  {name:22} {done:>8} done {failed:>8} failed")?;
        }
        Ok(())
    }
}

/// A line of a list of counts.
fn counted(f: &mut fmt::Formatter<'_>, count: u64, what: &str) -> fmt::Result {
    writeln!(f, "  {count:>10}  {what}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::report::tests::report;

    #[test]
    fn what_people_did_is_in_the_report_and_in_the_text() {
        let mut report = report();
        let figures = ActFigures {
            done: 70,
            failed: 2,
            time: report.deliveries.latency,
        };
        report.acts = Some(Acts {
            seed: 5,
            by_act: BTreeMap::from([("openRoom".to_owned(), figures)]),
            ..Acts::default()
        });
        let text = report.to_string();
        assert!(
            text.contains("openRoom") && text.contains("2 failed"),
            "{text}"
        );
        assert!(text.contains("--seed 5"), "{text}");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["acts"]["byAct"]["openRoom"]["time"]["p50_ms"], 12.0);
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
}
