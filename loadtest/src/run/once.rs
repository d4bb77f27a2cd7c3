//! One run of a scenario, from the first connection to the report.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use plaza_centrifugo::Channel;
use plaza_types::RoomId;
use tokio::{
    sync::{OnceCell, Semaphore, watch},
    time::Instant,
};

use super::{
    clock::now_us,
    crowd::Crowd,
    fleet,
    found::{self, Found, Screens},
    meters::Meters,
    pace::Pace,
    sampling::Sampling,
    sender::{Script, Sending, Sent, Turns},
    shared::Shared,
    trouble::Troubles,
};
use crate::{
    cast::{CastRoom, VirtualUser},
    graphql::Endpoint,
    load::Load,
    part::{Part, Share},
    processes::Watched,
    progress::Step,
    scenario::Scenario,
    wire::RunId,
};

/// From when everybody follows the room to the first message.
const PAUSE: Duration = Duration::from_millis(500);
/// A room to which nothing came for so long after everything was due has all
/// that other processes sent.
const STILL: Duration = Duration::from_secs(2);

/// Where a run takes place, and by whom.
pub(super) struct Place {
    /// Where Plaza is.
    pub(super) url: String,
    /// Where connections are opened, in place of what Plaza says.
    pub(super) realtime_endpoint: Option<String>,
    pub(super) room: RoomId,
    /// Many rooms, for a fleet.
    pub(super) rooms: Vec<CastRoom>,
    /// What people of a fleet do is drawn from this.
    pub(super) seed: u32,
    pub(super) users: Vec<Arc<VirtualUser>>,
    /// Processes that are looked at.
    pub(super) processes: Vec<Watched>,
    /// How many connect, or catch up, at once.
    pub(super) concurrency: usize,
    /// Whether something else than the run makes faults.
    pub(super) expects_faults: bool,
    /// Which part of the run is this process's: the users are its own alone.
    pub(super) share: Share,
    /// The number of the first user among all of the run.
    pub(super) first: usize,
    /// When the first message is due; none: when everybody follows the room.
    pub(super) begin_at: Option<DateTime<Utc>>,
    /// True: nothing more is sent.
    pub(super) interrupted: watch::Receiver<bool>,
}

/// When what happens.
pub(super) struct Times {
    begin: Instant,
    begin_us: i64,
    measured: Instant,
    /// When nothing more is due.
    pub(super) sent: Instant,
    /// Until when an unanswered send is tried again.
    give_up: Instant,
}

impl Times {
    /// From the moment that was agreed on, or from now on.
    pub(super) fn of(place: &Place, load: &Load) -> anyhow::Result<Self> {
        let pause = match place.begin_at {
            None => PAUSE,
            Some(at) => (at - Utc::now()).to_std().with_context(|| {
                format!(
                    "not everybody followed the room before {at}, when the first message was due: \
                     give a later --begin-at to all parts"
                )
            })?,
        };
        let begin = Instant::now() + pause;
        let pause_us = i64::try_from(pause.as_micros()).unwrap_or_default();
        let begin_us = place
            .begin_at
            .map_or_else(|| now_us() + pause_us, |at| at.timestamp_micros());
        let sent = begin + load.warm_up() + load.duration();
        Ok(Self {
            begin,
            begin_us,
            measured: begin + load.warm_up(),
            sent,
            give_up: sent + load.drain(),
        })
    }

    /// Has what is due behind the warm-up measured.
    pub(super) fn measure(&self, meters: &Meters, load: &Load) -> anyhow::Result<()> {
        let warm_up_us = i64::try_from(load.warm_up().as_micros())?;
        meters.measure(self.begin_us + warm_up_us, load.duration());
        Ok(())
    }
}

/// What came of a scenario.
pub(super) struct Outcome {
    pub(super) sent: Sent,
    pub(super) screens: Screens,
    pub(super) behind_at_end: u64,
    /// From the first connection to a room that everybody follows.
    pub(super) gathered: Duration,
    pub(super) times: Times,
}

/// Runs a scenario once; what this process found.
pub(super) async fn once(place: &Place, load: Load) -> anyhow::Result<Part> {
    let run = place.begin_at.map_or_else(RunId::new, |at| {
        RunId::agreed(place.room.uuid(), at.timestamp_micros())
    });
    let shared = Arc::new(Shared {
        endpoint: Endpoint::new(&place.url)?,
        room: place.room,
        run,
        meters: Meters::new()?,
        realtime: place.realtime_endpoint.clone(),
        base: place.url.clone(),
        target: OnceCell::new(),
        pulse: Channel::Pulse.to_string(),
        turns: Semaphore::new(place.concurrency),
        storms_lose_history: load.storms_lose_history(),
    });
    let started_at = Utc::now();
    let sampling = Sampling::begin(shared.clone(), place.processes.clone())?;
    let outcome = match &load {
        Load::Room(scenario) => room(place, &shared, scenario, &load).await?,
        Load::Fleet(scenario) => fleet::run(place, &shared, scenario, &load).await?,
    };
    let sampled = tokio::task::spawn_blocking(|| sampling.end()).await?;
    let measured = outcome.sent.interrupted_at.map_or(load.duration(), |at| {
        at.saturating_duration_since(outcome.times.measured)
            .min(load.duration())
    });
    Ok(found::part(Found {
        url: place.url.clone(),
        share: place.share,
        load,
        started_at,
        shared: &shared,
        sent: outcome.sent,
        screens: outcome.screens,
        behind_at_end: outcome.behind_at_end,
        gathered: outcome.gathered,
        expects_faults: place.expects_faults,
        measured,
        sampled,
    })?)
}

/// Runs a scenario of one room.
async fn room(
    place: &Place,
    shared: &Arc<Shared>,
    scenario: &Scenario,
    load: &Load,
) -> anyhow::Result<Outcome> {
    let gathering = Instant::now();
    let crowd = Crowd::gather(shared.clone(), &place.users, place.first, load.ramp()).await?;
    let gathered = gathering.elapsed();
    let times = Times::of(place, load)?;
    times.measure(&shared.meters, load)?;
    let troubles = Troubles {
        shared: shared.clone(),
        stage: crowd.stage(),
        subscribers: place.users.len() as u64,
        measured: times.measured,
    };
    let mut troubles = tokio::spawn(troubles.run(scenario.clone()));
    let senders = place.share.range(scenario.senders).len();
    let script = Arc::new(Turns {
        users: place.users.iter().take(senders).cloned().collect(),
        room: place.room,
    });
    let sent = send(place, shared, script, senders, load, &times).await?;
    let mut up_to = sent.accepted.last_seq().unwrap_or(i64::MIN);
    if place.share != Share::WHOLE {
        up_to = up_to.max(sent_by_all(place, shared, &times).await?);
    }
    let until = Instant::now() + load.drain();
    let behind_at_end = crowd.drain(up_to, until).await;
    // Nothing may be missing, and somebody not be back all the same.
    let _ = tokio::time::timeout_at(until, &mut troubles).await;
    troubles.abort();
    Ok(Outcome {
        screens: Screens::of_room(crowd.leave().await),
        sent,
        behind_at_end,
        gathered,
        times,
    })
}

/// Where the room stands once the other processes have sent everything: when
/// their time is over and it stands still.
async fn sent_by_all(place: &Place, shared: &Shared, times: &Times) -> anyhow::Result<i64> {
    tokio::time::sleep_until(times.sent + STILL).await;
    let user = place.users.first().context("no users")?;
    let reader = shared.reader(user, shared.room);
    let mut before = None;
    loop {
        let head = reader.head().await;
        match head {
            Ok(head) if before == Some(head) => return Ok(head),
            Ok(head) => before = Some(head),
            Err(error) if Instant::now() > times.give_up => return Err(error.into()),
            Err(error) => shared.meters.error(error.label()),
        }
        tokio::time::sleep(STILL).await;
    }
}

/// Has everything sent, and shows how far it is.
pub(super) async fn send(
    place: &Place,
    shared: &Arc<Shared>,
    script: Arc<dyn Script>,
    senders: usize,
    load: &Load,
    times: &Times,
) -> anyhow::Result<Sent> {
    let whole = load.warm_up() + load.duration();
    let closed_loop = load.closed_loop();
    let sending = Sending {
        shared: shared.clone(),
        script,
        senders,
        pace: Pace::of(load.rate() / f64::from(place.share.of), whole),
        closed_loop: closed_loop.then_some(whole),
        part: place.share.part,
        message_chars: load.message_chars(),
        begin: times.begin,
        begin_us: times.begin_us,
        give_up: times.give_up,
        interrupted: place.interrupted.clone(),
    };
    // In a closed loop nobody knows how many it will be: the bar is of time.
    let seconds = whole.as_secs();
    let step = if closed_loop {
        Step::begin("seconds of sending", seconds)
    } else {
        Step::begin("messages", sending.pace.count)
    };
    let mut sending = tokio::spawn(sending.run());
    let mut before = (Instant::now(), 0);
    let sent = loop {
        tokio::select! {
            sent = &mut sending => break sent??,
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                let shown = shared.meters.shown.load(Ordering::Relaxed);
                let accepted = shared.meters.accepted.load(Ordering::Relaxed);
                if closed_loop {
                    step.done(times.begin.elapsed().as_secs().min(seconds));
                } else {
                    step.done(accepted);
                }
                let elapsed = before.0.elapsed().as_secs_f64();
                #[expect(clippy::cast_precision_loss, reason = "for people")]
                let rate = (shown - before.1) as f64 / elapsed;
                step.say(format!("{rate:.0} deliveries/s"));
                before = (Instant::now(), shown);
            }
        }
    };
    let accepted = shared.meters.accepted.load(Ordering::Relaxed);
    step.end(&format!("{accepted} accepted"));
    Ok(sent)
}
