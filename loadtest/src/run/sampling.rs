//! A run second by second: what was counted, and what processes of this machine
//! took.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use super::{clock::now_us, shared::Shared};
use crate::{
    latency::{BoundsError, Recent},
    processes::{Taken, Using, Watch, Watched},
    series::{Second, Series},
};

const SECOND_US: i64 = 1_000_000;
/// A shorter time says nothing of how many processors were busy: the system
/// counts hundredths of a second.
const SHORTEST_LOOK: Duration = Duration::from_millis(200);

/// Samples a run on a thread of its own: it reads many small files, and is to
/// be on time however busy the others are.
#[derive(Debug)]
pub(super) struct Sampling {
    /// Dropped to end it.
    until_dropped: mpsc::Sender<()>,
    thread: thread::JoinHandle<Sampled>,
}

/// What was seen of a run.
#[derive(Debug, Default)]
pub(super) struct Sampled {
    pub(super) series: Series,
    /// What each process took while it was measured; nothing when it never was.
    pub(super) processes: Vec<Taken>,
}

/// All that is counted from the beginning.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    accepted: u64,
    errors: u64,
    asked: u64,
    polls: u64,
}

struct Sampler {
    shared: Arc<Shared>,
    /// The wall clock, which does not jump here: what has passed since is added.
    begun_us: i64,
    begun: Instant,
    watch: Watch,
    series: Series,
    /// The second of Unix time that is told of next.
    next: i64,
    recent: Recent,
    before: Totals,
    /// Of the last look that was long enough.
    using: BTreeMap<String, Using>,
    looked: Instant,
    /// What they took while it was measured.
    taken: Window,
}

/// How far the measured time is.
enum Window {
    Ahead,
    Open,
    Over(Vec<Taken>),
}

impl Sampling {
    /// Begins with the run.
    pub(super) fn begin(shared: Arc<Shared>, processes: Vec<Watched>) -> Result<Self, BoundsError> {
        let (until_dropped, dropped) = mpsc::channel();
        let recent = Recent::new()?;
        let thread = thread::spawn(move || {
            let mut sampler = Sampler::begin(shared, processes, recent);
            while passes(&dropped, sampler.wait()) {
                sampler.look();
            }
            sampler.end()
        });
        Ok(Self {
            until_dropped,
            thread,
        })
    }

    /// What it saw up to now. One that failed has seen nothing.
    pub(super) fn end(self) -> Sampled {
        drop(self.until_dropped);
        self.thread.join().unwrap_or_default()
    }
}

impl Sampled {
    /// It was measured for so long: less than wanted where it was interrupted.
    pub(super) fn measured_for(mut self, time: Duration) -> Self {
        if let Some((from, to)) = &mut self.series.measured {
            *to = *from + time.as_secs_f64();
        }
        self
    }
}

impl Sampler {
    fn begin(shared: Arc<Shared>, processes: Vec<Watched>, recent: Recent) -> Self {
        let begun_us = now_us();
        let second = begun_us.div_euclid(SECOND_US);
        let mut sampler = Self {
            shared,
            begun_us,
            begun: Instant::now(),
            watch: Watch::begin(processes),
            series: Series::begin(second),
            next: second,
            recent,
            before: Totals::default(),
            using: BTreeMap::new(),
            looked: Instant::now(),
            taken: Window::Ahead,
        };
        sampler.using = sampler.watch.using();
        sampler
    }

    fn now_us(&self) -> i64 {
        let passed = i64::try_from(self.begun.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.begun_us.saturating_add(passed)
    }

    /// Until there is something to look at.
    fn wait(&self) -> Duration {
        let now = self.now_us();
        let second = now - now.rem_euclid(SECOND_US) + SECOND_US;
        let next = match (self.shared.meters.measured(), &self.taken) {
            (Some((from, _)), Window::Ahead) => second.min(from),
            (Some((_, to)), Window::Open) => second.min(to),
            _ => second,
        };
        Duration::from_micros(u64::try_from(next - now).unwrap_or(0))
    }

    /// Looks at what there is to look at now.
    fn look(&mut self) {
        let now = self.now_us();
        match (self.shared.meters.measured(), &self.taken) {
            (Some((from, _)), Window::Ahead) if now >= from => {
                self.watch.look();
                self.watch.restart();
                self.taken = Window::Open;
            }
            (Some((_, to)), Window::Open) if now >= to => {
                self.watch.look();
                self.taken = Window::Over(self.watch.taken());
            }
            _ => {}
        }
        // The second that has just ended.
        let ended = now.div_euclid(SECOND_US) - 1;
        if ended >= self.next {
            self.record(ended);
        }
    }

    /// Tells of all that was counted since the last time as of one second (of
    /// Unix time).
    fn record(&mut self, second: i64) {
        let meters = &self.shared.meters;
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let now = Totals {
            accepted: load(&meters.accepted),
            errors: meters.error_count(),
            asked: load(&meters.asked),
            polls: load(&meters.polls),
        };
        let before = std::mem::replace(&mut self.before, now);
        self.recent.clear();
        meters.take_recent(&mut self.recent);
        let what = Second {
            accepted: now.accepted - before.accepted,
            shown: self.recent.count(),
            live: load(&meters.live),
            errors: now.errors - before.errors,
            asked: now.asked - before.asked,
            polls: now.polls - before.polls,
            latency: self.recent.spread(),
        };
        if self.looked.elapsed() >= SHORTEST_LOOK {
            self.using = self.watch.using();
            self.looked = Instant::now();
        }
        let at = u64::try_from(second - self.series.begins_at).unwrap_or_default();
        self.series.record(at, what, &self.using);
        self.next = second + 1;
    }

    /// With the second that has begun.
    fn end(mut self) -> Sampled {
        self.look();
        self.record(self.now_us().div_euclid(SECOND_US));
        let seconds = |us: i64| Duration::from_micros(us.unsigned_abs()).as_secs_f64();
        let measured = self.shared.meters.measured();
        self.series.measured = measured.map(|(from, to)| (seconds(from), seconds(to)));
        let processes = match self.taken {
            Window::Ahead => Vec::new(),
            Window::Open => {
                self.watch.look();
                self.watch.taken()
            }
            Window::Over(taken) => taken,
        };
        Sampled {
            series: self.series,
            processes,
        }
    }
}

/// Whether a time passed, before the sender was dropped.
fn passes(dropped: &mpsc::Receiver<()>, time: Duration) -> bool {
    matches!(dropped.recv_timeout(time), Err(RecvTimeoutError::Timeout))
}
