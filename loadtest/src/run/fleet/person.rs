//! A virtual user of a fleet: its connection, its rooms, and what it does next.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use fastrand::Rng;
use futures::future::BoxFuture;
use plaza_kit::retry::Backoff;
use tokio::{sync::watch, time::Instant};

use super::{
    ask::Asker,
    doing::Doing,
    held::{Held, Opening},
    shared::Shared,
};
use crate::{
    cast::VirtualUser,
    fleet::Act,
    graphql::AskError,
    run::{connection::FollowError, meters::count, place::Place, pulse::Pulse, room::Caught},
    wire::{Socket, SocketError},
};

/// Between two tries to connect.
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(10);
/// From a first room that could not be opened to the next try.
const OPEN_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// At the end, how long a push is waited for before `changes` is asked; spread,
/// so that not all ask at once.
const LAST_PUSH: Duration = Duration::from_secs(3);

/// Who is so far behind at the end was late.
const LATE: Duration = Duration::from_secs(1);

/// How far the run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Everybody connects and opens a room.
    Gathering,
    /// People do what they do.
    Acting,
    /// Nothing more is done or sent: what was has to come.
    Draining,
    /// Everybody leaves.
    Over,
}

/// One virtual user.
pub(super) struct Person {
    pub(super) number: usize,
    pub(super) user: Arc<VirtualUser>,
    /// The numbers of its rooms, its favourites first.
    pub(super) rooms: Box<[u32]>,
    pub(super) shared: Arc<Shared>,
    pub(super) phase: watch::Receiver<Phase>,
    /// How many times slower than the fastest.
    pub(super) slowness: f64,
    pub(super) random: Rng,
}

/// What a person keeps from one connection to the next.
pub(super) struct Kept {
    /// The open room, and those left last, the latest first.
    pub(super) held: Vec<Held>,
    pub(super) opening: Option<Box<Opening>>,
    /// Of the personal channel.
    pub(super) personal: Option<Place>,
    /// Numbers of rooms with something that was not read.
    pub(super) unread: BTreeSet<u32>,
    /// The room whose live channel is open.
    pub(super) live: Option<u32>,
    pub(super) doing: Doing,
    /// When the next act is due; none: nothing is done now.
    next: Option<Instant>,
    /// Whether acts have begun: before, `next` is of the first room.
    is_acting: bool,
    pub(super) link: Link,
    /// Whether it has all that it has to have at the end.
    whole: bool,
}

/// The present connection, and the wish for it.
pub(super) struct Link {
    pub(super) pulse: Pulse,
    /// Subscriptions to held rooms' channels that were not answered yet: the
    /// command's number and the room's.
    pub(super) asked: Vec<(u32, u32)>,
    /// Since when there is no connection that has everything; none: there is.
    away_since: Option<Instant>,
    /// Whether there was one before.
    was_here: bool,
    /// Whether it does not go on where the last one ended.
    pub(super) missed: bool,
    /// When the reconnect was due that is under way.
    reconnecting: Option<Instant>,
}

/// What is missing of a room, as it is asked.
type Catching = (u32, BoxFuture<'static, Result<Caught, AskError>>);

impl Kept {
    fn new(now: Instant) -> Self {
        Self {
            held: Vec::new(),
            opening: None,
            personal: None,
            unread: BTreeSet::new(),
            live: None,
            doing: Doing::Nothing,
            next: None,
            is_acting: false,
            link: Link {
                pulse: Pulse::begin(now),
                asked: Vec::new(),
                away_since: Some(now),
                was_here: false,
                missed: false,
                reconnecting: None,
            },
            whole: false,
        }
    }

    pub(super) fn of(&mut self, room: u32) -> Option<&mut Held> {
        self.held.iter_mut().find(|held| held.room == room)
    }
}

impl Person {
    /// Behaves until the run is over. Whether it ever opened a room.
    pub(super) async fn run(mut self) -> bool {
        let mut kept = Kept::new(Instant::now());
        let mut phase = self.phase.clone();
        let over = async move {
            let _ = phase.wait_for(|phase| *phase == Phase::Over).await;
        };
        tokio::select! {
            () = over => {}
            () = self.stay(&mut kept) => {}
        }
        let followed = !kept.held.is_empty();
        for held in kept.held {
            self.shared.ledger().close(held.close(true));
        }
        followed
    }

    /// Keeps a connection.
    async fn stay(&mut self, kept: &mut Kept) {
        let mut backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
        loop {
            let ended = match Box::pin(self.connect(kept)).await {
                Ok(mut socket) => {
                    backoff.reset();
                    self.follow(&mut socket, kept).await
                }
                Err(error) => Err(error),
            };
            self.disconnected(kept, ended.is_err());
            match ended {
                Ok(due) => kept.link.reconnecting = Some(due),
                Err(error) => {
                    self.shared.meters().error(error.label());
                    tokio::time::sleep(backoff.delay()).await;
                }
            }
        }
    }

    /// Takes what comes, and does what is due, until the connection ends; with
    /// when it was due, if the person ends it.
    async fn follow(
        &mut self,
        socket: &mut Socket,
        kept: &mut Kept,
    ) -> Result<Instant, FollowError> {
        let mut catching: Option<Catching> = None;
        // When the last pushes were waited for long enough, once all was sent.
        let mut doubt_at: Option<Instant> = None;
        // One for everything, and touched when something is due earlier.
        let timer = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(timer);
        loop {
            let now = Instant::now();
            if now >= socket.silent_at() {
                return Err(SocketError::Silent.into());
            }
            if kept.link.pulse.polls(now, fastrand::f64()) {
                self.poll(kept);
            }
            self.arrived(kept);
            let phase = *self.phase.borrow_and_update();
            match phase {
                Phase::Gathering => self.open_first(now, kept, socket).await?,
                Phase::Acting => {
                    self.open_first(now, kept, socket).await?;
                    if let Some(due) = self.act(now, kept, socket).await? {
                        return Ok(due);
                    }
                }
                Phase::Draining | Phase::Over => self.drain(now, &mut doubt_at, kept),
            }
            if catching.is_none() {
                catching = self.catch_up(now, kept);
            }
            let wake = wake(phase, socket, kept, catching.is_some(), doubt_at);
            if timer.is_elapsed() || wake < timer.deadline() {
                timer.as_mut().reset(wake);
            }
            tokio::select! {
                // While frames come, nothing behind them is looked at, up to
                // the task's budget: that makes a frame cheap.
                biased;
                (room, caught) = caught(&mut catching) => {
                    catching = None;
                    self.caught(room, caught, kept);
                }
                answer = kept.doing.answer() => self.answered(answer, kept, socket).await?,
                lines = socket.next() => self.take(&lines?, kept)?,
                _ = self.phase.changed() => {}
                () = &mut timer => {}
            }
            self.subscribed(kept);
        }
    }

    /// The first room is opened as soon as there is a connection.
    async fn open_first(
        &mut self,
        now: Instant,
        kept: &mut Kept,
        socket: &mut Socket,
    ) -> Result<(), SocketError> {
        let waits = kept.next.is_some_and(|next| next > now);
        if kept.held.is_empty() && matches!(kept.doing, Doing::Nothing) && !waits {
            kept.next = Some(now + OPEN_AGAIN_AFTER);
            self.begin(Act::OpenRoom, now, kept, socket).await?;
        }
        Ok(())
    }

    /// Does what is due, one thing at a time. Some: the connection is to be lost.
    async fn act(
        &mut self,
        now: Instant,
        kept: &mut Kept,
        socket: &mut Socket,
    ) -> Result<Option<Instant>, SocketError> {
        if kept.held.is_empty() {
            return Ok(None);
        }
        let habits = &self.shared.habits;
        let Some(due) = kept.next.filter(|_| kept.is_acting) else {
            // Not all at once: somewhere between two acts.
            kept.is_acting = true;
            let think = habits.think(self.slowness, &mut self.random);
            kept.next = Some(now + think.mul_f64(self.random.f64()));
            return Ok(None);
        };
        if due > now || !matches!(kept.doing, Doing::Nothing) {
            return Ok(None);
        }
        let act = habits.act(&mut self.random);
        // Of when this one was due, not of when it is done.
        kept.next = Some(due + habits.think(self.slowness, &mut self.random));
        if act == Act::Reconnect {
            return Ok(Some(due));
        }
        self.begin(act, due, kept, socket).await?;
        Ok(None)
    }

    /// Whether everything is there, or has to be asked for.
    fn drain(&self, now: Instant, doubt_at: &mut Option<Instant>, kept: &mut Kept) {
        let next = kept.next.take().filter(|_| kept.is_acting);
        if next.is_some_and(|next| next + LATE < now) {
            count(&self.shared.acts.late);
        }
        kept.opening = None;
        if kept.whole {
            return;
        }
        let has_all = |held: &Held| {
            let last = self.shared.ledger().last_seq(held.room as usize);
            held.ask_at().is_none() && last.is_none_or(|last| held.timeline.position() >= last)
        };
        if kept.held.iter().all(has_all) {
            kept.whole = true;
            *doubt_at = None;
            count(&self.shared.meters().whole);
        } else if doubt_at.is_none_or(|at| at <= now) {
            if doubt_at.is_some() {
                kept.held.iter_mut().for_each(Held::doubt);
            }
            *doubt_at = Some(now + LAST_PUSH.mul_f64(1.0 + fastrand::f64()));
        }
    }

    /// Nothing says that the connection is live: the open room is asked for.
    fn poll(&self, kept: &mut Kept) {
        count(&self.shared.meters().polls);
        if let Some(open) = kept.held.first_mut() {
            open.doubt();
        }
    }

    /// Asks what is missing of a room, when it is time.
    fn catch_up(&self, now: Instant, kept: &mut Kept) -> Option<Catching> {
        let is_due = |held: &&mut Held| held.ask_at().is_some_and(|at| at <= now);
        let held = kept.held.iter_mut().find(is_due)?;
        held.asks();
        count(&self.shared.meters().asked);
        let (room, since) = (held.room, held.timeline.position());
        let (shared, user) = (self.shared.clone(), self.user.clone());
        let changes = async move {
            let _turn = shared.run.turns.acquire().await;
            let reader = shared.run.reader(&user, shared.rooms.id(room));
            reader.changes(since).await
        };
        Some((room, Box::pin(changes)))
    }

    fn caught(&self, room: u32, caught: Result<Caught, AskError>, kept: &mut Kept) {
        let meters = self.shared.meters();
        let held = kept.of(room);
        match (caught, held) {
            (Ok(caught), Some(held)) => held.caught(caught, meters),
            (Err(error), held) => {
                meters.error(error.label());
                if let Some(held) = held {
                    held.ask_later(error.wait());
                }
            }
            // It was closed meanwhile.
            (Ok(_), None) => {}
        }
    }

    /// Notes when the first room is open, or all held ones are followed again.
    fn arrived(&self, kept: &mut Kept) {
        if kept.held.is_empty() || !kept.link.asked.is_empty() {
            return;
        }
        let Some(since) = kept.link.away_since.take() else {
            return;
        };
        let meters = self.shared.meters();
        count(&meters.live);
        let mut connections = meters.connections();
        if kept.link.was_here {
            connections.reconnect.record(since.elapsed());
            if !kept.link.missed {
                count(&meters.recovered);
            }
        } else {
            connections.connect.record(since.elapsed());
        }
        drop(connections);
        kept.link.was_here = true;
        if let Some(due) = kept.link.reconnecting.take() {
            self.shared.acts.done(Act::Reconnect, due, meters);
        }
    }

    /// The connection ended, or there was none.
    fn disconnected(&self, kept: &mut Kept, unwanted: bool) {
        if kept.link.away_since.is_none() {
            let meters = self.shared.meters();
            meters.live.fetch_sub(1, Ordering::Relaxed);
            if unwanted {
                count(&meters.lost);
            }
            kept.link.away_since = Some(Instant::now());
        }
        if kept.opening.take().is_some() {
            kept.doing = Doing::Nothing;
            self.shared.acts.failed(Act::OpenRoom);
        }
        kept.link.pulse.lost(Instant::now());
        kept.link.asked.clear();
        kept.live = None;
    }

    pub(super) fn asker(&self) -> Asker {
        Asker {
            endpoint: self.shared.run.endpoint.clone(),
            user: self.user.clone(),
        }
    }
}

/// When something is due next.
fn wake(
    phase: Phase,
    socket: &Socket,
    kept: &Kept,
    is_catching: bool,
    doubt_at: Option<Instant>,
) -> Instant {
    let acts = matches!(phase, Phase::Gathering | Phase::Acting);
    let next = kept
        .next
        .filter(|_| acts && matches!(kept.doing, Doing::Nothing));
    let asks = kept.held.iter().filter_map(Held::ask_at);
    let asks = asks.filter(|_| !is_catching);
    let begin = socket.silent_at().min(kept.link.pulse.look_at());
    asks.chain(next).chain(doubt_at).fold(begin, Instant::min)
}

/// The end of what is asked; never of nothing.
async fn caught(catching: &mut Option<Catching>) -> (u32, Result<Caught, AskError>) {
    match catching {
        Some((room, caught)) => (*room, caught.await),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use plaza_types::{RoomId, UserId};
    use tokio::sync::{OnceCell, Semaphore};

    use super::{
        super::{acts::ActMeters, shared::Rooms},
        *,
    };
    use crate::{
        fleet::{FLEET, Habits},
        graphql::Endpoint,
        run::{self, meters::Meters},
        wire::RunId,
    };

    /// Of what a person keeps while it is connected, beside the 2 KiB of its
    /// connection's buffer, its token, its rooms' numbers and three timelines:
    /// 15,000 of them are to be in 400 MiB.
    const MOST_BYTES: usize = 4 * 1024;
    /// Of one timeline.
    const MOST_BYTES_HELD: usize = 512;

    #[tokio::test]
    async fn a_person_is_small() {
        plaza_kit::install_crypto();
        let run = run::shared::Shared {
            endpoint: Endpoint::new("http://127.0.0.1:9").unwrap(),
            room: RoomId::new(),
            run: RunId::new(),
            meters: Meters::new().unwrap(),
            realtime: None,
            base: String::new(),
            target: OnceCell::new(),
            pulse: String::new(),
            turns: Semaphore::new(1),
            storms_lose_history: false,
        };
        let habits = Habits::of(&toml::from_str(FLEET).unwrap());
        let acts = ActMeters::new().unwrap();
        let shared = Shared::new(Arc::new(run), Rooms::new(&[]), habits, acts, 1);
        let user = VirtualUser {
            id: UserId::new(),
            username: String::new(),
            token: String::new(),
            rooms: Box::default(),
        };
        let (_phase, phase) = watch::channel(Phase::Gathering);
        let person = Person {
            number: 0,
            user: Arc::new(user),
            rooms: Box::default(),
            shared: Arc::new(shared),
            phase,
            slowness: 1.0,
            random: Rng::with_seed(1),
        };
        let bytes = size_of_val(&person.run());
        assert!(bytes <= MOST_BYTES, "{bytes}");
        assert!(
            size_of::<Held>() <= MOST_BYTES_HELD,
            "{}",
            size_of::<Held>()
        );
    }
}
