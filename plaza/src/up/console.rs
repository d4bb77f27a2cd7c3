//! What the person at the terminal sees.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::log_line::{self, Level, LogLine};
use super::name::PartName;

/// Lines that may wait for the terminal.
const WAITING_LINES: usize = 1024;

/// Writes lines to standard output on a thread of its own. A terminal that is
/// halted (Ctrl-S) or gone holds up nobody: lines beyond the bound are left out.
#[derive(Debug, Clone)]
pub(crate) struct Console {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    lines: Mutex<Option<SyncSender<String>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    left_out: AtomicU64,
    everything: AtomicBool,
    colour: bool,
}

impl Console {
    pub(crate) fn start() -> Self {
        let (lines, waiting) = sync_channel::<String>(WAITING_LINES);
        let colour = std::io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let writer = std::thread::spawn(move || {
            for line in waiting {
                // A terminal that was closed takes no more lines; we go on.
                let _ = writeln!(std::io::stdout(), "{line}");
            }
        });
        Self {
            shared: Arc::new(Shared {
                lines: Mutex::new(Some(lines)),
                writer: Mutex::new(Some(writer)),
                left_out: AtomicU64::new(0),
                everything: AtomicBool::new(false),
                colour,
            }),
        }
    }

    /// A line of our own.
    pub(crate) fn say(&self, line: impl Into<String>) {
        let lines = self.lock();
        let Some(lines) = lines.as_ref() else { return };
        let left_out = self.shared.left_out.swap(0, Ordering::Relaxed);
        if left_out > 0
            && lines
                .try_send(format!("… {left_out} lines left out"))
                .is_err()
        {
            self.shared.left_out.fetch_add(left_out, Ordering::Relaxed);
        }
        if lines.try_send(line.into()).is_err() {
            self.shared.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A step that is done.
    pub(crate) fn done(&self, what: &str, since: Instant) {
        let seconds = since.elapsed().as_secs_f64();
        let tick = if self.shared.colour {
            "\x1b[32m✓\x1b[0m"
        } else {
            "✓"
        };
        self.say(format!("  {tick} {what} ({seconds:.1} s)"));
    }

    /// From now on all that the parts say; until then, so that the steps can be
    /// followed, only what is wrong.
    pub(crate) fn show_everything(&self) {
        self.shared.everything.store(true, Ordering::Relaxed);
    }

    /// A line of a part's log, as the part wrote it.
    pub(crate) fn log(&self, part: PartName, line: &[u8]) {
        let everything = self.shared.everything.load(Ordering::Relaxed);
        if !everything && log_line::is_routine(part, line) {
            return;
        }
        let line = LogLine::parse(part, line);
        if line.is_shown(part) && (everything || line.level >= Level::Warn) {
            self.say(line.render(part, &now(), self.shared.colour));
        }
    }

    /// Something about a part that we have to tell.
    pub(crate) fn event(&self, part: PartName, level: Level, message: &str) {
        self.say(LogLine::plain(level, message).render(part, &now(), self.shared.colour));
    }

    /// Text that stands out.
    pub(crate) fn strong(&self, text: &str) -> String {
        if self.shared.colour {
            format!("\x1b[1m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Writes what is waiting, as far as the terminal takes it at once.
    pub(crate) async fn finish(&self) {
        self.lock().take();
        let writer = self
            .shared
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let deadline = Instant::now() + Duration::from_secs(1);
        while writer.as_ref().is_some_and(|writer| !writer.is_finished())
            && Instant::now() < deadline
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<SyncSender<String>>> {
        self.shared
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> String {
    chrono::Utc::now().format("%H:%M:%S").to_string()
}
