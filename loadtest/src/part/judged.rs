//! The report of a run, from the parts of all its processes.

use std::collections::BTreeMap;

use super::{Part, PartError};
use crate::{
    accounting::{Accepted, Faults},
    latency::Latencies,
    report::{Accounting, Connections, Deliveries, Distribution, Report, Sends, Troubles, Wire},
    series::Series,
};

/// What each process calls itself among the processes that it sees.
const ITSELF: &str = "loadtest";

impl Part {
    /// Judges all that the processes of a run found: each screen of each
    /// against what was accepted by all.
    pub(crate) fn judge(mut parts: Vec<Self>) -> Result<Report, PartError> {
        check(&parts)?;
        parts.sort_by_key(|part| part.share.part);
        let count = parts.len();
        let mut accepted = Accepted::default();
        for part in &mut parts {
            accepted.extend(std::mem::take(&mut part.accepted));
            if count > 1 {
                part.name_itself();
            }
        }
        let truth = accepted.settle();
        let mut accounting = Accounting {
            accepted: truth.count(),
            same_place: truth.same_place,
            ..Accounting::default()
        };
        let mut shown = Shown::default();
        for part in &parts {
            let Part {
                screens,
                never_followed,
                behind_at_end,
                refused,
                unresolved,
                ..
            } = part;
            accounting.subscribers += screens.len() as u64 + never_followed;
            accounting.never_followed += never_followed;
            accounting.behind_at_end += behind_at_end;
            accounting.refused += refused;
            accounting.unresolved += unresolved;
            for screen in screens {
                shown.faults += screen.judge(&truth);
                shown.messages += screen.count();
                shown.resets += screen.resets();
            }
        }
        accounting.faults = shown.faults;
        accounting.shown = shown.messages;
        accounting.resets = shown.resets;
        let mut parts = parts.into_iter();
        // `check` found the first.
        let Some(mut all) = parts.next() else {
            return Err(PartError::Missing { missing: 1, of: 1 });
        };
        let mut series = vec![std::mem::take(&mut all.series)];
        for mut part in parts {
            series.push(std::mem::take(&mut part.series));
            all.take(part);
        }
        let acts = all.fleet.take().map(|fleet| {
            accounting = fleet.accounting;
            fleet.acts
        });
        let series = if count > 1 {
            Series::merged(series)
        } else {
            series.remove(0)
        };
        let mut report = all.report(accounting, series, count)?;
        report.acts = acts;
        Ok(report)
    }

    /// Tells its own process from those of the other parts.
    fn name_itself(&mut self) {
        let name = format!("{ITSELF} {}", self.share.part);
        for taken in &mut self.processes {
            if taken.name == ITSELF {
                taken.name.clone_from(&name);
            }
        }
        for process in &mut self.series.processes {
            if process.name == ITSELF {
                process.name.clone_from(&name);
            }
        }
    }

    /// Takes another part's figures in.
    fn take(&mut self, other: Self) {
        self.started_at = self.started_at.min(other.started_at);
        self.expects_faults |= other.expects_faults;
        self.measured_s = self.measured_s.max(other.measured_s);
        self.all_follow_after_s = self.all_follow_after_s.max(other.all_follow_after_s);
        self.accepted_measured += other.accepted_measured;
        self.failed_in_trouble += other.failed_in_trouble;
        self.wire += other.wire;
        self.times.add(&other.times);
        for (label, count) in other.errors {
            *self.errors.entry(label).or_default() += count;
        }
        for taken in other.processes {
            // Of a process that several see, the first stands.
            if self.processes.iter().all(|known| known.name != taken.name) {
                self.processes.push(taken);
            }
        }
    }

    fn report(
        self,
        accounting: Accounting,
        series: Series,
        parts: usize,
    ) -> Result<Report, PartError> {
        let times = &self.times;
        let mut answer = Latencies::new()?;
        answer.add(&times.answer_in_calm);
        answer.add(&times.answer_in_trouble);
        let latency = times.delivery.quantiles();
        let troubles = self.troubles(accounting.subscribers);
        let held = accounting.held()
            && (self.expects_faults || self.wire.came.unexplained == 0)
            && troubles.is_none_or(|troubles| troubles.all_came_back());
        let seconds = self.measured_s.max(0.001);
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let per_s = |count: u64| count as f64 / seconds;
        Ok(Report {
            version: Report::VERSION,
            parts: u32::try_from(parts).unwrap_or(u32::MAX),
            held,
            expects_faults: self.expects_faults,
            accounting,
            wire: self.wire,
            sends: Sends {
                accepted_per_s: per_s(self.accepted_measured),
                answer: answer.quantiles(),
                lag: times.lag.quantiles(),
            },
            deliveries: Deliveries {
                per_s: per_s(latency.count),
                latency,
            },
            connections: Connections {
                all_follow_after_s: self.all_follow_after_s,
                token: times.connections.token.quantiles(),
                connect: times.connections.connect.quantiles(),
                reconnect: times.connections.reconnect.quantiles(),
                catch_up: times.connections.catch_up.quantiles(),
            },
            troubles,
            acts: None,
            limit: None,
            distribution: Distribution {
                delivery: times.delivery.curve(),
                answer: answer.curve(),
            },
            plaza: self.plaza,
            run: self.run,
            started_at: self.started_at,
            url: self.url,
            scenario: self.scenario,
            measured_s: self.measured_s,
            errors: self.errors,
            processes: self.processes,
            series,
        })
    }

    fn troubles(&self, subscribers: u64) -> Option<Troubles> {
        let times = &self.times;
        self.scenario.has_troubles().then(|| Troubles {
            expected_back: self.scenario.returns() * subscribers,
            back: times.connections.back.quantiles(),
            back_whole: times.connections.back_whole.quantiles(),
            answer_in_calm: times.answer_in_calm.quantiles(),
            answer_in_trouble: times.answer_in_trouble.quantiles(),
            failed_sends: self.failed_in_trouble,
        })
    }
}

/// On all screens.
#[derive(Default)]
struct Shown {
    faults: Faults,
    messages: u64,
    resets: u64,
}

/// Whether they are all parts of one run, each once.
fn check(parts: &[Part]) -> Result<(), PartError> {
    let Some(first) = parts.first() else {
        return Err(PartError::Missing { missing: 1, of: 1 });
    };
    let of = first.share.of;
    let mut there: BTreeMap<u32, usize> = BTreeMap::new();
    for part in parts {
        if part.run != first.run || part.share.of != of || part.scenario != first.scenario {
            return Err(PartError::OtherRun {
                one: first.run.clone(),
                other: part.run.clone(),
            });
        }
        *there.entry(part.share.part).or_default() += 1;
    }
    if let Some((part, _)) = there.iter().find(|(_, count)| **count > 1) {
        return Err(PartError::Twice { part: *part });
    }
    match (1..=of).find(|part| !there.contains_key(part)) {
        Some(missing) => Err(PartError::Missing { missing, of }),
        None => Ok(()),
    }
}

impl std::ops::AddAssign for Wire {
    fn add_assign(&mut self, other: Self) {
        self.came += other.came;
        self.gaps += other.gaps;
        self.asked += other.asked;
        self.polls += other.polls;
        self.lost += other.lost;
        self.recovered += other.recovered;
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::{
        accounting::{Mark, Screen},
        part::{Share, Times},
        processes::Taken,
        report::tests::report,
        run::Connections,
    };

    fn id(seq: i64) -> Uuid {
        Uuid::from_u128(seq.cast_unsigned().into())
    }

    fn times() -> Times {
        let some = || {
            let mut latencies = Latencies::new().unwrap();
            latencies.record_us(5_000);
            latencies
        };
        Times {
            delivery: some(),
            answer_in_calm: some(),
            answer_in_trouble: Latencies::new().unwrap(),
            lag: some(),
            connections: Connections {
                token: some(),
                connect: some(),
                reconnect: some(),
                catch_up: some(),
                back: some(),
                back_whole: some(),
            },
        }
    }

    /// One of two that sent `sent`, whose only screen showed `shown`.
    fn part(part: u32, sent: &[i64], shown: &[i64]) -> Part {
        let mut accepted = Accepted::default();
        for seq in sent {
            accepted.add(*seq, id(*seq));
        }
        let mut screen = Screen::at(0);
        for seq in shown {
            screen.show(*seq, Mark::new(*seq, id(*seq)));
        }
        let taken = |name: &str| Taken {
            name: name.into(),
            cpus: 0.5,
            peak_mib: 10.0,
        };
        Part {
            version: Part::VERSION,
            plaza: "0.1.0".into(),
            run: "0badcafe".into(),
            share: Share { part, of: 2 },
            started_at: DateTime::UNIX_EPOCH,
            url: String::new(),
            scenario: report().scenario,
            expects_faults: false,
            measured_s: 10.0,
            all_follow_after_s: f64::from(part),
            accepted,
            accepted_measured: sent.len() as u64,
            refused: 0,
            unresolved: 0,
            failed_in_trouble: 0,
            screens: vec![screen.end()],
            fleet: None,
            never_followed: 0,
            behind_at_end: 0,
            wire: Wire::default(),
            times: times(),
            errors: BTreeMap::from([("socket ended".into(), 1)]),
            processes: vec![taken("gateway"), taken(ITSELF)],
            series: crate::series::tests::series(),
        }
    }

    #[test]
    fn what_any_process_sent_is_due_on_every_screen() {
        let both = vec![
            part(2, &[2, 4], &[1, 2, 3, 4]),
            part(1, &[1, 3], &[1, 2, 3, 4]),
        ];
        let report = Part::judge(both).unwrap();
        assert!(report.held, "{report:#?}");
        assert_eq!(report.parts, 2);
        assert_eq!(report.accounting.accepted, 4);
        assert_eq!(report.accounting.shown, 8);
        assert_eq!(report.accounting.subscribers, 2);
        assert_eq!(report.deliveries.latency.count, 2);
        assert!((report.sends.accepted_per_s - 0.4).abs() < 1e-9);
        assert!((report.connections.all_follow_after_s - 2.0).abs() < 1e-9);
        assert_eq!(report.errors["socket ended"], 2);
        let names: Vec<_> = report.processes.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["gateway", "loadtest 1", "loadtest 2"]);
    }

    #[test]
    fn what_another_process_sent_and_a_screen_lacks_is_missing() {
        let both = vec![part(1, &[1, 3], &[1, 3]), part(2, &[2], &[1, 2, 3])];
        let report = Part::judge(both).unwrap();
        assert!(!report.held);
        assert_eq!(report.accounting.faults.missing, 1);
    }

    #[test]
    fn parts_that_are_not_one_run_are_refused() {
        let alone = Part::judge(vec![part(2, &[], &[])]).unwrap_err();
        assert!(
            alone.to_string().contains("part 1 of 2 is missing"),
            "{alone}"
        );
        let twice = Part::judge(vec![part(1, &[], &[]), part(1, &[], &[])]).unwrap_err();
        assert!(matches!(twice, PartError::Twice { part: 1 }));
        let mut other = part(2, &[], &[]);
        other.run = "another".into();
        let other = Part::judge(vec![part(1, &[], &[]), other]).unwrap_err();
        assert!(matches!(other, PartError::OtherRun { .. }));
        assert!(Part::judge(Vec::new()).is_err());
    }

    #[test]
    fn a_part_that_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [1, 2].map(|part| folder.path().join(part.to_string()));
        for (path, number) in paths.iter().zip([1, 2]) {
            part(number, &[i64::from(number)], &[1, 2])
                .write(path)
                .unwrap();
        }
        let parts: Vec<_> = paths.iter().map(|path| Part::read(path).unwrap()).collect();
        let whole = vec![part(1, &[1], &[1, 2]), part(2, &[2], &[1, 2])];
        assert_eq!(Part::judge(parts).unwrap(), Part::judge(whole).unwrap());
        std::fs::write(&paths[0], "{}").unwrap();
        assert!(matches!(
            Part::read(&paths[0]),
            Err(PartError::Malformed { .. })
        ));
    }

    #[test]
    fn shares_leave_nobody_out() {
        for (count, of) in [(10, 3), (2, 5), (30_000, 7), (0, 2)] {
            let shares = (1..=of).map(|part| Share { part, of }.range(count));
            let all: Vec<_> = shares.flatten().collect();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
        assert_eq!("2/5".parse(), Ok(Share { part: 2, of: 5 }));
        for wrong in ["", "2", "0/2", "3/2", "a/b"] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
        }
    }
}
