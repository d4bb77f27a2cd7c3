//! `plaza loadtest run`: many follow a room or many rooms, some write, and every
//! delivery is accounted for.

mod clock;
mod connection;
mod crowd;
mod fleet;
mod found;
mod limit;
mod meters;
mod once;
mod pace;
mod place;
mod pulse;
mod room;
mod sampling;
mod sender;
mod shared;
mod stage;
mod subscriber;
mod timeline;
mod trouble;

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use tokio::sync::watch;

pub(crate) use self::meters::Connections;
use self::once::Place;
use crate::{
    Local,
    cast::{self, CastError},
    html,
    load::Load,
    open_files,
    part::{Part, Share},
    scenario::{self, Overrides},
};

/// Where `seed` writes the virtual users, and `run` reads them.
pub(crate) const USERS: &str = "loadtest-users.jsonl";

/// What a program ends with that was told to by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// What is run, and where.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    #[arg(long, default_value = "room", help = scenario::help())]
    scenario: String,
    #[command(flatten)]
    overrides: Overrides,
    /// Virtual users as `plaza loadtest seed` writes them
    #[arg(long, default_value = USERS)]
    users_file: PathBuf,
    /// Where Plaza is, such as http://127.0.0.1:8080 [default: where the seeding found it]
    #[arg(long)]
    url: Option<String>,
    /// Where connections are opened, such as ws://127.0.0.1:8000/connection/websocket [default: what Plaza says]
    #[arg(long)]
    realtime_endpoint: Option<String>,
    /// Data folder of the `plaza up` that is tested: its processes are then in the report
    #[arg(long)]
    data: Option<PathBuf>,
    /// How many connect, or catch up, at once
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    concurrency: u32,
    /// Raises the rate, run by run, until the objective breaks, and reports the highest that held
    #[arg(long, conflicts_with = "closed_loop")]
    find_limit: bool,
    /// Objective of --find-limit, beside that nothing is missing: the p99 of deliveries (ms)
    #[arg(long, default_value_t = 500.0)]
    objective_p99_ms: f64,
    /// Which part of a run of several processes this one is, as 2/5: it has that share of members and senders
    #[arg(long, requires_all = ["begin_at", "part_file"], conflicts_with_all = ["find_limit", "report", "html"])]
    part: Option<Share>,
    /// When the first message is due, as 2026-01-02T03:04:05Z: the same for all parts; everybody has to follow the
    /// room by then
    #[arg(long)]
    begin_at: Option<DateTime<Utc>>,
    /// Where the part goes, for `plaza loadtest merge`
    #[arg(long, requires = "part")]
    part_file: Option<PathBuf>,
    /// What people of a fleet do is drawn from this number [default: another each time]
    #[arg(long)]
    seed: Option<u32>,
    /// Something else makes faults meanwhile: publications that come again or late are then no fault
    #[arg(long)]
    expect_faults: bool,
    /// Where the report goes, as JSON
    #[arg(long)]
    report: Option<PathBuf>,
    /// Where the report goes as one HTML file with plots
    #[arg(long)]
    html: Option<PathBuf>,
}

impl RunArgs {
    /// The data folder of the `plaza up` that is tested.
    pub(crate) fn data(&self) -> Option<PathBuf> {
        self.data.clone()
    }
}

/// Runs and reports; whether every delivery is accounted for.
pub(crate) async fn run(args: &RunArgs, local: Option<Local>) -> anyhow::Result<bool> {
    let load = Load::find(&args.scenario)?.with(args.overrides.clone())?;
    let share = args.part.unwrap_or(Share::WHOLE);
    match &load {
        Load::Room(scenario) => anyhow::ensure!(
            scenario.senders >= usize::try_from(share.of)?,
            "{} parts need as many --senders: each part has some of them",
            share.of
        ),
        Load::Fleet(_) => anyhow::ensure!(
            share == Share::WHOLE,
            "a fleet is run by one process so far, without --part"
        ),
    }
    let (header, mut users) = cast::read(&args.users_file, load.users(), load.longest())?;
    let seed = args.seed.unwrap_or_else(|| fastrand::u32(..));
    if matches!(load, Load::Fleet(_)) {
        if header.rooms.is_empty() {
            let path = args.users_file.clone();
            return Err(CastError::OneRoom { path }.into());
        }
        println!("What people do is drawn from --seed {seed}.");
    }
    let own = share.range(users.len());
    let users: Vec<_> = users.drain(own.clone()).map(Arc::new).collect();
    let local = local.unwrap_or_default();
    let url = args.url.clone().or(local.url).or(header.url);
    open_files::allow(users.len())?;
    let place = Place {
        url: url.context("where is Plaza? Name it by --url http://HOST:PORT")?,
        realtime_endpoint: args.realtime_endpoint.clone(),
        room: header.room_id,
        rooms: header.rooms,
        seed,
        users,
        share,
        first: own.start,
        begin_at: args.begin_at,
        processes: local.processes,
        concurrency: usize::try_from(args.concurrency)?,
        expects_faults: args.expect_faults,
        interrupted: interrupted(),
    };
    let report = if args.find_limit {
        limit::find(&place, &load, args.objective_p99_ms).await?
    } else {
        let part = once::once(&place, load).await?;
        if let Some(path) = &args.part_file {
            part.write(path)?;
            println!(
                "Part {} of {} is in {}: `plaza loadtest merge` judges all of them.",
                share.part,
                share.of,
                path.display()
            );
            return Ok(true);
        }
        Part::judge(vec![part])?
    };
    println!("{report}");
    if let Some(path) = &args.report {
        report.write(path)?;
    }
    if let Some(path) = &args.html {
        html::write(&report, path)?;
    }
    Ok(report.held && report.limit.is_none_or(|limit| limit.rate.is_some()))
}

/// Becomes true with the first Ctrl-C: nothing more is sent then, and what was
/// is accounted for. The second ends the program.
fn interrupted() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("Accounting for what was sent; once more Ctrl-C ends at once.");
            sender.send_replace(true);
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(INTERRUPTED);
        }
    });
    receiver
}
