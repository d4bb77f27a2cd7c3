//! What virtual users did beside writing, and how long it took.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::time::Instant;

use crate::{
    fleet::Act,
    latency::{BoundsError, Latencies},
    report::{ActFigures, Acts},
    run::{clock::now_us, meters::Meters},
};

/// One kind of act.
#[derive(Debug)]
struct Kind {
    act: Act,
    times: Mutex<Latencies>,
    done: AtomicU64,
    failed: AtomicU64,
}

/// All acts of a run.
#[derive(Debug)]
pub(super) struct ActMeters {
    kinds: [Kind; Act::ALL.len()],
    /// Messages of rooms whose timeline their reader did not hold.
    pub(super) unheld: AtomicU64,
    /// People who were late with what was due when all ended.
    pub(super) late: AtomicU64,
}

impl ActMeters {
    pub(super) fn new() -> Result<Self, BoundsError> {
        let empty = Latencies::new()?;
        let kind = |act| Kind {
            act,
            times: Mutex::new(empty.clone()),
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        };
        Ok(Self {
            kinds: Act::ALL.map(kind),
            unheld: AtomicU64::new(0),
            late: AtomicU64::new(0),
        })
    }

    /// An act that was due then has just been answered.
    pub(super) fn done(&self, act: Act, due: Instant, meters: &Meters) {
        let Some(kind) = self.kind(act) else { return };
        kind.done.fetch_add(1, Ordering::Relaxed);
        let taken = due.elapsed();
        let taken_us = i64::try_from(taken.as_micros()).unwrap_or(i64::MAX);
        if meters.is_measured(now_us().saturating_sub(taken_us)) {
            let mut times = kind.times.lock().unwrap_or_else(PoisonError::into_inner);
            times.record(taken);
        }
    }

    /// An act came to nothing.
    pub(super) fn failed(&self, act: Act) {
        if let Some(kind) = self.kind(act) {
            kind.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// For the report: with the number that all was drawn from, how many rooms
    /// there were, and how many timelines were held in all.
    pub(super) fn report(&self, seed: u32, rooms: u64, timelines: u64) -> Acts {
        let figures = |kind: &Kind| {
            let times = kind.times.lock().unwrap_or_else(PoisonError::into_inner);
            let figures = ActFigures {
                done: kind.done.load(Ordering::Relaxed),
                failed: kind.failed.load(Ordering::Relaxed),
                time: times.quantiles(),
            };
            (kind.act.name().to_owned(), figures)
        };
        Acts {
            seed,
            rooms,
            timelines,
            unheld: self.unheld.load(Ordering::Relaxed),
            late: self.late.load(Ordering::Relaxed),
            by_act: self.kinds.iter().map(figures).collect::<BTreeMap<_, _>>(),
        }
    }

    fn kind(&self, act: Act) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.act == act)
    }
}
