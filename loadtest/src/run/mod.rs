//! `plaza loadtest run`: many follow a room, some write, and every delivery is
//! accounted for.

mod clock;
mod meters;
mod pace;
mod room;
mod sender;
mod subscriber;
mod timeline;

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail};
use chrono::Utc;
use tokio::{
    sync::{OnceCell, Semaphore, watch},
    task::JoinSet,
    time::Instant,
};

use self::{
    clock::now_us,
    meters::Meters,
    pace::Pace,
    sender::{Sending, Sent},
    subscriber::{Phase, Shared, Subscriber},
    timeline::Timeline,
};
use crate::{
    Local, Watched,
    cast::{self, VirtualUser},
    graphql::Endpoint,
    open_files,
    processes::{Taken, Watch},
    progress::Step,
    report::{Accounting, Connections, Deliveries, Report, Sends, Wire},
    scenario::{Overrides, Scenario},
    wire::RunId,
};

/// Where `seed` writes the virtual users, and `run` reads them.
pub(crate) const USERS: &str = "loadtest-users.jsonl";

/// How long after the ramp everybody has to follow the room.
const CONNECT_PATIENCE: Duration = Duration::from_mins(2);
/// From when everybody follows the room to the first message.
const PAUSE: Duration = Duration::from_millis(500);
/// How often it is looked how far things are.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often processes are looked at.
const WATCH_EVERY: Duration = Duration::from_secs(1);

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
    turns: u32,
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

/// The virtual users of a run.
struct Crowd {
    shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    following: JoinSet<Option<Timeline>>,
    count: usize,
}

/// When what happens.
struct Times {
    begin: Instant,
    begin_us: i64,
    /// Until when an unanswered send is tried, and what is missing waited for.
    end: Instant,
}

/// Runs and reports; whether every delivery is accounted for.
pub(crate) async fn run(args: &RunArgs, local: Option<Local>) -> anyhow::Result<bool> {
    let scenario = Scenario::find(&args.scenario)?.with(args.overrides)?;
    let (header, users) = cast::read(&args.users_file, scenario.members)?;
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
        turns: Semaphore::new(usize::try_from(args.turns)?),
    });
    let started_at = Utc::now();
    let users: Vec<_> = users.into_iter().map(Arc::new).collect();

    let mut crowd = Crowd::gather(shared.clone(), &users, &scenario).await?;
    let times = Times::from_now(&scenario);
    let warm_up_us = i64::try_from(scenario.warm_up().as_micros())?;
    shared
        .meters
        .measure(times.begin_us + warm_up_us, scenario.duration());
    let watching = watch_processes(
        local.processes,
        times.begin + scenario.warm_up(),
        scenario.duration(),
    );
    let sent = send(&shared, &users, &scenario, &times).await?;
    let behind_at_end = crowd.drain(&sent, times.end).await;
    let timelines = crowd.leave().await;
    let processes = tokio::task::spawn_blocking(|| watching.join()).await?;

    let report = report(Found {
        url,
        scenario,
        started_at,
        shared: &shared,
        sent,
        timelines,
        behind_at_end,
        // A watch that failed is a report without processes.
        processes: processes.unwrap_or_default(),
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
            end: begin + scenario.warm_up() + scenario.duration() + scenario.drain(),
        }
    }
}

impl Crowd {
    /// Has everybody follow the room, one after another over the ramp.
    async fn gather(
        shared: Arc<Shared>,
        users: &[Arc<VirtualUser>],
        scenario: &Scenario,
    ) -> anyhow::Result<Self> {
        let (phase, _) = watch::channel(Phase::Running);
        let mut crowd = Self {
            shared,
            phase,
            following: JoinSet::new(),
            count: users.len(),
        };
        let step = Step::begin("connections", users.len() as u64);
        let begun = Instant::now();
        let ramp = Pace::over(scenario.ramp(), users.len());
        for (number, user) in users.iter().enumerate() {
            tokio::time::sleep_until(begun + ramp.due(number as u64)).await;
            let subscriber = Subscriber {
                number,
                user: user.clone(),
                shared: crowd.shared.clone(),
                phase: crowd.phase.subscribe(),
            };
            crowd.following.spawn(subscriber.run());
            step.done(crowd.shared.meters.live.load(Ordering::Relaxed));
        }
        let until = Instant::now() + CONNECT_PATIENCE;
        loop {
            let live = crowd.shared.meters.live.load(Ordering::Relaxed);
            step.done(live);
            if live >= users.len() as u64 {
                break;
            }
            if Instant::now() > until {
                let errors = crowd.shared.meters.errors();
                let errors = errors
                    .iter()
                    .map(|(label, count)| format!("{label} ({count} times)"));
                let errors = errors.collect::<Vec<_>>().join(", ");
                bail!(
                    "{live} of {} virtual users follow the room {} s after the ramp. What failed: {}",
                    users.len(),
                    CONNECT_PATIENCE.as_secs(),
                    if errors.is_empty() {
                        "nothing, it takes long".into()
                    } else {
                        errors
                    },
                );
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        step.end(&format!("{} follow the room", users.len()));
        Ok(crowd)
    }

    /// Waits until everybody has what was accepted; how many have not.
    async fn drain(&mut self, sent: &Sent, until: Instant) -> u64 {
        let up_to = sent.accepted.last_seq().unwrap_or(i64::MIN);
        let step = Step::begin("deliveries", self.count as u64);
        self.phase.send_replace(Phase::Draining { up_to });
        loop {
            let whole = self.shared.meters.whole.load(Ordering::Relaxed);
            step.done(whole);
            let lacking = (self.count as u64).saturating_sub(whole);
            if lacking == 0 || Instant::now() > until {
                step.end(&format!("{whole} subscribers have everything"));
                return lacking;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Ends all connections; what each was shown.
    async fn leave(mut self) -> Vec<Option<Timeline>> {
        self.phase.send_replace(Phase::Over);
        let mut timelines = Vec::with_capacity(self.count);
        while let Some(left) = self.following.join_next().await {
            // One that panicked followed nothing.
            timelines.push(left.ok().flatten());
        }
        timelines
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
        give_up: times.end,
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

/// Looks at processes while it is measured, on a thread of its own: it reads
/// many small files.
fn watch_processes(
    processes: Vec<Watched>,
    from: Instant,
    time: Duration,
) -> thread::JoinHandle<Vec<Taken>> {
    thread::spawn(move || {
        thread::sleep(from.saturating_duration_since(Instant::now()));
        let mut watch = Watch::begin(processes);
        let until = from + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                watch.look();
                return watch.taken();
            }
            thread::sleep(left.min(WATCH_EVERY));
            watch.look();
        }
    })
}

/// What a report is made of.
struct Found<'a> {
    url: String,
    scenario: Scenario,
    started_at: chrono::DateTime<Utc>,
    shared: &'a Shared,
    sent: Sent,
    timelines: Vec<Option<Timeline>>,
    behind_at_end: u64,
    processes: Vec<Taken>,
}

fn report(found: Found<'_>) -> anyhow::Result<Report> {
    let Sent {
        accepted,
        accepted_measured,
        refused,
        unresolved,
        answer,
        lag,
    } = found.sent;
    let truth = accepted.settle();
    let mut accounting = Accounting {
        subscribers: found.timelines.len() as u64,
        accepted: truth.count(),
        refused,
        unresolved,
        same_place: truth.same_place,
        behind_at_end: found.behind_at_end,
        ..Accounting::default()
    };
    let meters = &found.shared.meters;
    let mut wire = Wire {
        gaps: meters.gaps.load(Ordering::Relaxed),
        asked: meters.asked.load(Ordering::Relaxed),
        lost: meters.lost.load(Ordering::Relaxed),
        recovered: meters.recovered.load(Ordering::Relaxed),
        ..Wire::default()
    };
    for timeline in &found.timelines {
        let Some(timeline) = timeline else {
            accounting.never_followed += 1;
            continue;
        };
        accounting.faults += timeline.screen.judge(&truth);
        accounting.shown += timeline.screen.shown();
        accounting.resets += timeline.screen.resets();
        wire.came += timeline.counts;
    }
    let seconds = found.scenario.duration().as_secs_f64();
    let latency = meters.deliveries()?.quantiles();
    let connections = meters.connections();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let per_s = |count: u64| count as f64 / seconds;
    Ok(Report {
        version: Report::VERSION,
        plaza: env!("CARGO_PKG_VERSION").to_owned(),
        run: found.shared.run.to_string(),
        started_at: found.started_at,
        url: found.url,
        scenario: found.scenario,
        held: accounting.held(),
        accounting,
        wire,
        sends: Sends {
            accepted_per_s: per_s(accepted_measured),
            answer: answer.quantiles(),
            lag: lag.quantiles(),
        },
        deliveries: Deliveries {
            per_s: per_s(latency.count),
            latency,
        },
        connections: Connections {
            token: connections.token.quantiles(),
            connect: connections.connect.quantiles(),
            reconnect: connections.reconnect.quantiles(),
            catch_up: connections.catch_up.quantiles(),
        },
        errors: meters.errors(),
        processes: found.processes,
    })
}
