//! Measures a Plaza on this machine: starts it as separate processes on
//! throw-away data, loads it by `plaza loadtest`, and puts what it reaches
//! beside what it has to reach. Ends with 0 when everything was measured and
//! accounted for, whether or not it was reached; with 3 when a delivery is not
//! accounted for; with 1 when something could not be measured.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line speaks on its standard streams"
)]

mod backlog;
mod curves;
mod documents;
mod figure;
mod found;
mod graphql;
mod loads;
mod machine;
mod measure;
mod memory;
mod model;
mod reads;
mod report;
mod rows;
mod stack;
mod times;
mod users;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    machine::Machine,
    measure::Way,
    report::Report,
    rows::{ROWS, Row},
    stack::Host,
};

/// Measured, and a delivery is not accounted for.
const NOT_HELD: u8 = 3;
/// What a program ends with that was told to by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Measures a Plaza of separate processes on this machine against targets
#[derive(Debug, clap::Parser)]
#[command(name = "plaza-bench", max_term_width = 100)]
struct Args {
    /// The executable that is measured, built for release
    #[arg(long, required_unless_present_any = ["list", "simulate"])]
    plaza: Option<PathBuf>,
    /// These rows alone
    #[arg(long, value_name = "ROW", value_delimiter = ',', num_args = 1.., value_parser = row)]
    only: Vec<&'static Row>,
    /// Says which rows there are
    #[arg(long)]
    list: bool,
    /// Simulates the rows with a fixed rate, by the costs of docs/performance.md, and measures nothing
    #[arg(long)]
    simulate: bool,
    /// How often each row is measured, in place of its own number; medians count
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    repetitions: Option<u32>,
    /// Messages of the longest history that is seeded; ten million take about 8 GB
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1_000..=1_000_000_000))]
    longest_history: u64,
    /// Where the data of the measured Plaza is, until it ends [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Where the report goes, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Where the table goes, as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// In seconds, to show that everything works: its figures are none
    #[arg(long, hide = true)]
    quick: bool,
}

fn row(name: &str) -> Result<&'static Row, String> {
    rows::find(name).ok_or_else(|| {
        let names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        format!("there is {}", names.join(", "))
    })
}

fn main() -> ExitCode {
    plaza_kit::install_crypto();
    let args = Args::parse();
    if args.list {
        for row in &ROWS {
            println!("{:<20} {}", row.name, row.title);
        }
        return ExitCode::SUCCESS;
    }
    if args.simulate {
        print!("{}", model::text());
        return ExitCode::SUCCESS;
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    match runtime.block_on(until_signal(args)) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("plaza-bench: {error:#}");
    ExitCode::FAILURE
}

/// Runs; a signal drops what runs, and with it everything that was started.
async fn until_signal(args: Args) -> anyhow::Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        code = run(args) => code,
        _ = interrupt.recv() => Ok(INTERRUPTED.into()),
        _ = terminate.recv() => Ok(INTERRUPTED.into()),
    }
}

async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let plaza = args.plaza.as_deref().context("--plaza is missing")?;
    let way = Way {
        host: Host::new(plaza, args.folder.clone())?,
        repetitions: args.repetitions,
        longest_history: args.longest_history,
        quick: args.quick,
        open_files: loads::open_files()?,
    };
    let mut rows = args.only;
    if rows.is_empty() {
        rows = ROWS.iter().collect();
    }
    let mut report = Report::new(Machine::this(), args.quick);
    for (number, row) in rows.iter().enumerate() {
        println!(
            "[{}/{}] {}: {}",
            number + 1,
            rows.len(),
            row.name,
            row.title
        );
        report.rows.push(way.measure(row).await);
        // After each, so that what was measured stays when the rest is not.
        write(&report, args.report.as_deref(), args.markdown.as_deref())?;
    }
    print!("\n{}", report.text());
    if !report.held() {
        eprintln!("plaza-bench: not every delivery is accounted for");
        return Ok(NOT_HELD.into());
    }
    if !report.is_whole() {
        eprintln!("plaza-bench: not everything could be measured");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn write(report: &Report, json: Option<&Path>, markdown: Option<&Path>) -> anyhow::Result<()> {
    let write = |path: &Path, text: Vec<u8>| {
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    if let Some(path) = json {
        write(path, serde_json::to_vec_pretty(report)?)?;
    }
    if let Some(path) = markdown {
        write(path, report.markdown().into_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_named_and_unknown_ones_are_refused() {
        let parse = |words: &[&str]| Args::try_parse_from([&["plaza-bench"], words].concat());
        let args = parse(&["--plaza", "p", "--only", "reads,room-100"]).unwrap();
        let names: Vec<_> = args.only.iter().map(|row| row.name).collect();
        assert_eq!(names, ["reads", "room-100"]);
        let error = parse(&["--plaza", "p", "--only", "room-7"]).unwrap_err();
        assert!(error.to_string().contains("room-100"), "{error}");
        assert!(parse(&[]).is_err());
        assert!(parse(&["--list"]).is_ok());
    }
}
