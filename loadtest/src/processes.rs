//! What processes on this machine take, where the system tells (Linux).

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    time::Instant,
};

use nix::unistd::{SysconfVar, sysconf};
use serde::{Deserialize, Serialize};

/// Units of processor time a second, as Linux tells it.
const TICKS_PER_SECOND: f64 = 100.0;
/// Bytes of a page of memory, unless the system tells.
const USUAL_PAGE: u64 = 4_096;

/// A process that is looked at, with its children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// What the report calls it.
    pub name: String,
    /// Which.
    pub pid: i32,
}

/// What a process took while it was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Taken {
    pub(crate) name: String,
    /// Processors that were busy with it, on average.
    pub(crate) cpus: f64,
    /// Most memory; what processes share is counted once (MiB).
    pub(crate) peak_mib: f64,
}

/// What a process takes now, with its children.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Using {
    /// Processors that were busy with it, on average since the last look.
    pub(crate) cpus: f64,
    /// Memory; what processes share is counted once (MiB).
    pub(crate) mib: f64,
}

/// What is read of one process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Stat {
    parent: i32,
    ticks: u64,
    own_pages: u64,
    shared_pages: u64,
}

/// Looks at processes from time to time.
#[derive(Debug)]
pub(crate) struct Watch {
    watched: Vec<Watched>,
    begun: Instant,
    looked: Instant,
    first: BTreeMap<String, u64>,
    last: BTreeMap<String, u64>,
    peaks: BTreeMap<String, u64>,
    /// As [`Self::using`] saw it last.
    used: BTreeMap<String, u64>,
    used_at: Instant,
}

impl Watch {
    /// Begins with these and this process.
    pub(crate) fn begin(mut watched: Vec<Watched>) -> Self {
        watched.push(Watched {
            name: "loadtest".into(),
            pid: i32::try_from(std::process::id()).unwrap_or_default(),
        });
        let mut watch = Self {
            watched,
            begun: Instant::now(),
            looked: Instant::now(),
            first: BTreeMap::new(),
            last: BTreeMap::new(),
            peaks: BTreeMap::new(),
            used: BTreeMap::new(),
            used_at: Instant::now(),
        };
        watch.look();
        watch.restart();
        watch.used.clone_from(&watch.last);
        watch.used_at = watch.looked;
        watch
    }

    /// What was taken so far counts no more for [`Self::taken`].
    pub(crate) fn restart(&mut self) {
        self.begun = self.looked;
        self.first.clone_from(&self.last);
        self.peaks.clear();
    }

    /// Looks once more; the memory of those that run (pages).
    pub(crate) fn look(&mut self) -> BTreeMap<String, u64> {
        let all = all();
        self.looked = Instant::now();
        let mut running = BTreeMap::new();
        for Watched { name, pid } in &self.watched {
            if let Some((ticks, pages)) = with_children(*pid, &all) {
                self.last.insert(name.clone(), ticks);
                let peak = self.peaks.entry(name.clone()).or_default();
                *peak = pages.max(*peak);
                running.insert(name.clone(), pages);
            }
        }
        running
    }

    /// Looks once more: what each takes, from the last time that this was
    /// asked.
    pub(crate) fn using(&mut self) -> BTreeMap<String, Using> {
        let pages = self.look();
        let seconds = self.looked.duration_since(self.used_at).as_secs_f64();
        let using = pages.into_iter().filter_map(|(name, pages)| {
            let now = self.last.get(&name).copied()?;
            // One that has just begun took all of it since.
            let before = self.used.get(&name).copied().unwrap_or_default();
            let using = Using {
                cpus: as_cpus(now.saturating_sub(before), seconds),
                mib: as_mib(pages),
            };
            Some((name, using))
        });
        let using = using.collect();
        self.used.clone_from(&self.last);
        self.used_at = self.looked;
        using
    }

    /// What each took from the first look to the last.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        let seconds = self.looked.duration_since(self.begun).as_secs_f64();
        let taken = self.first.iter().map(|(name, first)| {
            let last = self.last.get(name).copied().unwrap_or_default();
            let peak = self.peaks.get(name).copied().unwrap_or_default();
            Taken {
                name: name.clone(),
                cpus: as_cpus(last.saturating_sub(*first), seconds),
                peak_mib: as_mib(peak),
            }
        });
        taken.collect()
    }
}

fn as_cpus(ticks: u64, seconds: f64) -> f64 {
    as_f64(ticks) / TICKS_PER_SECOND / seconds.max(0.001)
}

fn as_mib(pages: u64) -> f64 {
    as_f64(pages * page_bytes()) / f64::from(1 << 20)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
const fn as_f64(number: u64) -> f64 {
    number as f64
}

/// All processes of the system, as far as it tells.
fn all() -> HashMap<i32, Stat> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return HashMap::new();
    };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let memory = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        Some((pid, read(&stat, &memory)?))
    })
    .collect()
}

/// Reads /proc/PID/stat and statm (proc(5)).
fn read(stat: &str, memory: &str) -> Option<Stat> {
    // The name in parentheses may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let pages: Vec<u64> = memory
        .split_ascii_whitespace()
        .take(3)
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let [_, resident, shared] = pages[..] else {
        return None;
    };
    let ticks = |place: usize| fields.get(place)?.parse::<u64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        ticks: ticks(11)? + ticks(12)?,
        own_pages: resident.saturating_sub(shared),
        shared_pages: shared,
    })
}

/// Bytes of a page of memory, of which Linux tells the number.
fn page_bytes() -> u64 {
    let told = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    told.and_then(|bytes| u64::try_from(bytes).ok())
        .unwrap_or(USUAL_PAGE)
}

/// Time and memory (pages) of a process and all below it; what they share is
/// counted once.
fn with_children(pid: i32, all: &HashMap<i32, Stat>) -> Option<(u64, u64)> {
    all.get(&pid)?;
    let is_below = |mut of: i32| {
        // As deep as any tree of processes, and no endless loop.
        for _ in 0..64 {
            if of == pid {
                return true;
            }
            match all.get(&of) {
                Some(stat) => of = stat.parent,
                None => return false,
            }
        }
        false
    };
    let (mut ticks, mut own, mut shared) = (0, 0, 0);
    for (_, stat) in all.iter().filter(|(of, _)| is_below(**of)) {
        ticks += stat.ticks;
        own += stat.own_pages;
        shared = stat.shared_pages.max(shared);
    }
    Some((ticks, own + shared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_whatever_the_name() {
        let stat = "7 (a (b) c) S 5 7 7 0 -1 4194304 1 2 3 4 100 20 8 9 20 0 1 0 99 1000 250";
        let expected = Stat {
            parent: 5,
            ticks: 120,
            own_pages: 200,
            shared_pages: 50,
        };
        assert_eq!(read(stat, "1000 250 50 1 0 300 0\n"), Some(expected));
        assert_eq!(read("7 nonsense", "1 2 3"), None);
        assert_eq!(read(stat, ""), None);
    }

    #[test]
    fn children_count_and_what_they_share_counts_once() {
        let stat = |parent, ticks, own_pages, shared_pages| Stat {
            parent,
            ticks,
            own_pages,
            shared_pages,
        };
        let all = HashMap::from([
            (1, stat(0, 1_000, 1_000, 0)),
            (5, stat(1, 10, 100, 40)),
            (6, stat(5, 5, 30, 60)),
            (7, stat(6, 1, 2, 60)),
            (8, stat(1, 500, 500, 500)),
        ]);
        assert_eq!(with_children(5, &all), Some((16, 132 + 60)));
        assert_eq!(with_children(9, &all), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_takes_memory() {
        let mut watch = Watch::begin(Vec::new());
        assert!(watch.using()["loadtest"].mib > 0.1);
        let taken = watch.taken();
        assert_eq!(taken[0].name, "loadtest");
        assert!(taken[0].peak_mib > 0.1, "{taken:?}");
    }
}
