//! Runs of the load tester.

use std::{ffi::OsString, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use chrono::{SecondsFormat, Utc};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::Value;

use crate::{
    backlog::Sampler,
    found::Found,
    rows::{Load, Pace},
    stack::{Command, Stack},
    users::Seeded,
};

/// What the load tester ends with when it could not account for everything.
const NOT_HELD: i32 = 3;
/// Characters of a message.
const MESSAGE_CHARS: u32 = 60;
/// Who writes where a rate is given.
const SENDERS: u32 = 50;
/// Most connections of one process of the load tester.
const OF_ONE_TESTER: u32 = 15_000;
/// Files that it opens beside connections.
const TESTER_FILES: u32 = 2_000;
/// Files that a Centrifugo node opens beside connections.
const NODE_FILES: u32 = 1_000;
/// Longest that a run takes beside its ramp, warm-up and measured time.
const PATIENCE: Duration = Duration::from_mins(6);
/// Longest that a scenario measures by itself (s).
const OWN_DURATION_S: u32 = 600;
/// From the end of the ramp to the first message of several processes, at least.
const AGREED_AFTER: Duration = Duration::from_secs(10);
/// Connections that any machine opens in a second.
const SLOWEST_JOINS: u32 = 400;

/// Lets what we start open as many files as the system allows; how many.
pub(crate) fn open_files() -> anyhow::Result<u32> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    Ok(u32::try_from(most).unwrap_or(u32::MAX))
}

/// How many processes a load takes where each may open so many files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spread {
    /// Of the load tester.
    pub(crate) testers: u32,
    /// Of Centrifugo.
    pub(crate) nodes: u32,
}

impl Spread {
    /// In words; none: one process of each part, and one load tester.
    pub(crate) fn text(self) -> Option<String> {
        let testers = self.testers.max(self.nodes);
        match self {
            Self { nodes: 2, .. } => Some(format!(
                "two processes of each part, two Centrifugo nodes, {testers} load testers"
            )),
            _ if testers > 1 => Some(format!("{testers} load testers")),
            _ => None,
        }
    }

    pub(crate) fn of(load: &Load, open_files: u32) -> anyhow::Result<Self> {
        let at_most = |others| match open_files.saturating_sub(others) {
            0 => bail!("{open_files} open files are too few; allow more by `ulimit -n`"),
            connections => Ok(connections),
        };
        let of_one_tester = at_most(TESTER_FILES)?.min(OF_ONE_TESTER);
        let spread = Self {
            testers: load.members.div_ceil(of_one_tester),
            nodes: load.members.div_ceil(at_most(NODE_FILES)?).max(load.nodes),
        };
        if spread.nodes > 2 {
            bail!(
                "{} connections need {} Centrifugo nodes with {open_files} open files each, and two are started; \
                 allow more by `ulimit -n`",
                load.members,
                spread.nodes
            );
        }
        Ok(spread)
    }
}

/// Runs it once; what was found, and what waited meanwhile.
pub(crate) async fn run(
    stack: &Stack,
    seeded: &Seeded,
    load: &Load,
    spread: Spread,
) -> anyhow::Result<Found> {
    let report = stack.path("report.json");
    let sampler = Sampler::begin(stack)?;
    if spread.testers == 1 && spread.nodes == 1 {
        let mut words = words(stack, seeded, load);
        words.extend(["--report".into(), report.clone().into()]);
        let mut command = stack.loadtest("run.log", &words)?;
        finish(&mut command, patience(load)).await?;
    } else {
        in_parts(stack, seeded, load, spread, &report).await?;
    }
    let waited = sampler.end().await?;
    let mut found = Found::read(&read(&report)?);
    found.figures.extend(waited);
    Ok(found)
}

/// By several processes that begin together, each with a node of its own if
/// there are two.
async fn in_parts(
    stack: &Stack,
    seeded: &Seeded,
    load: &Load,
    spread: Spread,
    report: &Path,
) -> anyhow::Result<()> {
    let parts = spread.testers.max(spread.nodes);
    let begin =
        (Utc::now() + first_message_after(load)).to_rfc3339_opts(SecondsFormat::Millis, true);
    let mut commands = Vec::new();
    let mut files = Vec::new();
    for part in 1..=parts {
        let file = stack.path(&format!("part-{part}.json"));
        let mut words = words(stack, seeded, load);
        words.extend([
            "--part".into(),
            format!("{part}/{parts}").into(),
            "--begin-at".into(),
            begin.clone().into(),
            "--part-file".into(),
            file.clone().into(),
        ]);
        if spread.nodes == 2 && part % 2 == 0 {
            let port = stack.up.port("gateway-2");
            let port = port.context("there is no second gateway")?;
            words.extend(["--url".into(), format!("http://127.0.0.1:{port}").into()]);
        }
        files.push(file);
        commands.push(stack.loadtest(&format!("run-{part}.log"), &words)?);
    }
    for command in &mut commands {
        finish(command, patience(load)).await?;
    }
    let mut words: Vec<OsString> = vec!["merge".into(), "--report".into(), report.into()];
    words.extend(files.into_iter().map(OsString::from));
    finish(&mut stack.loadtest("merge.log", &words)?, PATIENCE).await
}

/// `run` with what the load is.
fn words(stack: &Stack, seeded: &Seeded, load: &Load) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![
        "run".into(),
        "--data".into(),
        stack.data().into(),
        "--users-file".into(),
        seeded.file.clone().into(),
        "--scenario".into(),
        load.scenario.into(),
    ];
    let mut number = |flag: &str, value: String| words.extend([flag.into(), value.into()]);
    number("--members", load.members.to_string());
    number("--message-chars", MESSAGE_CHARS.to_string());
    number("--ramp-s", load.ramp_s.to_string());
    number("--warm-up-s", load.warm_up_s.to_string());
    if let Some(duration_s) = load.duration_s {
        number("--duration-s", duration_s.to_string());
    }
    match load.pace {
        Pace::Rate(rate) => {
            number("--rate", rate.to_string());
            number("--senders", SENDERS.min(load.members).to_string());
        }
        Pace::ClosedLoop(senders) => {
            number("--senders", senders.to_string());
            words.push("--closed-loop".into());
        }
    }
    words
}

/// From the start of several processes to their first message: all members have
/// to follow the room by then.
fn first_message_after(load: &Load) -> Duration {
    AGREED_AFTER + Duration::from_secs((load.ramp_s + load.members / SLOWEST_JOINS).into())
}

fn patience(load: &Load) -> Duration {
    let duration_s = load.duration_s.unwrap_or(OWN_DURATION_S);
    PATIENCE + Duration::from_secs((load.ramp_s + load.warm_up_s + duration_s).into())
}

/// Waits for its end; whether everything was accounted for is in its report.
async fn finish(command: &mut Command, patience: Duration) -> anyhow::Result<()> {
    match command.code(patience).await? {
        0 | NOT_HELD => Ok(()),
        code => bail!("plaza loadtest ended with {code}: {}", command.last_words()),
    }
}

fn read(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read(path)
        .with_context(|| format!("the load tester left no {}", path.display()))?;
    Ok(serde_json::from_slice(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{ROWS, Work};

    fn load(name: &str) -> Load {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        match row.work {
            Work::Load(load) => load,
            _ => panic!("{name} is no load"),
        }
    }

    #[test]
    fn there_are_as_many_processes_as_connections_need() {
        let spread = |name, files| {
            let spread = Spread::of(&load(name), files).unwrap();
            (spread.testers, spread.nodes)
        };
        assert_eq!(spread("room-100", 4_096), (1, 1));
        assert_eq!(spread("room-10000", 20_000), (1, 1));
        assert_eq!(spread("room-30000", 20_000), (2, 2));
        assert_eq!(spread("room-30000", 1 << 20), (2, 2));
        assert_eq!(spread("storm", 20_000), (2, 2));
        assert_eq!(spread("storm", 1 << 20), (2, 1));
        let words = |name| Spread::of(&load(name), 1 << 20).unwrap().text();
        assert_eq!(words("room-100"), None);
        assert_eq!(words("storm").as_deref(), Some("2 load testers"));
        assert!(
            words("room-30000")
                .unwrap()
                .contains("two Centrifugo nodes")
        );
        for files in [100, 2_000, 4_096] {
            let error = Spread::of(&load("storm"), files).unwrap_err();
            assert!(error.to_string().contains("ulimit"), "{error}");
        }
    }
}
