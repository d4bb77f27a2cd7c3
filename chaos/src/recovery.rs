//! How long after a fault each person gets by push what is sent from then on.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::schedule::{Fault, Kind, Part};

#[derive(Debug)]
struct Mended {
    parts: Vec<Part>,
    kind: Kind,
    at: DateTime<Utc>,
    /// By reader: until the first push of what was committed after the mending (ms).
    recovered: BTreeMap<usize, i64>,
}

/// The mended faults of a run.
#[derive(Debug, Default)]
pub(crate) struct Recoveries(Mutex<Vec<Mended>>);

/// Of one kind of fault.
#[derive(Debug, Serialize)]
pub(crate) struct Recovery {
    pub(crate) parts: Vec<Part>,
    pub(crate) kind: Kind,
    /// How many faults.
    pub(crate) faults: usize,
    /// Over faults and people (ms).
    pub(crate) p50_ms: i64,
    pub(crate) max_ms: i64,
}

impl Recoveries {
    fn lock(&self) -> MutexGuard<'_, Vec<Mended>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fault is mended now.
    pub(crate) fn mended(&self, fault: &Fault) {
        self.lock().push(Mended {
            parts: fault.parts.clone(),
            kind: fault.kind,
            at: Utc::now(),
            recovered: BTreeMap::new(),
        });
    }

    /// A reader was pushed an event that was committed at this time.
    pub(crate) fn pushed(&self, reader: usize, committed: DateTime<Utc>) {
        let now = Utc::now();
        if let Some(fault) = self.lock().last_mut()
            && committed > fault.at
        {
            let ms = (now - fault.at).num_milliseconds();
            fault.recovered.entry(reader).or_insert(ms);
        }
    }

    /// By kind of fault. Who was not pushed anything before the next fault
    /// does not count.
    pub(crate) fn summary(&self) -> Vec<Recovery> {
        let mut groups: BTreeMap<(Vec<Part>, Kind), (usize, Vec<i64>)> = BTreeMap::new();
        for fault in self.lock().iter() {
            let mut parts = fault.parts.clone();
            parts.sort_unstable();
            let group = groups.entry((parts, fault.kind)).or_default();
            group.0 += 1;
            group.1.extend(fault.recovered.values());
        }
        groups
            .into_iter()
            .filter_map(|((parts, kind), (faults, mut times))| {
                times.sort_unstable();
                Some(Recovery {
                    parts,
                    kind,
                    faults,
                    p50_ms: *times.get(times.len() / 2)?,
                    max_ms: *times.last()?,
                })
            })
            .collect()
    }
}
