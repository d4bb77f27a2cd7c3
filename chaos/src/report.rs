//! What a run found, for people and as JSON.

use std::{fmt::Write as _, path::Path, sync::atomic::Ordering};

use anyhow::Context as _;
use serde::Serialize;

use crate::{
    Args,
    check::Verdict,
    load::End,
    recovery::{Recovery, Silence},
    schedule::Schedule,
};

/// Of those who are behind, so many are named on the terminal.
const BEHIND_SHOWN: usize = 10;

/// The whole of it.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    seed: u64,
    duration_s: u64,
    people: u16,
    rooms: u16,
    replicas: u8,
    faults: usize,
    accepted: u64,
    /// Sends that took longer than a second, most of them by retries.
    slow_sends: u64,
    stored: usize,
    events: u64,
    repeats: u64,
    gaps: u64,
    connections: u64,
    recovered: u64,
    /// Channels of rooms that were opened.
    channels: u64,
    polls: u64,
    /// Answers that too much was asked.
    limited: u64,
    /// Rooms that were given a channel of their own, and that lost it.
    crossings: (usize, usize),
    /// From the last send until every screen was whole (ms).
    whole_after_ms: Option<u64>,
    verdict: &'a Verdict,
    /// Who does not see all of a room.
    behind: &'a [String],
    recoveries: &'a [Recovery],
    silence: Silence,
}

impl<'a> Report<'a> {
    pub(crate) fn new(seed: u64, args: &Args, schedule: &Schedule, end: &'a End) -> Self {
        let counts = &end.counts;
        Self {
            seed,
            duration_s: args.duration_s,
            people: args.people,
            rooms: args.rooms,
            replicas: args.replicas,
            faults: schedule.faults.len(),
            accepted: end.accepted,
            slow_sends: end.retried,
            stored: end.stored,
            events: counts.events.load(Ordering::Relaxed),
            repeats: counts.repeats.load(Ordering::Relaxed),
            gaps: counts.gaps.load(Ordering::Relaxed),
            connections: counts.connections.load(Ordering::Relaxed),
            recovered: counts.recovered.load(Ordering::Relaxed),
            channels: counts.channels.load(Ordering::Relaxed),
            crossings: counts.crossings.counts(),
            polls: counts.polls.load(Ordering::Relaxed),
            limited: end.limited,
            whole_after_ms: end.whole_after_ms,
            verdict: &end.verdict,
            behind: &end.behind,
            recoveries: &end.recoveries,
            silence: end.silence,
        }
    }

    /// For a terminal.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let whole = self.whole_after_ms.map_or_else(
            || "never".to_owned(),
            |ms| {
                format!(
                    "{:.1} s after the last send",
                    std::time::Duration::from_millis(ms).as_secs_f64()
                )
            },
        );
        let verdict = self.verdict;
        let _ = writeln!(
            text,
            "\n{} faults in {} s, {} people, {} rooms\n\
             {} accepted ({} slower than 1 s), {} stored\n\
             {} events on the wire: {} repeats, {} gaps; {} connections, {} of them recovered; {} polls; {} questions were limited\n\
             {} rooms crossed the threshold upwards, {} downwards; {} channels of rooms opened\n\
             every screen was whole: {whole}\n\
             not stored {}, stored twice {}, disordered in the database {}\n\
             on the screens: {} missing, {} doubled, {} disordered, {} outdated\n",
            self.faults,
            self.duration_s,
            self.people,
            self.rooms,
            self.accepted,
            self.slow_sends,
            self.stored,
            self.events,
            self.repeats,
            self.gaps,
            self.connections,
            self.recovered,
            self.polls,
            self.limited,
            self.crossings.0,
            self.crossings.1,
            self.channels,
            verdict.not_stored,
            verdict.stored_twice,
            verdict.disordered_stored,
            verdict.missing,
            verdict.doubled,
            verdict.disordered,
            verdict.outdated,
        );
        for line in self.behind.iter().take(BEHIND_SHOWN) {
            let _ = writeln!(text, "  {line}");
        }
        if let Some(more) = self.behind.len().checked_sub(BEHIND_SHOWN + 1) {
            let _ = writeln!(text, "  and {} more; the report names all\n", more + 1);
        }
        text.push_str(
            "The longest that what was sent after a fault took to be pushed, over all people:\n",
        );
        for recovery in self.recoveries {
            let names: Vec<_> = recovery.targets.iter().map(ToString::to_string).collect();
            let _ = write!(
                text,
                "  {:<10} {:<46} {:>3}   p50 {:>6} ms   max {:>6} ms",
                recovery.kind,
                names.join(" and "),
                recovery.faults,
                recovery.p50_ms,
                recovery.max_ms
            );
            if let Some(bound) = recovery.bound_ms {
                let _ = write!(text, "   of {bound:>5} ms");
            }
            if recovery.unreached > 0 {
                let _ = write!(text, "   {} people were not reached", recovery.unreached);
            }
            text.push_str(if recovery.is_slow() {
                "   SLOW\n"
            } else {
                "\n"
            });
        }
        let _ = writeln!(
            text,
            "The longest that somebody was pushed nothing, of the time in which nothing was broken: {:.1} s{}",
            std::time::Duration::from_millis(self.silence.longest_ms.unsigned_abs()).as_secs_f64(),
            if self.silence.is_for_good() {
                "   FOR GOOD"
            } else {
                ""
            }
        );
        text
    }

    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}
