//! Starts all of Plaza as separate processes, lets people write and read in it
//! while its parts are killed and paused on a seeded schedule, and counts: what
//! was accepted, what came over the wire, and what each person's screen shows
//! by the client's rule. Ends with 1, and the seed, when something is missing,
//! doubled or out of order.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line speaks on its standard streams"
)]

mod check;
mod fault;
mod graphql;
mod load;
mod person;
mod reader;
mod recovery;
mod report;
mod schedule;
mod stack;
mod timeline;
mod wire;
mod writer;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;

use crate::{
    check::Verdict, fault::Injector, load::Load, report::Report, schedule::Schedule, stack::Stack,
};

/// Breaks a running Plaza on a seeded schedule and counts what people saw
#[derive(Debug, clap::Parser)]
#[command(name = "plaza-chaos", max_term_width = 100)]
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
    /// Longest pause of a part by SIGSTOP (s)
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pause_s: u64,
    /// How many people take part, each connected and writing
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..=1000))]
    people: u16,
    /// How many rooms they share
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=100))]
    rooms: u16,
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

#[tokio::main]
async fn main() -> ExitCode {
    plaza_kit::install_crypto();
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    match run(&args, seed).await {
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

async fn run(args: &Args, seed: u64) -> anyhow::Result<bool> {
    println!("seed {seed}");
    let schedule = Schedule::new(
        seed,
        Duration::from_secs(args.duration_s),
        Duration::from_secs(args.every_s),
        Duration::from_secs(args.pause_s),
    );
    let stack = Stack::start(&args.plaza).await?;
    println!("Plaza runs at {}", stack.url());
    let load = Load::start(&stack, args.people, args.rooms, args.rate, seed).await?;
    println!(
        "{} people write {} messages a second in {} rooms; {} faults follow",
        args.people,
        args.rate,
        args.rooms,
        schedule.faults.len()
    );
    let injector = Injector::new(&stack, load.recoveries());
    let duration = Duration::from_secs(args.duration_s);
    injector
        .run(&schedule, duration, || load.progress())
        .await?;
    let end = load.finish(Duration::from_secs(args.patience_s)).await?;
    let verdict = Verdict::of(&end);
    let report = Report::new(seed, args, &schedule, &end, &verdict);
    print!("{}", report.text());
    if let Some(path) = &args.report {
        report.write(path)?;
        println!("The report is in {}", path.display());
    }
    if !verdict.holds() {
        stack.keep_logs();
    }
    Ok(verdict.holds())
}
