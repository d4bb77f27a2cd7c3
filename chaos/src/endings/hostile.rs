//! A client that does not go: it takes tokens until the last moment and after
//! it, ignores what the server asks, connects again at once, and subscribes
//! again to what it lost.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    person::Person,
    wire::{Incoming, Socket},
};

/// From one taking of tokens to the next.
const TAKE_EVERY: Duration = Duration::from_millis(400);
/// From one try to get back in to the next.
const TRY_EVERY: Duration = Duration::from_millis(100);

/// One of them, at work until it is dropped.
pub(super) struct Hostile {
    attack: Arc<Attack>,
    tasks: [JoinHandle<()>; 2],
}

/// How far it got in, and when.
#[derive(Debug, Default)]
struct State {
    /// The newest token that opens a connection, and where.
    connection: Option<(String, String)>,
    /// The room's channels with the newest token of each.
    channels: HashMap<String, Option<String>>,
    connected: bool,
    open: HashSet<String>,
    /// When it last saw, or could have seen, what it should not, and how.
    last: Option<(Instant, &'static str)>,
    /// Ways in by which it came back or stayed, for the report.
    publications: usize,
}

struct Attack {
    person: Arc<Person>,
    room: String,
    /// Everything it gets counts, not what is of the room alone.
    all: bool,
    state: Mutex<State>,
}

/// What one of them achieved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    /// From the act to the last that it saw or could have seen.
    pub(super) after: Duration,
    /// What that was.
    pub(super) how: &'static str,
    /// It is still in.
    pub(super) stays: bool,
}

impl Hostile {
    /// Sets one on a room, or on everything that the person may have.
    pub(super) fn start(person: Arc<Person>, room: String, all: bool) -> Self {
        let attack = Arc::new(Attack {
            person,
            room,
            all,
            state: Mutex::default(),
        });
        let (takes, holds) = (attack.clone(), attack.clone());
        let tasks = [
            tokio::spawn(async move {
                loop {
                    // Refused when the access has ended: that is what it is for.
                    let _ = takes.take().await;
                    tokio::time::sleep(TAKE_EVERY.mul_f64(0.5 + fastrand::f64())).await;
                }
            }),
            tokio::spawn(async move {
                loop {
                    let _ = holds.hold().await;
                    holds.lost();
                    tokio::time::sleep(TRY_EVERY / 4).await;
                }
            }),
        ];
        Self { attack, tasks }
    }

    /// Whether it has all that it may have.
    pub(super) fn is_in(&self) -> bool {
        let state = self.attack.lock();
        let channels = state.channels.keys();
        state.connected
            && !state.channels.is_empty()
            && channels
                .into_iter()
                .all(|channel| state.open.contains(channel))
    }

    /// Takes fresh tokens now.
    pub(super) async fn take(&self) -> anyhow::Result<()> {
        self.attack.take().await
    }

    /// How it went since `end`.
    pub(super) fn outcome(&self, end: Instant) -> Outcome {
        let state = self.attack.lock();
        let stays = if self.attack.all {
            state.connected
        } else {
            !state.open.is_empty()
        };
        let (last, how) = state.last.unwrap_or((end, "nothing"));
        Outcome {
            after: last.saturating_duration_since(end),
            how,
            stays,
        }
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl State {
    fn sees(&mut self, how: &'static str) {
        self.last = Some((Instant::now(), how));
    }
}

impl Attack {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for every token that there is, and for the room itself.
    async fn take(&self) -> anyhow::Result<()> {
        let query = "mutation { connectionToken { token endpoint } }";
        let data = self.person.ask(query, &json!({})).await?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let token = &data["connectionToken"];
        if let (Some(endpoint), Some(token)) = (text(&token["endpoint"]), text(&token["token"])) {
            let mut state = self.lock();
            state.connection = Some((endpoint, token));
            if self.all {
                state.sees("a connection token");
            }
        }
        let query = "query($room: ID!) { room(id: $room) {
            realtime { live channel token headChannel headToken }
            messages(last: 1) { nodes { id content } } } }";
        let data = self
            .person
            .ask(query, &json!({ "room": self.room }))
            .await?;
        let room = &data["room"];
        if room.is_null() {
            return Ok(());
        }
        let mut state = self.lock();
        state.sees("the API");
        let realtime = &room["realtime"];
        state.channels = [
            ("live", ""),
            ("channel", "token"),
            ("headChannel", "headToken"),
        ]
        .into_iter()
        .filter_map(|(channel, token)| Some((text(&realtime[channel])?, text(&realtime[token]))))
        .collect();
        Ok(())
    }

    /// One connection, as long as it is let be.
    async fn hold(&self) -> anyhow::Result<()> {
        let connection = self.lock().connection.clone();
        let (endpoint, token) = connection.context("no token yet")?;
        let (mut socket, _) = Socket::connect(&endpoint, &token, None).await?;
        {
            let mut state = self.lock();
            state.connected = true;
            if self.all {
                state.sees("a connection");
            }
        }
        let mut asked = HashSet::new();
        let mut tries = tokio::time::interval(TRY_EVERY);
        loop {
            tokio::select! {
                incoming = socket.next() => match incoming? {
                    Incoming::Publication(channel, publication) => {
                        let mut state = self.lock();
                        let of_room = state.open.contains(&channel)
                            || publication.data["events"].as_array().is_some_and(|events| {
                                events.iter().any(|event| self.is_of_room(event))
                            });
                        if self.all || of_room {
                            state.publications += 1;
                            state.sees("a publication");
                        }
                    }
                    Incoming::Opened(channel, _) => {
                        asked.remove(&channel);
                        let mut state = self.lock();
                        state.open.insert(channel);
                        state.sees("a subscription");
                    }
                    Incoming::Refused(channel) => {
                        asked.remove(&channel);
                    }
                    Incoming::Closed(channel) => {
                        let mut state = self.lock();
                        if state.open.remove(&channel) {
                            state.sees("an open subscription");
                        }
                    }
                },
                _ = tries.tick() => {}
            }
            // At once, and again and again, with the newest token that it has.
            let wanted: Vec<_> = {
                let state = self.lock();
                let missing = state.channels.iter().filter(|(channel, _)| {
                    !state.open.contains(*channel) && !asked.contains(*channel)
                });
                missing
                    .map(|(channel, token)| (channel.clone(), token.clone()))
                    .collect()
            };
            for (channel, token) in wanted {
                socket.subscribe(&channel, token.as_deref(), None).await?;
                asked.insert(channel);
            }
        }
    }

    /// Whether an event tells what happens in the room. That one has left it,
    /// one may know.
    fn is_of_room(&self, event: &Value) -> bool {
        event["room"] == self.room.as_str() && event["type"] != "left"
    }

    fn lost(&self) {
        let mut state = self.lock();
        let open = !std::mem::take(&mut state.open).is_empty();
        if std::mem::take(&mut state.connected) && (self.all || open) {
            state.sees("an open connection");
        }
    }
}
