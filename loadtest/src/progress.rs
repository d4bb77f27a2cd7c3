//! What a command shows while it works: a bar on a terminal, and a line a step
//! elsewhere.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a bar moves by itself.
const TICK: Duration = Duration::from_millis(200);

/// One step of a command.
#[derive(Debug)]
pub(crate) struct Step {
    bar: ProgressBar,
    what: &'static str,
}

impl Step {
    /// Begins a step of so many parts.
    pub(crate) fn begin(what: &'static str, parts: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            eprintln!("{what} …");
        }
        let bar = ProgressBar::new(parts).with_message("");
        // A template that is wrong shows the usual one.
        if let Ok(style) =
            ProgressStyle::with_template("{prefix:24} {wide_bar} {pos}/{len} {elapsed:>4} {msg}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(what);
        bar.enable_steady_tick(TICK);
        Self { bar, what }
    }

    /// So many parts are done.
    pub(crate) fn done(&self, parts: u64) {
        self.bar.set_position(parts);
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
