//! A virtual user that follows the room: a connection that is kept, and a
//! timeline that is caught up when something is missing.

mod catching;
mod connection;
mod kept;
mod taking;
mod weather;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::future::BoxFuture;
use plaza_kit::retry::Backoff;
use tokio::{sync::watch, time::Instant};

use self::{catching::Answer, kept::Kept};
use super::{
    connection::FollowError,
    meters::count,
    room::Reader,
    shared::Shared,
    stage::{Phase, Stage},
    timeline::Timeline,
};
use crate::{
    cast::VirtualUser,
    wire::{Line, Socket, SocketError},
};

/// Between two tries to connect.
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(20);
/// At the end, how long a push is waited for before `changes` is asked; spread,
/// so that not all ask at once.
const LAST_PUSH: Duration = Duration::from_secs(3);

/// Where there is nothing to wake up for.
const NEVER: Duration = Duration::from_hours(24);

/// One virtual user.
pub(crate) struct Subscriber {
    pub(crate) number: usize,
    pub(crate) user: Arc<VirtualUser>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) stage: watch::Receiver<Stage>,
}

impl Subscriber {
    /// Follows the room until the run is over; what it was shown, if it ever
    /// followed.
    pub(crate) async fn run(mut self) -> Option<Timeline> {
        let mut kept = Kept::new(Instant::now());
        let mut backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
        let mut since = Instant::now();
        let mut stage = self.stage.clone();
        let over = async move {
            let _ = stage.wait_for(|stage| stage.phase == Phase::Over).await;
        };
        let shared = self.shared.clone();
        let following = async {
            loop {
                let before = kept.timeline.is_some();
                // While it waits for its turn it polls, as without one.
                let turn = tokio::select! {
                    turn = shared.turns.acquire() => turn,
                    _ = self.follow(None, &mut kept, None) => continue,
                };
                let connected = match turn {
                    Ok(turn) => {
                        let connected = Box::pin(self.connect(&mut kept)).await;
                        drop(turn);
                        connected
                    }
                    Err(error) => Err(error.into()),
                };
                kept.failed = connected.is_err();
                let error = match connected {
                    Ok(socket) => {
                        backoff.reset();
                        kept.pulse.connected(Instant::now());
                        self.connected(before, since);
                        let error = self.follow(Some(socket), &mut kept, None).await;
                        shared.meters.live.fetch_sub(1, Ordering::Relaxed);
                        count(&shared.meters.lost);
                        since = Instant::now();
                        kept.pulse.lost(since);
                        error
                    }
                    Err(error) => Some(error),
                };
                if let Some(error) = error {
                    shared.meters.error(error.label());
                }
                let again_at = Instant::now() + backoff.delay();
                self.follow(None, &mut kept, Some(again_at)).await;
            }
        };
        tokio::select! {
            () = over => {}
            () = following => {}
        }
        kept.timeline
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        self.shared.reader(&self.user, self.shared.room)
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

    /// Takes what comes until the connection ends, or, without one, until it
    /// is time to connect again (none).
    async fn follow(
        &mut self,
        mut socket: Option<Socket>,
        kept: &mut Kept,
        until: Option<Instant>,
    ) -> Option<FollowError> {
        let mut asking: Option<BoxFuture<'static, Answer>> = None;
        let mut ask_at = Instant::now();
        // When the last pushes were waited for long enough, once all was sent.
        let mut doubt_at: Option<Instant> = None;
        // Far ahead: a timer that is seldom touched.
        let quiet = tokio::time::sleep_until(quiet_until(socket.as_ref(), kept, until));
        tokio::pin!(quiet);
        loop {
            let now = Instant::now();
            let Stage { phase, weather } = *self.stage.borrow_and_update();
            if let Err(error) = self.weather(weather, kept)
                && socket.is_some()
            {
                return Some(error);
            }
            self.is_back(socket.is_some(), kept);
            if let (Phase::Draining { up_to }, Some(timeline)) = (phase, &mut kept.timeline)
                && !kept.whole
            {
                if timeline.position() >= up_to && timeline.is_whole() {
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
            let lacks = kept.timeline.as_ref().is_some_and(|it| !it.is_whole());
            if lacks && asking.is_none() && now >= ask_at {
                asking = self.ask(kept);
            }
            let wake = Some(ask_at).filter(|_| lacks && asking.is_none());
            let wake = wake.into_iter().chain(doubt_at).min();
            tokio::select! {
                // While frames come, nothing behind them is looked at, up to
                // the task's budget: that makes a frame cheap.
                biased;
                answer = under_way(&mut asking) => {
                    asking = None;
                    ask_at = Instant::now() + self.answered(answer, kept);
                }
                lines = next(&mut socket) => {
                    let taken = match lines {
                        Ok(lines) => self.take(&lines, kept),
                        Err(error) => Err(error),
                    };
                    if let Err(error) = taken {
                        return Some(error.into());
                    }
                }
                _ = self.stage.changed() => {}
                () = sleep_until(wake) => {}
                () = &mut quiet => {
                    let now = Instant::now();
                    if socket.as_ref().is_some_and(|socket| now >= socket.silent_at()) {
                        return Some(SocketError::Silent.into());
                    }
                    if until.is_some_and(|until| now >= until) {
                        return None;
                    }
                    if kept.timeline.is_some() && kept.pulse.polls(now, fastrand::f64()) {
                        self.poll(kept);
                    }
                    quiet.as_mut().reset(quiet_until(socket.as_ref(), kept, until));
                }
            }
        }
    }
}

/// When something has to be done though nothing comes.
fn quiet_until(socket: Option<&Socket>, kept: &Kept, until: Option<Instant>) -> Instant {
    let silent_at = socket.map(Socket::silent_at);
    // Who never followed the room has nothing to poll for.
    let look_at = kept.timeline.as_ref().map(|_| kept.pulse.look_at());
    let first = silent_at.into_iter().chain(look_at).chain(until).min();
    first.unwrap_or_else(|| Instant::now() + NEVER)
}

/// What comes over a connection; never without one.
async fn next(socket: &mut Option<Socket>) -> Result<Arc<[Line]>, SocketError> {
    match socket {
        Some(socket) => socket.next().await,
        None => std::future::pending().await,
    }
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
    use plaza_types::{RoomId, UserId};
    use tokio::sync::{OnceCell, Semaphore};

    use super::*;
    use crate::{
        graphql::Endpoint,
        run::{meters::Meters, stage::Weather},
        wire::RunId,
    };

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
            storms_lose_history: false,
        };
        let user = VirtualUser {
            id: UserId::new(),
            username: String::new(),
            token: String::new(),
            rooms: Box::default(),
        };
        let (_stage, stage) = watch::channel(Stage {
            phase: Phase::Running,
            weather: Weather::default(),
        });
        let subscriber = Subscriber {
            number: 0,
            user: Arc::new(user),
            shared: Arc::new(shared),
            stage,
        };
        let bytes = size_of_val(&subscriber.run());
        assert!(bytes <= MOST_BYTES, "{bytes}");
    }
}
