//! Starts all of Plaza as separate processes, lets people write and read in it
//! while its parts are killed, paused, cut off and told a wrong time on a seeded
//! schedule, and counts: what was accepted, what came over the wire, and what
//! each person's screen shows by the client's rule. Ends with 1, and the seed,
//! when something is missing, doubled, out of order, or back later than it may be.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line speaks on its standard streams"
)]

mod catch_up;
mod channels;
mod check;
mod clock;
mod crossings;
mod disk;
mod endings;
mod fault;
mod graphql;
mod layout;
mod load;
mod network;
mod opening;
mod part;
mod person;
mod reader;
mod recovery;
mod report;
mod schedule;
mod screen;
mod stack;
mod tide;
mod timeline;
mod twin;
mod wire;
mod writer;

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use clap::{CommandFactory as _, Parser};

use crate::{
    fault::Injector,
    load::Load,
    part::Part,
    recovery::{Recoveries, Recovery},
    report::Report,
    schedule::{Bounds, Kind, Schedule},
    stack::{Options, Stack},
};

/// Breaks a running Plaza on a seeded schedule and counts what people saw
#[derive(Debug, clap::Parser)]
#[command(
    name = "plaza-chaos",
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
struct Cli {
    #[command(flatten)]
    chaos: Option<Args>,
    #[command(subcommand)]
    instead: Option<Instead>,
}

/// Something else than faults.
#[derive(Debug, clap::Subcommand)]
enum Instead {
    Endings(endings::EndingsArgs),
}

/// A run of faults.
#[derive(Debug, clap::Args)]
struct Args {
    /// The executable that is tested
    #[arg(long)]
    plaza: PathBuf,
    /// Repeats the schedule and the choices of an earlier run [default: a new one, printed]
    #[arg(long)]
    seed: Option<u64>,
    /// How long faults are made (s)
    #[arg(long, default_value_t = 60)]
    duration_s: u64,
    /// From one fault to the next (s)
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    every_s: u64,
    /// Longest pause, cut, full disk or clock step (s)
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pause_s: u64,
    /// Faults of these kinds alone
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Kind>,
    /// Faults of these parts alone, and of connections to and from them
    #[arg(long, value_enum, value_delimiter = ',')]
    of: Vec<Part>,
    /// Processes of each service; with 2 one may die while the other goes on
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    replicas: u8,
    /// How many people take part, each connected and writing
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..=1000))]
    people: u16,
    /// How many rooms they share
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=100))]
    rooms: u16,
    /// From how many members on a room has a channel of its own [default: 30 of 100 people]
    #[arg(long, value_parser = clap::value_parser!(u16).range(2..))]
    fanout_threshold: Option<u16>,
    /// Messages a second, of all people together
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// How long the screens may take to be whole after the last fault (s)
    #[arg(long, default_value_t = 90)]
    patience_s: u64,
    /// Where the report goes, as JSON
    #[arg(long)]
    report: Option<PathBuf>,
}

impl Args {
    fn threshold(&self) -> usize {
        let threshold = self.fanout_threshold.unwrap_or(self.people * 3 / 10);
        usize::from(threshold).max(2)
    }
}

/// Connections of each process, so that PostgreSQL has enough for two of each.
const DATABASE_CONNECTIONS: &str = "10";

fn main() -> ExitCode {
    plaza_kit::install_crypto();
    let cli = Cli::parse();
    if let Some(Instead::Endings(args)) = cli.instead {
        return match block_on(endings::run(&args)) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => {
                eprintln!("plaza-chaos: somebody kept access for longer than the bound");
                ExitCode::FAILURE
            }
            Err(error) => {
                eprintln!("plaza-chaos: {error:#}");
                ExitCode::from(2)
            }
        };
    }
    let Some(args) = cli.chaos else {
        let nothing = clap::error::ErrorKind::MissingRequiredArgument;
        Cli::command().error(nothing, "--plaza is missing").exit()
    };
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    // Before there are threads.
    let disk = match disk::own_mounts() {
        Ok(()) => true,
        Err(error) => {
            println!("No full disks in this run: {error:#}");
            false
        }
    };
    match block_on(run(&args, seed, disk)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("plaza-chaos: the promise was broken; repeat it with --seed {seed}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("plaza-chaos: {error:#} (seed {seed})");
            ExitCode::from(2)
        }
    }
}

fn block_on<T>(run: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Runtime::new()?.block_on(run)
}

async fn run(args: &Args, seed: u64, disk: bool) -> anyhow::Result<bool> {
    println!("seed {seed}");
    let bounds = Bounds {
        duration: Duration::from_secs(args.duration_s),
        every: Duration::from_secs(args.every_s),
        longest: Duration::from_secs(args.pause_s),
        replicas: args.replicas,
        kinds: args.only.clone(),
        parts: args.of.clone(),
    };
    let schedule = Schedule::new(seed, &bounds);
    let options = Options {
        replicas: args.replicas,
        disk,
        clocks: args.only.is_empty() || args.only.contains(&Kind::Clock),
        environment: vec![
            (
                "PLAZA_DATABASE_MAX_CONNECTIONS",
                DATABASE_CONNECTIONS.to_owned(),
            ),
            ("PLAZA_ROOMS_FANOUT_THRESHOLD", args.threshold().to_string()),
            // Each keeps all rooms open, where a browser keeps three.
            ("PLAZA_RATE_USER_PER_SECOND", "10000".to_owned()),
            ("PLAZA_RATE_USER_BURST", "300000".to_owned()),
        ],
    };
    let stack = Stack::start(&args.plaza, options).await?;
    let held = break_it(args, seed, bounds.duration, &schedule, &stack).await;
    if !matches!(held, Ok(true)) {
        stack.keep_logs();
    }
    held
}

/// Goes through the schedule while people write and read, and reports.
async fn break_it(
    args: &Args,
    seed: u64,
    duration: Duration,
    schedule: &Schedule,
    stack: &Stack,
) -> anyhow::Result<bool> {
    let url = stack.url()?;
    println!("Plaza runs at {url}");
    let recoveries = Arc::new(Recoveries::new(args.people.into(), args.replicas));
    let load = Load::start(&url, args, seed, recoveries.clone()).await?;
    println!(
        "{} people write {} messages a second in {} rooms; {} faults follow",
        args.people,
        args.rate,
        args.rooms,
        schedule.faults.len()
    );
    let injector = Injector::new(stack, recoveries);
    injector.run(schedule, duration, || load.progress()).await?;
    let end = load.finish(Duration::from_secs(args.patience_s)).await?;
    let in_time = !end.recoveries.iter().any(Recovery::is_slow) && !end.silence.is_for_good();
    let holds = end.verdict.holds() && in_time;
    let report = Report::new(seed, args, schedule, &end);
    print!("{}", report.text());
    if let Some(path) = &args.report {
        report.write(path)?;
        println!("The report is in {}", path.display());
    }
    Ok(holds)
}
