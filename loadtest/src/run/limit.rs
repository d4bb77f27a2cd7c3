//! The highest load that holds an objective: the rate is doubled until it
//! breaks, and what is between is halved.

use super::once::{Place, once};
use crate::{
    load::Load,
    part::Part,
    report::{Limit, LimitStep, Report},
    scenario::Overrides,
};

/// How near the highest rate that holds and the lowest that does not have to
/// be: by a tenth.
const CLOSE: f64 = 1.1;
/// Most runs, whatever comes.
const MOST_STEPS: usize = 24;
/// The rates between which it is looked for (messages/s).
const RATES: (f64, f64) = (0.1, 100_000.0);

/// What is known of the limit so far.
#[derive(Debug, Clone, Copy)]
struct Search {
    /// The highest rate that held.
    held: Option<f64>,
    /// The lowest that did not.
    broke: Option<f64>,
}

impl Search {
    /// The next rate to try; none: it is known.
    fn next(&self, first: f64) -> Option<f64> {
        let (lowest, highest) = RATES;
        match (self.held, self.broke) {
            (None, None) => Some(first.clamp(lowest, highest)),
            (Some(held), None) => Some((held * 2.0).min(highest)).filter(|next| *next > held),
            (None, Some(broke)) => Some(broke / 2.0).filter(|next| *next >= lowest),
            (Some(held), Some(broke)) => {
                Some((held * broke).sqrt()).filter(|_| broke / held > CLOSE)
            }
        }
    }

    fn note(&mut self, rate: f64, holds: bool) {
        if holds {
            self.held = Some(self.held.map_or(rate, |held| held.max(rate)));
        } else {
            self.broke = Some(self.broke.map_or(rate, |broke| broke.min(rate)));
        }
    }
}

/// Runs the scenario at one rate after another; the report of the highest that
/// held, or of the last run where none did.
pub(super) async fn find(
    place: &Place,
    load: &Load,
    objective_p99_ms: f64,
) -> anyhow::Result<Report> {
    let mut search = Search {
        held: None,
        broke: None,
    };
    let (mut steps, mut best, mut last) = (Vec::new(), None, None);
    while let Some(rate) = search.next(load.rate())
        && steps.len() < MOST_STEPS
        && !*place.interrupted.borrow()
    {
        eprintln!("\n{rate:.1} messages/s");
        let load = load.clone().with(Overrides::default().at_rate(rate))?;
        let report = Part::judge(vec![once(place, load).await?])?;
        let delivery_p99_ms = report.deliveries.latency.p99_ms;
        let meets_objective = report.held && delivery_p99_ms <= objective_p99_ms;
        steps.push(LimitStep {
            rate,
            accepted_per_s: report.sends.accepted_per_s,
            delivery_p99_ms,
            held: report.held,
            meets_objective,
        });
        eprintln!(
            "{rate:.1} messages/s: p99 of deliveries {delivery_p99_ms:.1} ms, {}",
            if meets_objective { "held" } else { "broke" }
        );
        search.note(rate, meets_objective);
        if meets_objective {
            best = Some(report);
        } else {
            last = Some(report);
        }
    }
    let mut report = best
        .or(last)
        .ok_or_else(|| anyhow::anyhow!("interrupted before the first run"))?;
    report.limit = Some(Limit {
        objective_p99_ms,
        rate: search.held,
        steps,
    });
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found where every rate up to a limit holds.
    fn found(limit: f64, first: f64) -> (Option<f64>, usize) {
        let mut search = Search {
            held: None,
            broke: None,
        };
        let mut steps = 0;
        while let Some(rate) = search.next(first) {
            search.note(rate, rate <= limit);
            steps += 1;
            assert!(steps <= MOST_STEPS, "{search:?}");
        }
        (search.held, steps)
    }

    #[test]
    fn the_limit_is_found_to_a_tenth_from_above_and_from_below() {
        for (limit, first) in [(730.0, 10.0), (730.0, 5_000.0), (1.3, 10.0), (10.0, 10.0)] {
            let held = found(limit, first).0.unwrap();
            assert!(held <= limit && held * CLOSE >= limit, "{held} of {limit}");
        }
    }

    #[test]
    fn where_nothing_holds_or_everything_it_ends() {
        assert_eq!(found(0.01, 10.0).0, None);
        assert_eq!(found(f64::MAX, 10.0).0, Some(RATES.1));
    }
}
