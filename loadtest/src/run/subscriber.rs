//! A virtual user that follows the room: a connection that is kept, and a
//! timeline that is caught up when something is missing.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::future::BoxFuture;
use plaza_kit::retry::Backoff;
use plaza_types::RoomId;
use tokio::{
    sync::{OnceCell, Semaphore, watch},
    time::Instant,
};

use super::{
    connection::{FollowError, Place},
    meters::{Meters, count},
    pulse::Pulse,
    room::{Caught, Reader},
    timeline::Timeline,
};
use crate::{
    cast::VirtualUser,
    graphql::{AskError, Endpoint},
    wire::{Line, Publication, Push, RunId, Socket, SocketError, Target},
};

/// Between two tries to connect.
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(10);
/// After a `changes` that was not answered, or moved nothing.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// At the end, how long a push is waited for before `changes` is asked; spread,
/// so that not all ask at once.
const LAST_PUSH: Duration = Duration::from_secs(3);

/// How far the run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Messages are sent, or will be.
    Running,
    /// Nothing more is sent: everything up to here has to come.
    Draining { up_to: i64 },
    /// Everybody leaves.
    Over,
}

/// What all subscribers of a run share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) endpoint: Endpoint,
    pub(crate) room: RoomId,
    pub(crate) run: RunId,
    pub(crate) meters: Meters,
    /// In place of what the gateway says.
    pub(crate) realtime: Option<String>,
    /// Where the gateway is, for an endpoint that is a path there.
    pub(crate) base: String,
    /// Looked up by the first.
    pub(crate) target: OnceCell<Target>,
    /// The channel of the sign of life.
    pub(crate) pulse: String,
    /// Who may connect, or ask `changes`, now.
    pub(crate) turns: Semaphore,
}

/// One virtual user.
pub(crate) struct Subscriber {
    pub(crate) number: usize,
    pub(crate) user: Arc<VirtualUser>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) phase: watch::Receiver<Phase>,
}

/// What a subscriber keeps from one connection to the next.
#[derive(Debug)]
pub(super) struct Kept {
    /// None: it followed the room never yet.
    pub(super) timeline: Option<Timeline>,
    /// Of the room's own channel.
    pub(super) place: Option<Place>,
    /// Of the present connection.
    pulse: Pulse,
    /// Whether it has all that it has to have at the end.
    whole: bool,
}

impl Subscriber {
    /// Follows the room until the run is over; what it was shown, if it ever
    /// followed.
    pub(crate) async fn run(mut self) -> Option<Timeline> {
        let mut kept = Kept {
            timeline: None,
            place: None,
            pulse: Pulse::begin(Instant::now()),
            whole: false,
        };
        let mut backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
        let mut since = Instant::now();
        let mut phase = self.phase.clone();
        let over = async move {
            let _ = phase.wait_for(|phase| *phase == Phase::Over).await;
        };
        let following = async {
            loop {
                let before = kept.timeline.is_some();
                let error = match Box::pin(self.connect(&mut kept)).await {
                    Ok(socket) => {
                        backoff.reset();
                        kept.pulse = Pulse::begin(Instant::now());
                        self.connected(before, since);
                        let error = self.follow(socket, &mut kept).await;
                        self.shared.meters.live.fetch_sub(1, Ordering::Relaxed);
                        count(&self.shared.meters.lost);
                        since = Instant::now();
                        error
                    }
                    Err(error) => error,
                };
                self.shared.meters.error(error.label());
                tokio::time::sleep(backoff.delay()).await;
            }
        };
        tokio::select! {
            () = over => {}
            () = following => {}
        }
        kept.timeline
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader {
            endpoint: &self.shared.endpoint,
            token: &self.user.token,
            room: self.shared.room,
        }
    }

    fn connected(&self, before: bool, since: Instant) {
        let meters = &self.shared.meters;
        count(&meters.live);
        let mut connections = meters.connections();
        if before {
            connections.reconnect.record(since.elapsed());
        } else {
            connections.connect.record(since.elapsed());
        }
    }

    /// Takes what comes until the connection ends.
    async fn follow(&mut self, mut socket: Socket, kept: &mut Kept) -> FollowError {
        let mut asking: Option<BoxFuture<'static, Result<Caught, AskError>>> = None;
        let mut ask_at = Instant::now();
        // When the last pushes were waited for long enough, once all was sent.
        let mut doubt_at: Option<Instant> = None;
        // Far ahead: a timer that is seldom touched.
        let quiet = tokio::time::sleep_until(kept.pulse.poll_at());
        tokio::pin!(quiet);
        loop {
            let now = Instant::now();
            let phase = *self.phase.borrow_and_update();
            if let (Phase::Draining { up_to }, Some(timeline)) = (phase, &mut kept.timeline)
                && !kept.whole
            {
                if timeline.position() >= up_to && !timeline.is_behind() {
                    kept.whole = true;
                    doubt_at = None;
                    count(&self.shared.meters.whole);
                } else if doubt_at.is_none_or(|at| at <= now) {
                    if doubt_at.is_some() {
                        timeline.doubt();
                    }
                    doubt_at = Some(now + LAST_PUSH.mul_f64(1.0 + fastrand::f64()));
                }
            }
            let is_behind = kept.timeline.as_ref().is_some_and(Timeline::is_behind);
            let position = kept.timeline.as_ref().map_or(0, Timeline::position);
            if is_behind && asking.is_none() && now >= ask_at {
                count(&self.shared.meters.asked);
                let (shared, user) = (self.shared.clone(), self.user.clone());
                asking = Some(Box::pin(changes(shared, user, position)));
            }
            let wake = Some(ask_at).filter(|_| is_behind && asking.is_none());
            let wake = wake.into_iter().chain(doubt_at).min();
            tokio::select! {
                // While frames come, nothing behind them is looked at, up to
                // the task's budget: that makes a frame cheap.
                biased;
                caught = under_way(&mut asking) => {
                    asking = None;
                    ask_at = Instant::now() + self.caught(caught, kept);
                }
                lines = socket.next() => {
                    let taken = match lines {
                        Ok(lines) => self.take(&lines, kept),
                        Err(error) => Err(error),
                    };
                    if let Err(error) = taken {
                        return error.into();
                    }
                }
                _ = self.phase.changed() => {}
                () = sleep_until(wake) => {}
                () = &mut quiet => {
                    let now = Instant::now();
                    if now >= socket.silent_at() {
                        return SocketError::Silent.into();
                    }
                    if now >= kept.pulse.poll_at() {
                        kept.pulse.polled(now);
                        self.poll(kept);
                    }
                    let next = kept.pulse.poll_at().min(socket.silent_at());
                    quiet.as_mut().reset(next);
                }
            }
        }
    }

    /// Nothing says that the connection is live.
    fn poll(&self, kept: &mut Kept) {
        count(&self.shared.meters.polls);
        if let Some(timeline) = &mut kept.timeline {
            timeline.doubt();
        }
    }

    /// `changes` was answered; how soon it may be asked again.
    fn caught(&self, caught: Result<Caught, AskError>, kept: &mut Kept) -> Duration {
        match (caught, &mut kept.timeline) {
            (Ok(caught), Some(timeline)) => {
                let before = timeline.position();
                timeline.caught(caught, &self.shared.meters);
                if timeline.position() > before {
                    Duration::ZERO
                } else {
                    ASK_AGAIN_AFTER
                }
            }
            (Ok(_), None) => ASK_AGAIN_AFTER,
            (Err(error), _) => {
                self.shared.meters.error(error.label());
                error.wait().unwrap_or(ASK_AGAIN_AFTER)
            }
        }
    }

    fn take(&self, lines: &[Line], kept: &mut Kept) -> Result<(), SocketError> {
        for line in lines {
            let Line::Push(push) = line else { continue };
            match push {
                Push::Publication { channel, .. } if *channel == self.shared.pulse => {
                    if kept.pulse.tick(Instant::now())
                        && let Some(timeline) = &mut kept.timeline
                    {
                        timeline.doubt();
                    }
                }
                Push::Publication {
                    channel,
                    publication,
                } => {
                    if let Some(place) = &mut kept.place
                        && place.channel == *channel
                    {
                        place.moved(publication);
                    }
                    self.published(publication, kept)?;
                }
                Push::Unsubscribed { channel, code } => {
                    if kept
                        .place
                        .as_ref()
                        .is_some_and(|place| place.channel == *channel)
                    {
                        return Err(SocketError::Unsubscribed(*code));
                    }
                }
                Push::Disconnected { code } => {
                    return Err(SocketError::Closed(
                        u16::try_from(*code).unwrap_or(u16::MAX),
                    ));
                }
                Push::Other => {}
            }
        }
        Ok(())
    }

    /// Something was published, on this connection or before it.
    pub(super) fn published(
        &self,
        publication: &Publication,
        kept: &mut Kept,
    ) -> Result<(), SocketError> {
        // What comes before the first page is in it.
        let Some(timeline) = &mut kept.timeline else {
            return Ok(());
        };
        let meters = &self.shared.meters;
        let mut stays = true;
        for entry in &publication.entries {
            stays &= timeline.take(entry, meters);
        }
        if stays {
            Ok(())
        } else {
            Err(SocketError::Moved)
        }
    }
}

/// Asks what is missing, when it is this user's turn.
async fn changes(
    shared: Arc<Shared>,
    user: Arc<VirtualUser>,
    since: i64,
) -> Result<Caught, AskError> {
    let _turn = shared.turns.acquire().await;
    let reader = Reader {
        endpoint: &shared.endpoint,
        token: &user.token,
        room: shared.room,
    };
    reader.changes(since).await
}

/// The end of what is under way; never of nothing.
async fn under_way<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(running) => running.await,
        None => std::future::pending().await,
    }
}

/// That moment; never without one.
async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use plaza_types::UserId;

    use super::*;

    /// Of what a subscriber keeps while it follows, beside the 2 KiB of its
    /// connection's buffer and its token: 15,000 of them are to be in 400 MiB.
    const MOST_BYTES: usize = 4 * 1024;

    #[tokio::test]
    async fn a_subscriber_is_small() {
        plaza_kit::install_crypto();
        let shared = Shared {
            endpoint: Endpoint::new("http://127.0.0.1:9").unwrap(),
            room: RoomId::new(),
            run: RunId::new(),
            meters: Meters::new().unwrap(),
            realtime: None,
            base: String::new(),
            target: OnceCell::new(),
            pulse: String::new(),
            turns: Semaphore::new(1),
        };
        let user = VirtualUser {
            id: UserId::new(),
            username: String::new(),
            token: String::new(),
        };
        let (_phase, phase) = watch::channel(Phase::Running);
        let subscriber = Subscriber {
            number: 0,
            user: Arc::new(user),
            shared: Arc::new(shared),
            phase,
        };
        let bytes = size_of_val(&subscriber.run());
        assert!(bytes <= MOST_BYTES, "{bytes}");
    }
}
