//! What a report says in words: the same in the text and on the page.

use super::{Accounting, Acts, Limit, LimitStep, Report, Wire};
use crate::{
    accounting::WireCounts,
    latency::Quantiles,
    numbers::{count, figure, time},
};

/// A count with what it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Note {
    /// In the plural.
    pub(crate) name: &'static str,
    pub(crate) count: u64,
    /// It has to be 0, and is not.
    pub(crate) is_bad: bool,
}

impl Note {
    /// What is worth a look.
    const fn of(name: &'static str, count: u64) -> Self {
        Self {
            name,
            count,
            is_bad: false,
        }
    }

    /// What makes a run fail.
    const fn must_be_none(name: &'static str, count: u64) -> Self {
        Self {
            name,
            count,
            is_bad: count > 0,
        }
    }
}

impl Report {
    /// Whether it held, without a full stop.
    pub(crate) const fn headline(&self) -> &'static str {
        if self.held {
            "Every delivery is accounted for"
        } else {
            "NOT every delivery is accounted for"
        }
    }

    /// What came of it, in a sentence or two.
    pub(crate) fn summary(&self) -> String {
        let Accounting {
            subscribers,
            accepted,
            shown,
            ..
        } = self.accounting;
        let all = format!(
            "{} messages were accepted, and {} subscribers were shown {} in all.",
            count(accepted),
            count(subscribers),
            count(shown),
        );
        if self.held {
            return format!("{all} Nothing was missing, doubled, out of order or unexpected.");
        }
        let bad = self.accounting_notes().into_iter();
        let bad: Vec<_> = bad
            .filter(|note| note.is_bad)
            .map(|note| format!("{}: {}", note.name, count(note.count)))
            .collect();
        if bad.is_empty() {
            return all;
        }
        format!("{all} What must not be: {}.", bad.join(", "))
    }

    /// What makes a run fail, and of the rest what there is.
    pub(crate) fn accounting_notes(&self) -> Vec<Note> {
        let Accounting {
            subscribers: _,
            never_followed,
            accepted: _,
            refused,
            unresolved,
            same_place,
            shown: _,
            faults,
            resets,
            behind_at_end,
        } = self.accounting;
        let mut notes = vec![
            Note::must_be_none("missing deliveries", faults.missing),
            Note::must_be_none("doubled deliveries", faults.doubled),
            Note::must_be_none("deliveries out of order", faults.disordered),
            Note::must_be_none("unexpected deliveries", faults.unexpected),
            Note::must_be_none("subscribers that never followed the room", never_followed),
            Note::must_be_none("sends that were never answered", unresolved),
            Note::must_be_none("answers with a place that another gave", same_place),
        ];
        if !self.expects_faults {
            notes.push(Note::must_be_none(
                "publications again or late without a fault",
                self.wire.came.unexplained,
            ));
        }
        if let Some(troubles) = &self.troubles {
            let whole = troubles.back_whole.count;
            let lacking = troubles.expected_back.saturating_sub(whole);
            notes.push(Note::must_be_none(
                "returns after a trouble that lacked something",
                lacking,
            ));
        }
        let failed_sends = self.troubles.map_or(0, |troubles| troubles.failed_sends);
        let late = self.acts.as_ref().map_or(0, |acts| acts.late);
        let others = [
            Note::of("sends that were refused", refused),
            Note::of("subscribers that were behind at the end", behind_at_end),
            Note::of("screens that began anew with the newest page", resets),
            Note::of(
                "tries to send that failed in storm or blackout",
                failed_sends,
            ),
            Note::of("people who were late with what was due", late),
        ];
        notes.extend(others.into_iter().filter(|note| note.count > 0));
        notes
    }

    /// What came before the client's rule.
    pub(crate) const fn wire_notes(&self) -> [Note; 9] {
        let Wire {
            came,
            gaps,
            asked,
            polls,
            lost,
            recovered,
        } = self.wire;
        let WireCounts {
            changes,
            repeated,
            late,
            unexplained,
        } = came;
        [
            Note::of("changes that came", changes),
            Note::of("of them repeated", repeated),
            Note::of("of them late", late),
            Note::of("of both, without a fault in the 10 s before", unexplained),
            Note::of("gaps noticed", gaps),
            Note::of("catch-ups asked", asked),
            Note::of("polls", polls),
            Note::of("connections lost", lost),
            Note::of("connections that went on where they ended", recovered),
        ]
    }

    /// All times, each with its name, whether there are any or not.
    pub(crate) fn times(&self) -> Vec<(String, Quantiles)> {
        let troubles = self.troubles.unwrap_or_default();
        let times = [
            ("delivery", self.deliveries.latency),
            ("answer to a send", self.sends.answer),
            ("load tester's lag", self.sends.lag),
            ("connection token", self.connections.token),
            ("connect", self.connections.connect),
            ("reconnect", self.connections.reconnect),
            ("catch-up", self.connections.catch_up),
            ("back", troubles.back),
            ("back and whole", troubles.back_whole),
            ("answer in calm", troubles.answer_in_calm),
            ("answer in trouble", troubles.answer_in_trouble),
        ];
        let times = times.map(|(name, times)| (name.to_owned(), times));
        let acts = self.acts.iter().flat_map(|acts| &acts.by_act);
        let acts = acts.map(|(name, figures)| (format!("act {name}"), figures.time));
        times.into_iter().chain(acts).collect()
    }
}

impl Limit {
    /// The highest load that held, in a sentence.
    pub(crate) fn summary(&self) -> String {
        let objective = time(self.objective_p99_ms);
        self.rate.map_or_else(
            || format!("No load held a p99 of deliveries of at most {objective} with nothing missing."),
            |rate| {
                format!(
                    "The highest load with a p99 of deliveries of at most {objective} and nothing missing: {} messages a second. The rest of the report is of that run.",
                    figure(rate)
                )
            },
        )
    }
}

impl LimitStep {
    /// What the try came to.
    pub(crate) const fn verdict(&self) -> &'static str {
        match (self.held, self.meets_objective) {
            (_, true) => "held",
            (true, false) => "too slow",
            (false, false) => "not accounted for",
        }
    }
}

impl Acts {
    /// Of what the acts were, in a sentence.
    pub(crate) fn summary(&self) -> String {
        let Self {
            seed,
            rooms,
            timelines,
            unheld,
            ..
        } = self;
        format!(
            "{} rooms, {} timelines held; {} messages came of rooms that were not held; --seed {seed}",
            count(*rooms),
            count(*timelines),
            count(*unheld),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Troubles, tests::report};

    #[test]
    fn what_must_not_be_is_said_with_its_count() {
        let mut report = report();
        report.held = false;
        report.accounting.faults.missing = 3_000;
        report.wire.came.unexplained = 4;
        report.troubles = Some(Troubles {
            expected_back: 5,
            ..Troubles::default()
        });
        let said = report.summary();
        assert!(said.contains("missing deliveries: 3,000, "), "{said}");
        assert!(said.contains("without a fault: 4, returns"), "{said}");
        assert!(said.contains("lacked something: 5."), "{said}");
        report.expects_faults = true;
        assert!(!report.summary().contains("without a fault"));
    }

    #[test]
    fn what_is_only_worth_a_look_is_said_where_there_is_some_and_is_not_bad() {
        let mut report = report();
        let is_clean = |report: &Report| {
            let notes = report.accounting_notes();
            notes.iter().all(|note| !note.is_bad && note.count == 0)
        };
        assert!(is_clean(&report));
        report.accounting.resets = 1;
        report.accounting.refused = 2;
        let notes = report.accounting_notes();
        let some: Vec<_> = notes.iter().filter(|note| note.count > 0).collect();
        assert_eq!(some.len(), 2);
        assert!(some.iter().all(|note| !note.is_bad), "{some:?}");
    }
}
