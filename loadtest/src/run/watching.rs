//! Processes of this machine, while it is measured.

use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use tokio::time::Instant;

use crate::processes::{Taken, Watch, Watched};

/// How often processes are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Looks at processes on a thread of its own: it reads many small files.
#[derive(Debug)]
pub(super) struct Watching {
    /// Dropped to end it early.
    until_dropped: mpsc::Sender<()>,
    thread: thread::JoinHandle<Option<Watch>>,
}

impl Watching {
    /// Looks from a moment on, for so long at most.
    pub(super) fn begin(processes: Vec<Watched>, from: Instant, time: Duration) -> Self {
        let (until_dropped, dropped) = mpsc::channel();
        let thread = thread::spawn(move || {
            if !passes(&dropped, from.saturating_duration_since(Instant::now())) {
                return None;
            }
            let mut watch = Watch::begin(processes);
            let until = from + time;
            loop {
                let left = until.saturating_duration_since(Instant::now());
                let goes_on = passes(&dropped, left.min(EVERY));
                watch.look();
                if !goes_on || left.is_zero() {
                    return Some(watch);
                }
            }
        });
        Self {
            until_dropped,
            thread,
        }
    }

    /// What each took. One that failed, or was ended before it began, has
    /// looked at nothing.
    pub(super) fn end(self) -> Vec<Taken> {
        drop(self.until_dropped);
        let watch = self.thread.join().ok().flatten();
        watch.map_or_else(Vec::new, |watch| watch.taken())
    }
}

/// Whether a time passed, before the sender was dropped.
fn passes(dropped: &mpsc::Receiver<()>, time: Duration) -> bool {
    matches!(dropped.recv_timeout(time), Err(RecvTimeoutError::Timeout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_can_be_ended_before_its_time_and_before_its_begin() {
        let (now, day) = (Instant::now(), Duration::from_hours(24));
        assert_eq!(Watching::begin(Vec::new(), now + day, day).end(), []);
        let watching = Watching::begin(Vec::new(), now, Duration::ZERO);
        while !watching.thread.is_finished() {
            thread::yield_now();
        }
        assert_eq!(watching.end().len(), 1, "this process");
    }
}
