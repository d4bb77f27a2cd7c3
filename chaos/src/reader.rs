//! One person's screen: a connection that is kept, and every room's timeline
//! by the client's rule.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use plaza_kit::retry::Backoff;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    person::Person,
    recovery::Recoveries,
    timeline::{Applied, State, Timeline},
    wire::{Position, Publication, Socket},
};

/// Without a tick for so long, a client polls.
const NOT_LIVE_AFTER: Duration = Duration::from_secs(12);
const PULSE: &str = "pulse:all";
/// Of one `changes`.
const PAGE: i64 = 100;

/// What came over all connections of a run.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Events of rooms.
    pub(crate) events: AtomicU64,
    pub(crate) repeats: AtomicU64,
    pub(crate) gaps: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) recovered: AtomicU64,
    pub(crate) polls: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The timelines of a person, by room.
#[derive(Debug)]
pub(crate) struct Screen(Mutex<HashMap<String, Timeline>>);

impl Screen {
    /// All rooms are empty yet.
    pub(crate) fn new(rooms: &[String]) -> Self {
        let timelines = rooms.iter().map(|room| (room.clone(), Timeline::default()));
        Self(Mutex::new(timelines.collect()))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<String, Timeline>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads until it is dropped.
pub(crate) struct Reader {
    pub(crate) number: usize,
    pub(crate) person: Arc<Person>,
    pub(crate) screen: Arc<Screen>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) recoveries: Arc<Recoveries>,
}

#[derive(Debug, Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    room: Option<String>,
    seq: Option<i64>,
    time: Option<DateTime<Utc>>,
    message: Option<State>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    messages: Vec<State>,
    next_seq: i64,
    head_seq: i64,
    reset: bool,
}

impl Reader {
    /// Keeps a connection, or goes on trying; polls while it is not live.
    pub(crate) async fn run(self) {
        let mut left_at: HashMap<String, Position> = HashMap::new();
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(5));
        let mut live = Live::new();
        loop {
            match self.connect(&left_at).await {
                Ok((socket, recovered)) => {
                    backoff.reset();
                    if !recovered {
                        live.behind = true;
                    }
                    self.follow(socket, &mut left_at, &mut live).await;
                }
                Err(_) => self.poll_when_due(&mut live).await,
            }
            let wait = backoff.delay();
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = tokio::time::sleep_until(live.poll_at()) => self.poll_when_due(&mut live).await,
            }
        }
    }

    fn personal(&self) -> String {
        format!("personal:{}", self.person.id)
    }

    async fn connect(
        &self,
        left_at: &HashMap<String, Position>,
    ) -> anyhow::Result<(Connected, bool)> {
        let query = "mutation { connectionToken { token endpoint } }";
        let data = self.person.ask(query, &json!({})).await?;
        let token = &data["connectionToken"];
        let text = |name: &str| token[name].as_str().context("no connection token");
        let (socket, mut subscriptions) =
            Socket::connect(text("endpoint")?, text("token")?, left_at).await?;
        count(&self.counts.connections);
        let channel = self.personal();
        let personal = subscriptions.remove(&channel).unwrap_or_default();
        if personal.recovered {
            count(&self.counts.recovered);
        }
        let connected = Connected {
            socket,
            position: Position {
                epoch: personal.epoch,
                offset: personal.offset,
            },
            missed: personal.publications,
        };
        Ok((connected, personal.recovered))
    }

    /// Follows a connection to its end.
    async fn follow(
        &self,
        connected: Connected,
        left_at: &mut HashMap<String, Position>,
        live: &mut Live,
    ) {
        let channel = self.personal();
        let mut socket = connected.socket;
        left_at.insert(channel.clone(), connected.position);
        for publication in connected.missed {
            self.take(
                publication,
                left_at.entry(channel.clone()).or_default(),
                live,
            );
        }
        loop {
            if live.behind {
                self.catch_up(live).await;
            }
            tokio::select! {
                next = socket.next() => match next {
                    Ok((from, publication)) if from == channel => {
                        self.take(publication, left_at.entry(from).or_default(), live);
                    }
                    Ok((from, _)) if from == PULSE => live.tick(),
                    Ok(_) => {}
                    Err(_) => return,
                },
                () = tokio::time::sleep_until(live.poll_at()) => self.poll_when_due(live).await,
            }
        }
    }

    fn take(&self, publication: Publication, at: &mut Position, live: &mut Live) {
        if publication.offset > 0 {
            at.offset = publication.offset;
        }
        if let Some(epoch) = publication.epoch {
            at.epoch = epoch;
        }
        let events: Vec<Event> =
            serde_json::from_value(publication.data["events"].clone()).unwrap_or_default();
        let mut timelines = self.screen.lock();
        for event in events {
            let Some(room) = event.room else { continue };
            let Some(timeline) = timelines.get_mut(&room) else {
                continue;
            };
            let (Some(seq), true) = (event.seq, event.kind.starts_with("message.")) else {
                // A `head` says that there is more than this client may know.
                live.behind |= event.kind == "head";
                continue;
            };
            let Some(state) = event.message else {
                live.behind = true;
                continue;
            };
            count(&self.counts.events);
            match timeline.event(seq, state) {
                Applied::Yes => {}
                Applied::Repeat => count(&self.counts.repeats),
                Applied::Gap => {
                    count(&self.counts.gaps);
                    live.behind = true;
                }
            }
            if let Some(time) = event.time {
                self.recoveries.pushed(self.number, time);
            }
        }
    }

    async fn poll_when_due(&self, live: &mut Live) {
        if Instant::now() >= live.poll_at() {
            count(&self.counts.polls);
            live.behind = true;
            self.catch_up(live).await;
        }
    }

    /// Asks `heads` once, and `changes` of the rooms that are behind.
    async fn catch_up(&self, live: &mut Live) {
        match self.changes_of_all().await {
            Ok(poll_after) => {
                live.behind = false;
                live.polled(poll_after);
            }
            // Tried again at the next poll, or when something else comes.
            Err(_) => live.polled(Duration::from_secs(2)),
        }
    }

    async fn changes_of_all(&self) -> anyhow::Result<Duration> {
        let query = "{ heads { pollAfter rooms { roomId headSeq } } }";
        let data = self.person.ask(query, &json!({})).await?;
        let heads = &data["heads"];
        for head in heads["rooms"].as_array().context("no heads")? {
            let room = head["roomId"].as_str().context("no room")?;
            let until = head["headSeq"].as_i64().context("no headSeq")?;
            while self.position(room).is_some_and(|position| position < until) {
                self.changes(room).await?;
            }
        }
        let ms = heads["pollAfter"].as_u64().unwrap_or(5_000);
        Ok(Duration::from_millis(ms))
    }

    fn position(&self, room: &str) -> Option<i64> {
        self.screen.lock().get(room).map(Timeline::position)
    }

    async fn changes(&self, room: &str) -> anyhow::Result<()> {
        let since = self.position(room).context("a room that is not shown")?;
        let query = "query($room: ID!, $since: Seq!, $first: Int!) { room(id: $room) {
            changes(sinceSeq: $since, first: $first) { nextSeq headSeq reset
                messages { id seq number changedSeq content deletedAt } } } }";
        let variables = json!({ "room": room, "since": since, "first": PAGE });
        let mut data = self.person.ask(query, &variables).await?;
        let answer: Changes = serde_json::from_value(data["room"]["changes"].take())?;
        let (states, next) = if answer.reset {
            history(&self.person, room).await?
        } else {
            (answer.messages, answer.next_seq.min(answer.head_seq))
        };
        if let Some(timeline) = self.screen.lock().get_mut(room) {
            timeline.changes(since, states, next);
        }
        Ok(())
    }
}

struct Connected {
    socket: Socket,
    position: Position,
    missed: Vec<Publication>,
}

/// Whether the whole way works, by its ticks.
struct Live {
    /// Something is missing, or may be.
    behind: bool,
    last_tick: Instant,
    poll_at: Instant,
}

impl Live {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            behind: true,
            last_tick: now,
            poll_at: now,
        }
    }

    fn tick(&mut self) {
        if self.last_tick.elapsed() >= NOT_LIVE_AFTER {
            self.behind = true;
        }
        self.last_tick = Instant::now();
    }

    fn polled(&mut self, after: Duration) {
        self.poll_at = Instant::now() + after;
    }

    /// When to poll next, unless a tick comes before.
    fn poll_at(&self) -> Instant {
        self.poll_at.max(self.last_tick + NOT_LIVE_AFTER)
    }
}

/// All messages of a room from its first on, and the position that they stand
/// for: the oldest page's, so that later changes come again.
pub(crate) async fn history(person: &Person, room: &str) -> anyhow::Result<(Vec<State>, i64)> {
    let query = "query($room: ID!, $first: Int!, $after: String) { room(id: $room) {
        messages(first: $first, after: $after) { headSeq
            nodes { id seq number changedSeq content deletedAt }
            pageInfo { hasNextPage endCursor } } } }";
    let (mut states, mut head, mut after) = (Vec::new(), None, Value::Null);
    loop {
        let variables = json!({ "room": room, "first": PAGE, "after": after });
        let mut data = person
            .insist(query, &variables, Duration::from_secs(30))
            .await?;
        let page = &mut data["room"]["messages"];
        let nodes: Vec<State> = serde_json::from_value(page["nodes"].take())?;
        states.extend(nodes);
        head = head.or(page["headSeq"].as_i64());
        if page["pageInfo"]["hasNextPage"] != true {
            return Ok((states, head.context("no headSeq")?));
        }
        after = page["pageInfo"]["endCursor"].take();
    }
}
