//! A part's log line, made readable: time, part, level, message, fields.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::name::PartName;

/// Fields that say nothing to a reader at a terminal; the file has them.
const HIDDEN: [&str; 6] = [
    "target",
    "span",
    "spans",
    "trace_id",
    "span_id",
    "traceparent",
];
/// A longer line is cut here; the file has all of it.
const MAX_CHARS: usize = 400;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// What stands near the beginning of each line that one of our own parts writes
/// at its usual level.
const ROUTINE: &[u8] = br#","level":"INFO","#;
/// Behind the time, which is shorter than this.
const ROUTINE_BEFORE: usize = 80;

/// Whether a line of our own parts is of the usual level, without taking it
/// apart; false where that is not clear.
pub(crate) fn is_routine(part: PartName, line: &[u8]) -> bool {
    let start = &line[..line.len().min(ROUTINE_BEFORE)];
    part.is_own() && start.windows(ROUTINE.len()).any(|bytes| bytes == ROUTINE)
}

/// A log line, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLine {
    pub(crate) level: Level,
    message: String,
    /// Time of day, where the line tells it.
    time: Option<String>,
}

impl LogLine {
    /// Reads a line as the part writes it.
    pub(crate) fn parse(part: PartName, line: &[u8]) -> Self {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        match part {
            PartName::Postgres => Self::postgres(text),
            PartName::Redis => Self::redis(text),
            _ => match serde_json::from_str::<Map<String, Value>>(text) {
                Ok(fields) => Self::json(fields),
                // What is not a log line is a panic or a library's complaint.
                Err(_) => Self::plain(Level::Error, text),
            },
        }
    }

    /// Whether a reader at the terminal should see it: all that Plaza's parts
    /// say, and of the servers errors; they warn of much that is no concern here.
    pub(crate) fn is_shown(&self, part: PartName) -> bool {
        let least = if part.is_own() {
            Level::Debug
        } else {
            Level::Error
        };
        self.level >= least && !self.message.is_empty()
    }

    pub(crate) fn plain(level: Level, text: &str) -> Self {
        Self {
            level,
            message: text.to_owned(),
            time: None,
        }
    }

    fn json(mut fields: Map<String, Value>) -> Self {
        let mut take = |names: [&str; 2]| {
            names
                .into_iter()
                .find_map(|name| fields.remove(name))
                .and_then(|value| value.as_str().map(str::to_owned))
        };
        let level = match take(["level", "lvl"]).as_deref() {
            Some("ERROR" | "error" | "fatal") => Level::Error,
            Some("WARN" | "warn") => Level::Warn,
            Some("DEBUG" | "debug" | "TRACE" | "trace") => Level::Debug,
            _ => Level::Info,
        };
        let time = take(["timestamp", "time"]).and_then(|time| {
            let (_, clock) = time.split_once('T')?;
            clock.get(..8).map(str::to_owned)
        });
        let mut message = take(["message", "msg"]).unwrap_or_default();
        for (name, value) in &fields {
            if HIDDEN.contains(&name.as_str()) {
                continue;
            }
            let _ = match value {
                Value::String(text) if !text.is_empty() && !text.contains(' ') => {
                    write!(message, " {name}={text}")
                }
                Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
                    Some(fraction) => write!(message, " {name}={fraction:.1}"),
                    None => write!(message, " {name}={number}"),
                },
                other => write!(message, " {name}={other}"),
            };
        }
        Self {
            level,
            message,
            time,
        }
    }

    /// `2026-11-24 18:00:00.000 UTC [7] LOG:  message`
    fn postgres(text: &str) -> Self {
        let Some((_, rest)) = text.split_once("] ") else {
            return Self::plain(Level::Info, text);
        };
        let level = match rest.split(':').next() {
            Some("WARNING") => Level::Warn,
            Some("ERROR" | "FATAL" | "PANIC") => Level::Error,
            _ => Level::Info,
        };
        Self::plain(level, rest)
    }

    /// `7:M 24 Nov 2026 18:00:00.000 # message`, where `#` is a warning.
    fn redis(text: &str) -> Self {
        let mut words = text.splitn(7, ' ');
        match (words.nth(5), words.next()) {
            (Some("#"), Some(message)) => Self::plain(Level::Warn, message),
            (Some(_), Some(message)) => Self::plain(Level::Info, message),
            _ => Self::plain(Level::Info, text),
        }
    }

    /// One line for people. `now` is the time of day for lines without one.
    pub(crate) fn render(&self, part: PartName, now: &str, colour: bool) -> String {
        let time = self.time.as_deref().unwrap_or(now);
        let (paint, level) = match self.level {
            Level::Debug => ("2", "debug"),
            Level::Info => ("32", "info"),
            Level::Warn => ("33", "warn"),
            Level::Error => ("31", "error"),
        };
        let message = tame(&self.message);
        if colour {
            format!(
                "\x1b[2m{time}\x1b[0m \x1b[36m{part:<10}\x1b[0m \x1b[{paint}m{level:<5}\x1b[0m {message}"
            )
        } else {
            format!("{time} {part:<10} {level:<5} {message}")
        }
    }
}

/// Cut to a length, and without characters that would steer a terminal.
fn tame(text: &str) -> String {
    let mut tame: String = text
        .chars()
        .take(MAX_CHARS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        tame.push('…');
    }
    tame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_usual_level_is_known_without_taking_it_apart() {
        let line = |level: &str, message: &str| {
            let time = "2026-11-24T18:00:00.123456Z";
            let fields = serde_json::json!({ "message": message });
            let fields = fields.to_string();
            let fields = &fields[1..];
            format!(r#"{{"timestamp":"{time}","level":"{level}",{fields}"#).into_bytes()
        };
        let routine = line("INFO", "POST /graphql 200");
        assert_eq!(
            LogLine::parse(PartName::Gateway, &routine).level,
            Level::Info
        );
        assert!(is_routine(PartName::Gateway, &routine));
        assert!(!is_routine(PartName::Redis, &routine));
        for level in ["WARN", "ERROR"] {
            let quoting = line(level, r#"{"a":1,"level":"INFO","b":2}"#);
            assert!(!is_routine(PartName::Gateway, &quoting), "{level}");
        }
        assert!(!is_routine(PartName::Gateway, b"thread 'main' panicked"));
        assert!(!is_routine(PartName::Gateway, b""));
    }

    fn shown(part: PartName, line: &str) -> Option<String> {
        let parsed = LogLine::parse(part, line.as_bytes());
        parsed
            .is_shown(part)
            .then(|| parsed.render(part, "09:00:00", false))
    }

    #[test]
    fn a_json_line_becomes_one_readable_line() {
        let line = r#"{"timestamp":"2026-11-24T18:03:04.123456Z","level":"WARN","message":"slow","target":"plaza_auth","elapsed_ms":12.345,"status":200,"note":"two words"}"#;
        assert_eq!(
            shown(PartName::Auth, line).unwrap(),
            r#"18:03:04 auth       warn  slow elapsed_ms=12.3 note="two words" status=200"#
        );
    }

    #[test]
    fn what_is_no_json_of_our_own_parts_is_shown_as_an_error() {
        let panic = "thread 'main' panicked at main.rs:1";
        assert_eq!(
            shown(PartName::Gateway, panic).unwrap(),
            format!("09:00:00 gateway    error {panic}")
        );
    }

    #[test]
    fn of_the_servers_only_errors_are_shown() {
        let postgres = "2026-11-24 18:00:00.000 UTC [7] LOG:  checkpoint starting";
        assert_eq!(shown(PartName::Postgres, postgres), None);
        let fatal = "2026-11-24 18:00:00.000 UTC [7] FATAL:  out of memory";
        assert!(
            shown(PartName::Postgres, fatal)
                .unwrap()
                .ends_with("error FATAL:  out of memory")
        );
        assert_eq!(
            shown(PartName::Redis, "7:M 24 Nov 2026 18:00:00.000 * Ready"),
            None
        );
        let warning = LogLine::parse(PartName::Redis, b"7:M 24 Nov 2026 18:00:00.000 # Disk full");
        assert_eq!(warning, LogLine::plain(Level::Warn, "Disk full"));
        let info = r#"{"level":"info","time":"2026-11-24T18:00:00Z","message":"serving"}"#;
        assert_eq!(shown(PartName::Centrifugo, info), None);
    }

    #[test]
    fn nothing_in_a_line_steers_the_terminal() {
        let line = r#"{"level":"INFO","message":"a\u001b[2Jb\nc"}"#;
        let text = shown(PartName::Rooms, line).unwrap();
        assert!(text.ends_with("a [2Jb c"), "{text:?}");
    }

    #[test]
    fn a_long_line_is_cut() {
        let line = format!(r#"{{"level":"INFO","message":"{}"}}"#, "é".repeat(1000));
        let text = shown(PartName::Rooms, &line).unwrap();
        assert!(text.chars().count() < 450 && text.ends_with('…'));
    }
}
