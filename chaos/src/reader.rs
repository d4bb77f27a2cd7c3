//! One person's client: a connection that is kept, the channels of the rooms
//! that have their own, and every room's timeline by the client's rule.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use plaza_kit::retry::Backoff;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::{
    catch_up::{Caught, Heads, Question, Trouble, catch_up},
    channels::Channels,
    crossings::Crossings,
    graphql::AskError,
    person::Person,
    recovery::Recoveries,
    screen::Screen,
    timeline::{Applied, State, Timeline},
    wire::{Incoming, Position, Publication, Socket, Subscription},
};

/// Without a tick for so long, a client polls.
const NOT_LIVE_AFTER: Duration = Duration::from_secs(12);
/// After a question that was not answered, and after a channel that was refused.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Between two tries to connect: short, since it is how soon delivery comes
/// back that is measured, not how long a client waits.
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// How long one try to connect asks for a token.
const TOKEN_PATIENCE: Duration = Duration::from_secs(5);
const PULSE: &str = "pulse:all";

/// What came over all connections of a run.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Events of rooms.
    pub(crate) events: AtomicU64,
    pub(crate) repeats: AtomicU64,
    pub(crate) gaps: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) recovered: AtomicU64,
    /// Channels of rooms that were opened.
    pub(crate) channels: AtomicU64,
    pub(crate) polls: AtomicU64,
    pub(crate) crossings: Crossings,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Who reads, and what for.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) number: usize,
    pub(crate) person: Arc<Person>,
    pub(crate) screen: Arc<Screen>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) recoveries: Arc<Recoveries>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    room: Option<String>,
    seq: Option<i64>,
    version: Option<i64>,
    head_seq: Option<i64>,
    mode: Option<String>,
    time: Option<DateTime<Utc>>,
    message: Option<State>,
}

/// A connection and what its personal channel began with.
struct Connected {
    socket: Socket,
    personal: Subscription,
}

/// What is under way.
struct Client {
    reader: Reader,
    personal: String,
    left_at: Option<Position>,
    socket: Option<Socket>,
    connecting: Option<BoxFuture<'static, anyhow::Result<Connected>>>,
    reconnect_at: Instant,
    backoff: Backoff,
    channels: Channels,
    asking: Option<BoxFuture<'static, anyhow::Result<Caught>>>,
    /// Something is missing, or may be, and it is not known where.
    behind: bool,
    /// Rooms whose changes are to be asked for.
    ask: HashSet<String>,
    /// Those of the person, as `heads` had it last.
    rooms: HashSet<String>,
    /// The channels that the rooms have, until the others are left.
    present: Option<HashSet<String>>,
    /// Rooms in which something was missing before what came; it may have come
    /// since.
    gaps: HashSet<String>,
    /// What of `behind` and `ask` is being asked.
    asked: (bool, HashSet<String>),
    /// Came or went since the question under way was asked.
    moved: bool,
    ask_at: Instant,
    last_tick: Instant,
    poll_at: Instant,
}

impl Reader {
    /// Keeps a connection, or goes on trying; polls while it is not live. Never
    /// ends.
    pub(crate) async fn run(self) {
        let now = Instant::now();
        let client = Client {
            personal: format!("personal:{}", self.person.id),
            reader: self,
            left_at: None,
            socket: None,
            connecting: None,
            reconnect_at: now,
            backoff: Backoff::new(Duration::from_millis(500), LONGEST_DELAY),
            channels: Channels::default(),
            asking: None,
            behind: true,
            ask: HashSet::new(),
            present: None,
            rooms: HashSet::new(),
            gaps: HashSet::new(),
            asked: (false, HashSet::new()),
            moved: false,
            ask_at: now,
            last_tick: now,
            poll_at: now,
        };
        client.run().await;
    }

    async fn connect(
        self,
        personal: String,
        left_at: Option<Position>,
    ) -> anyhow::Result<Connected> {
        let query = "mutation { connectionToken { token endpoint } }";
        let data = self
            .person
            .insist(query, &json!({}), TOKEN_PATIENCE)
            .await?;
        let token = &data["connectionToken"];
        let text = |name: &str| token[name].as_str().context("no connection token");
        let left_at = left_at.as_ref().map(|at| (personal.as_str(), at));
        let (mut socket, mut subscriptions) =
            Socket::connect(text("endpoint")?, text("token")?, left_at).await?;
        socket.subscribe(PULSE, None, None).await?;
        count(&self.counts.connections);
        let personal = subscriptions.remove(&personal).unwrap_or_default();
        if personal.recovered {
            count(&self.counts.recovered);
        }
        Ok(Connected { socket, personal })
    }
}

impl Client {
    async fn run(mut self) {
        loop {
            self.begin();
            let wake = self.wake_at();
            tokio::select! {
                connected = under_way(&mut self.connecting) => self.connected(connected),
                caught = under_way(&mut self.asking) => self.caught(caught).await,
                incoming = next(&mut self.socket) => match incoming {
                    Ok(incoming) => self.take(incoming),
                    Err(_) => self.lost(),
                },
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    /// Begins what is due.
    fn begin(&mut self) {
        let now = Instant::now();
        if self.socket.is_none() && self.connecting.is_none() && now >= self.reconnect_at {
            let reader = self.reader.clone();
            let connect = reader.connect(self.personal.clone(), self.left_at.clone());
            self.connecting = Some(Box::pin(connect));
        }
        if now >= self.live_until().max(self.poll_at) {
            count(&self.reader.counts.polls);
            self.behind = true;
            self.poll_at = now + NOT_LIVE_AFTER;
        }
        if self.asking.is_none() && now >= self.ask_at {
            let gaps = std::mem::take(&mut self.gaps).into_iter();
            let screen = &self.reader.screen;
            self.ask.extend(gaps.filter(|room| screen.waits(room)));
        }
        if self.must_ask() && self.asking.is_none() && now >= self.ask_at {
            self.moved = false;
            // The rooms that `heads` named come before it is asked again.
            let heads = self.behind && (self.present.is_none() || self.ask.is_empty());
            self.behind &= !heads;
            self.asked = (heads, std::mem::take(&mut self.ask));
            let question = Question {
                heads: self.asked.0,
                rooms: self.asked.1.clone(),
                positions: self.reader.screen.positions(),
            };
            let person = self.reader.person.clone();
            self.asking = Some(Box::pin(catch_up(person, question)));
        }
    }

    /// When there is something to begin, if nothing comes before.
    fn wake_at(&self) -> Instant {
        let mut wake = self.live_until().max(self.poll_at);
        if self.socket.is_none() && self.connecting.is_none() {
            wake = wake.min(self.reconnect_at);
        }
        if self.must_ask() && self.asking.is_none() {
            wake = wake.min(self.ask_at);
        }
        wake
    }

    fn must_ask(&self) -> bool {
        self.behind || !self.ask.is_empty() || !self.gaps.is_empty()
    }

    fn live_until(&self) -> Instant {
        self.last_tick + NOT_LIVE_AFTER
    }

    fn connected(&mut self, connected: anyhow::Result<Connected>) {
        let Ok(Connected { socket, personal }) = connected else {
            self.lost();
            return;
        };
        self.backoff.reset();
        self.socket = Some(socket);
        // The channels of rooms are opened with new tokens.
        self.behind = true;
        let mut at = Position {
            epoch: personal.epoch,
            offset: personal.offset,
        };
        for publication in personal.publications {
            self.publication(publication, &mut at);
        }
        self.left_at = Some(at);
    }

    fn lost(&mut self) {
        self.socket = None;
        self.channels.lost();
        self.reconnect_at = Instant::now() + self.backoff.delay();
    }

    async fn caught(&mut self, caught: anyhow::Result<Caught>) {
        let mut caught = match caught {
            Ok(caught) => caught,
            Err(error) => {
                self.behind |= self.asked.0;
                let rooms = std::mem::take(&mut self.asked.1);
                self.again(Trouble { error, rooms });
                return;
            }
        };
        self.reader.screen.apply(&mut caught, self.moved);
        let told = match (caught.heads, caught.trouble) {
            (Some(heads), _) => self.follow(heads).await,
            (None, Some(trouble)) => {
                self.again(trouble);
                Ok(())
            }
            // What it had to hear over the channels that it leaves was answered.
            (None, None) => self.leave().await,
        };
        if told.is_err() {
            self.lost();
        }
    }

    /// Opens the channels that the rooms have now, and asks for what is missing
    /// next.
    async fn follow(&mut self, heads: Heads) -> anyhow::Result<()> {
        self.poll_at = Instant::now() + heads.poll_after;
        self.ask.extend(heads.behind);
        self.rooms = heads.rooms.iter().map(|head| head.room.clone()).collect();
        let Some(socket) = &mut self.socket else {
            return Ok(());
        };
        self.present = Some(self.channels.follow(&heads.rooms, socket).await?);
        if self.ask.is_empty() {
            return self.leave().await;
        }
        Ok(())
    }

    /// Leaves the channels that the rooms have no more.
    async fn leave(&mut self) -> anyhow::Result<()> {
        if let Some(present) = self.present.take()
            && let Some(socket) = &mut self.socket
        {
            self.channels.leave_others(&present, socket).await?;
        }
        Ok(())
    }

    /// Asks once more what was not answered, when it may be.
    fn again(&mut self, Trouble { error, rooms }: Trouble) {
        let wait = error
            .downcast_ref::<AskError>()
            .map_or(AGAIN_AFTER, AskError::wait);
        self.ask.extend(rooms);
        self.ask_at = Instant::now() + wait;
        self.reader.screen.failed(&error);
    }

    fn take(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Publication(channel, _) if channel == PULSE => self.tick(),
            Incoming::Publication(channel, publication) if channel == self.personal => {
                let mut at = self.left_at.take().unwrap_or_default();
                self.publication(publication, &mut at);
                self.left_at = Some(at);
            }
            Incoming::Publication(channel, publication) => {
                if let Some(mut at) = self.channels.position(&channel) {
                    self.publication(publication, &mut at);
                    self.channels.moved(&channel, at);
                }
            }
            Incoming::Opened(channel, subscription) => self.opened(&channel, subscription),
            // The sign of life is silent then, and that is a reason to poll.
            Incoming::Refused(channel) | Incoming::Closed(channel) if channel == PULSE => {}
            Incoming::Refused(channel) => {
                self.channels.closed(&channel);
                self.behind = true;
                self.ask_at = Instant::now() + AGAIN_AFTER;
            }
            Incoming::Closed(channel) => {
                self.channels.closed(&channel);
                self.behind = true;
            }
        }
    }

    fn opened(&mut self, channel: &str, subscription: Subscription) {
        if channel == PULSE {
            return;
        }
        count(&self.reader.counts.channels);
        let mut at = Position {
            epoch: subscription.epoch,
            offset: subscription.offset,
        };
        for publication in subscription.publications {
            self.publication(publication, &mut at);
        }
        let room = self.channels.opened(channel, at);
        if !subscription.recovered {
            self.ask.extend(room);
        }
    }

    fn tick(&mut self) {
        self.behind |= self.last_tick.elapsed() >= NOT_LIVE_AFTER;
        self.last_tick = Instant::now();
    }

    fn publication(&mut self, publication: Publication, at: &mut Position) {
        if publication.offset > 0 {
            at.offset = publication.offset;
        }
        if let Some(epoch) = publication.epoch {
            at.epoch = epoch;
        }
        let events: Vec<Event> =
            serde_json::from_value(publication.data["events"].clone()).unwrap_or_default();
        for event in events {
            self.event(event);
        }
    }

    fn event(&mut self, event: Event) {
        let Some(room) = event.room else { return };
        match (event.kind.as_str(), event.seq, event.message) {
            ("joined" | "left", ..) => {
                self.moved = true;
                self.behind = true;
            }
            ("fanout", ..) => {
                let crossings = &self.reader.counts.crossings;
                crossings.seen(&room, event.version, event.mode.as_deref());
                self.behind = true;
            }
            ("head", ..) => {
                let timelines = self.reader.screen.lock();
                match timelines.get(&room).map(Timeline::position) {
                    Some(position) if Some(position) >= event.head_seq => {}
                    Some(_) => drop(self.ask.insert(room)),
                    None => self.behind = true,
                }
            }
            (kind, Some(seq), state) if kind.starts_with("message.") => {
                if let Some(time) = event.time {
                    let recoveries = &self.reader.recoveries;
                    recoveries.pushed(self.reader.number, &room, time);
                }
                self.change(&room, seq, state);
            }
            _ => {}
        }
    }

    fn change(&mut self, room: &str, seq: i64, state: Option<State>) {
        let mut timelines = self.reader.screen.lock();
        // Of a room that was left, or whose first answer is under way, which may
        // be older than this.
        let Some(timeline) = timelines.get_mut(room) else {
            if self.rooms.contains(room) {
                self.ask.insert(room.to_owned());
            } else {
                self.behind = true;
            }
            return;
        };
        count(&self.reader.counts.events);
        let applied = state.map_or(Applied::Gap, |state| timeline.event(seq, state));
        match applied {
            Applied::Yes => {}
            Applied::Repeat => count(&self.reader.counts.repeats),
            Applied::Gap => {
                count(&self.reader.counts.gaps);
                self.gaps.insert(room.to_owned());
            }
        }
    }
}

/// What comes over the connection; never without one.
async fn next(socket: &mut Option<Socket>) -> anyhow::Result<Incoming> {
    match socket {
        Some(socket) => socket.next().await,
        None => std::future::pending().await,
    }
}

/// The end of what is under way, which it then is no more; never of nothing.
async fn under_way<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    let Some(running) = future else {
        return std::future::pending().await;
    };
    let ended = running.await;
    *future = None;
    ended
}
