//! What a command shows while it works: a bar on a terminal, and a line now and
//! then elsewhere.

use std::{
    io::IsTerminal as _,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a bar moves by itself.
const TICK: Duration = Duration::from_millis(200);

/// How often there is a line where no terminal is (s).
const LINE_EVERY_S: u64 = 10;

/// One step of a command.
#[derive(Debug)]
pub(crate) struct Step {
    bar: ProgressBar,
    what: &'static str,
    is_terminal: bool,
    /// When the last line was, from the beginning (s).
    told_at_s: AtomicU64,
}

impl Step {
    /// Begins a step of so many parts.
    pub(crate) fn begin(what: &'static str, parts: u64) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::new(parts).with_message("");
        // A template that is wrong shows the usual one.
        if let Ok(style) =
            ProgressStyle::with_template("{prefix:24} {wide_bar} {pos}/{len} {elapsed:>4} {msg}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(what);
        bar.enable_steady_tick(TICK);
        Self {
            bar,
            what,
            is_terminal,
            told_at_s: AtomicU64::new(0),
        }
    }

    /// So many parts are done.
    pub(crate) fn done(&self, parts: u64) {
        self.bar.set_position(parts);
        let now_s = self.bar.elapsed().as_secs();
        let told_at_s = self.told_at_s.load(Ordering::Relaxed);
        if !self.is_terminal && now_s >= told_at_s + LINE_EVERY_S {
            self.told_at_s.store(now_s, Ordering::Relaxed);
            let all = self.bar.length().unwrap_or_default();
            eprintln!("{:24} {parts} of {all} after {now_s} s", self.what);
        }
    }

    /// What else there is to say.
    pub(crate) fn say(&self, message: String) {
        self.bar.set_message(message);
    }

    /// Ends the step and leaves a line.
    pub(crate) fn end(self, message: &str) {
        let elapsed = self.bar.elapsed().as_secs_f64();
        self.bar.finish_and_clear();
        eprintln!("{:24} {message} in {elapsed:.1} s", self.what);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
