//! `plaza loadtest run`: many follow a room, some write, and every delivery is
//! accounted for.

mod clock;
mod connection;
mod crowd;
mod found;
mod meters;
mod pace;
mod pulse;
mod room;
mod sender;
mod subscriber;
mod timeline;
mod watching;

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::Context as _;
use chrono::Utc;
use plaza_centrifugo::Channel;
use tokio::{
    sync::{OnceCell, Semaphore, watch},
    time::Instant,
};

use self::{
    clock::now_us,
    crowd::Crowd,
    found::Found,
    meters::Meters,
    pace::Pace,
    sender::{Sending, Sent},
    subscriber::Shared,
    watching::Watching,
};
use crate::{
    Local,
    cast::{self, VirtualUser},
    graphql::Endpoint,
    open_files,
    progress::Step,
    scenario::{Overrides, Scenario},
    wire::RunId,
};

/// Where `seed` writes the virtual users, and `run` reads them.
pub(crate) const USERS: &str = "loadtest-users.jsonl";

/// What a program ends with that was told to by Ctrl-C.
const INTERRUPTED: i32 = 130;
/// From when everybody follows the room to the first message.
const PAUSE: Duration = Duration::from_millis(500);

/// What is run, and where.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// What is done: `room`, or a TOML file of the same form
    #[arg(long, default_value = "room")]
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
    /// Where the report goes, as JSON
    #[arg(long)]
    report: Option<PathBuf>,
}

impl RunArgs {
    /// The data folder of the `plaza up` that is tested.
    pub(crate) fn data(&self) -> Option<PathBuf> {
        self.data.clone()
    }
}

/// When what happens.
struct Times {
    begin: Instant,
    begin_us: i64,
    measured: Instant,
    /// Until when an unanswered send is tried again.
    give_up: Instant,
}

/// Runs and reports; whether every delivery is accounted for.
pub(crate) async fn run(args: &RunArgs, local: Option<Local>) -> anyhow::Result<bool> {
    let scenario = Scenario::find(&args.scenario)?.with(args.overrides)?;
    let (header, users) = cast::read(&args.users_file, scenario.members, scenario.longest())?;
    let local = local.unwrap_or_default();
    let url = args.url.clone().or(local.url).or(header.url);
    let url = url.context("where is Plaza? Name it by --url http://HOST:PORT")?;
    open_files::allow(scenario.members)?;
    let shared = Arc::new(Shared {
        endpoint: Endpoint::new(&url)?,
        room: header.room_id,
        run: RunId::new(),
        meters: Meters::new()?,
        realtime: args.realtime_endpoint.clone(),
        base: url.clone(),
        target: OnceCell::new(),
        pulse: Channel::Pulse.to_string(),
        turns: Semaphore::new(usize::try_from(args.concurrency)?),
    });
    let started_at = Utc::now();
    let users: Vec<_> = users.into_iter().map(Arc::new).collect();

    let crowd = Crowd::gather(shared.clone(), &users, &scenario).await?;
    let times = Times::from_now(&scenario);
    let warm_up_us = i64::try_from(scenario.warm_up().as_micros())?;
    let meters = &shared.meters;
    meters.measure(times.begin_us + warm_up_us, scenario.duration());
    let watching = Watching::begin(local.processes, times.measured, scenario.duration());
    let sent = send(&shared, &users, &scenario, &times).await?;
    let measured = sent.interrupted_at.map_or(scenario.duration(), |at| {
        at.saturating_duration_since(times.measured)
            .min(scenario.duration())
    });
    let up_to = sent.accepted.last_seq().unwrap_or(i64::MIN);
    let until = Instant::now() + scenario.drain();
    let behind_at_end = crowd.drain(up_to, until).await;
    let timelines = crowd.leave().await;
    let processes = tokio::task::spawn_blocking(|| watching.end()).await?;

    let report = found::report(Found {
        url,
        scenario,
        started_at,
        shared: &shared,
        sent,
        timelines,
        behind_at_end,
        measured,
        processes,
    })?;
    println!("{report}");
    if let Some(path) = &args.report {
        report.write(path)?;
    }
    Ok(report.held)
}

impl Times {
    fn from_now(scenario: &Scenario) -> Self {
        let begin = Instant::now() + PAUSE;
        let pause_us = i64::try_from(PAUSE.as_micros()).unwrap_or_default();
        Self {
            begin,
            begin_us: now_us() + pause_us,
            measured: begin + scenario.warm_up(),
            give_up: begin + scenario.warm_up() + scenario.duration() + scenario.drain(),
        }
    }
}

/// Has everything sent, and shows how far it is.
async fn send(
    shared: &Arc<Shared>,
    users: &[Arc<VirtualUser>],
    scenario: &Scenario,
    times: &Times,
) -> anyhow::Result<Sent> {
    let whole = scenario.warm_up() + scenario.duration();
    let sending = Sending {
        shared: shared.clone(),
        users: users.iter().take(scenario.senders).cloned().collect(),
        pace: Pace::of(scenario.rate, whole),
        message_chars: scenario.message_chars,
        begin: times.begin,
        begin_us: times.begin_us,
        give_up: times.give_up,
        interrupted: interrupted(),
    };
    let step = Step::begin("messages", sending.pace.count);
    let mut sending = tokio::spawn(sending.run());
    let mut before = (Instant::now(), 0);
    let sent = loop {
        tokio::select! {
            sent = &mut sending => break sent??,
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                let shown = shared.meters.shown.load(Ordering::Relaxed);
                step.done(shared.meters.accepted.load(Ordering::Relaxed));
                let seconds = before.0.elapsed().as_secs_f64();
                #[expect(clippy::cast_precision_loss, reason = "for people")]
                let rate = (shown - before.1) as f64 / seconds;
                step.say(format!("{rate:.0} deliveries/s"));
                before = (Instant::now(), shown);
            }
        }
    };
    step.end(&format!("{} accepted", sent.accepted.count()));
    Ok(sent)
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
