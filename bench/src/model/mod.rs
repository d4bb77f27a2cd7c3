//! What a room costs, and what follows from it: a simulation of a message's
//! path with costs that were measured, to be checked against what was measured
//! with other sizes.
//!
//! Processors take tasks in the order in which they come. A send takes its
//! time, joins the next group that is committed, waits a hop, and is published
//! with whatever waits with it; its deliveries are tasks of some subscribers
//! each. Nothing else waits: no network, no disk but the hop.

mod simulate;

use std::fmt::Write as _;

use self::simulate::{Room, Simulated};
use crate::rows::{Load, Pace, ROWS, Row, Work};

/// Costs of one message on one machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Costs {
    /// Processor time of a send until its group, in all processes (s).
    pub(crate) send: f64,
    /// Of a group's commit beside its messages (s).
    pub(crate) group: f64,
    /// Of a publication, from the outbox to Centrifugo (s).
    pub(crate) publication: f64,
    /// Of a publication at one subscriber, its client included (s).
    pub(crate) delivery: f64,
    /// Of each further message in that publication (s).
    pub(crate) folded: f64,
    /// Time that passes on the way without a processor: the disk (s).
    pub(crate) hop: f64,
}

/// As fitted to the rows `room-100` and `room-1000` on the machine of
/// docs/performance.md.
pub(crate) const COSTS: Costs = Costs {
    send: 0.000_9,
    group: 0.001,
    publication: 0.000_5,
    delivery: 0.000_024,
    folded: 0.000_000_5,
    hop: 0.000_5,
};

/// Processors of that machine.
const CORES: usize = 2;
/// As the publisher has it by default.
const PACE: f64 = 60_000.0;
const LONGEST_WAIT: f64 = 0.25;
const FOLD: usize = 32;
/// How long is simulated (s).
const SECONDS: f64 = 20.0;

/// Every row of a room at a fixed rate, simulated, as text.
pub(crate) fn text() -> String {
    let mut text = format!(
        "{:<18} {:>9} {:>9} {:>12} {:>12} {:>8} {:>9}\n",
        "row", "members", "sends/s", "p50 ms", "p99 ms", "CPUs", "keeps up"
    );
    for row in &ROWS {
        let Some((load, rate)) = rated(row) else {
            continue;
        };
        let room = room(load.members, rate);
        let Simulated {
            p50,
            p99,
            cpus,
            keeps_up,
        } = simulate::run(room, COSTS);
        let _ = writeln!(
            text,
            "{:<18} {:>9} {rate:>9} {:>12.1} {:>12.1} {cpus:>8.2} {:>9}",
            row.name,
            load.members,
            p50 * 1e3,
            p99 * 1e3,
            if keeps_up { "yes" } else { "no" },
        );
    }
    text
}

/// A room that is written to at a fixed rate.
fn rated(row: &Row) -> Option<(Load, f64)> {
    match row.work {
        Work::Load(load) if load.scenario == "room" => match load.pace {
            Pace::Rate(rate) => Some((load, rate)),
            Pace::ClosedLoop(_) => None,
        },
        _ => None,
    }
}

fn room(members: u32, rate: f64) -> Room {
    Room {
        members,
        rate,
        seconds: SECONDS,
        cores: CORES,
        pace: PACE,
        longest_wait: LONGEST_WAIT,
        fold: FOLD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_room_costs_its_hops_and_a_full_one_waits() {
        let quiet = simulate::run(room(10, 1.0), COSTS);
        assert!(quiet.keeps_up && quiet.p50 < 0.01, "{quiet:?}");
        let full = simulate::run(room(100_000, 50.0), COSTS);
        assert!(!full.keeps_up && full.p99 > 1.0, "{full:?}");
    }

    #[test]
    fn the_same_messages_cost_less_when_they_are_folded() {
        let folded = room(10_000, 40.0);
        let alone = Room {
            fold: 1,
            pace: f64::INFINITY,
            ..folded
        };
        let (folded, alone) = (simulate::run(folded, COSTS), simulate::run(alone, COSTS));
        assert!(folded.cpus < alone.cpus, "{folded:?} {alone:?}");
        assert!(!alone.keeps_up, "{alone:?}");
    }

    #[test]
    fn every_row_of_a_fixed_rate_is_there() {
        let text = text();
        for row in ["room-100", "room-1000", "room-10000-full", "room-30000"] {
            assert!(text.contains(row), "{text}");
        }
    }
}
