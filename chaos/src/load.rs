//! The people of a run: each reads on a screen of their own and writes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::Instant,
};

use crate::{
    Args,
    graphql::Endpoint,
    person::Person,
    reader::{Counts, Reader, Screen, history},
    recovery::{Recoveries, Recovery},
    timeline::{State, Timeline},
    writer::{Accepted, Writer},
};

/// Accounts that are opened at the same time: each costs a password hash.
const REGISTER_AT_ONCE: usize = 4;
const ASK_PATIENCE: Duration = Duration::from_mins(1);

/// A run under way. Dropping it ends everybody.
pub(crate) struct Load {
    people: Vec<Arc<Person>>,
    rooms: Arc<Vec<String>>,
    screens: Vec<Arc<Screen>>,
    readers: Vec<JoinHandle<()>>,
    writers: JoinSet<anyhow::Result<()>>,
    accepted: Arc<Accepted>,
    counts: Arc<Counts>,
    recoveries: Arc<Recoveries>,
    stop: Arc<AtomicBool>,
}

/// What a run ended with.
pub(crate) struct End {
    pub(crate) rooms: Vec<RoomEnd>,
    pub(crate) accepted: u64,
    pub(crate) retried: u64,
    pub(crate) counts: Arc<Counts>,
    pub(crate) recoveries: Vec<Recovery>,
    /// From the last send until every screen was whole, if ever (ms).
    pub(crate) whole_after_ms: Option<u64>,
}

/// One room at the end.
pub(crate) struct RoomEnd {
    /// What PostgreSQL has, in its order.
    pub(crate) stored: Vec<State>,
    /// Ids that were answered as accepted.
    pub(crate) accepted: Vec<String>,
    /// What each person's screen shows.
    pub(crate) shown: Vec<Vec<State>>,
}

impl Load {
    /// Opens accounts and rooms, and sets everybody off.
    pub(crate) async fn start(
        url: &str,
        args: &Args,
        seed: u64,
        recoveries: Arc<Recoveries>,
    ) -> anyhow::Result<Self> {
        let endpoint = Endpoint::new(url)?;
        let every = Duration::from_secs(args.people.into()) / args.rate;
        let people: Vec<Arc<Person>> = stream::iter(0..args.people)
            .map(|_| Person::register(endpoint.clone()))
            .buffered(REGISTER_AT_ONCE)
            .map_ok(Arc::new)
            .try_collect()
            .await
            .context("cannot open the accounts")?;
        let rooms = Arc::new(open_rooms(&people, args.rooms).await?);

        let mut random = fastrand::Rng::with_seed(seed);
        let stop = Arc::new(AtomicBool::new(false));
        let (accepted, counts) = (Arc::default(), Arc::default());
        let mut load = Self {
            screens: people
                .iter()
                .map(|_| Arc::new(Screen::new(&rooms)))
                .collect(),
            readers: Vec::new(),
            writers: JoinSet::new(),
            people,
            rooms,
            accepted,
            counts,
            recoveries,
            stop,
        };
        for (number, person) in load.people.iter().enumerate() {
            let reader = Reader {
                number,
                person: person.clone(),
                screen: load.screens[number].clone(),
                counts: load.counts.clone(),
                recoveries: load.recoveries.clone(),
            };
            load.readers.push(tokio::spawn(reader.run()));
            let writer = Writer {
                person: person.clone(),
                rooms: load.rooms.clone(),
                every,
                random: random.fork(),
                accepted: load.accepted.clone(),
                stop: load.stop.clone(),
            };
            load.writers.spawn(writer.run());
        }
        Ok(load)
    }

    /// One line of how far it is.
    pub(crate) fn progress(&self) -> String {
        format!(
            "{} accepted, {} events",
            self.accepted.count.load(Ordering::Relaxed),
            self.counts.events.load(Ordering::Relaxed)
        )
    }

    /// Stops the writing and waits until every screen shows what is stored, at
    /// most `patience`.
    pub(crate) async fn finish(mut self, patience: Duration) -> anyhow::Result<End> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.writers.join_next().await {
            ended.context("a writer panicked")??;
        }
        self.recoveries.ended();
        println!("All faults are mended; {}", self.progress());
        let written = Instant::now();
        let mut stored = Vec::new();
        for room in self.rooms.iter() {
            stored.push(history(&self.people[0], room).await?.0);
        }
        let mut whole_after_ms = None;
        while written.elapsed() < patience {
            if self.is_whole(&stored) {
                whole_after_ms = u64::try_from(written.elapsed().as_millis()).ok();
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let rooms = self.rooms.iter().zip(stored).map(|(room, stored)| RoomEnd {
            stored,
            accepted: self.accepted.of(room),
            shown: self
                .screens
                .iter()
                .map(|screen| shown(screen, room))
                .collect(),
        });
        Ok(End {
            rooms: rooms.collect(),
            accepted: self.accepted.count.load(Ordering::Relaxed),
            retried: self.accepted.retried.load(Ordering::Relaxed),
            counts: self.counts.clone(),
            recoveries: self.recoveries.summary(self.people.len()),
            whole_after_ms,
        })
    }

    fn is_whole(&self, stored: &[Vec<State>]) -> bool {
        self.rooms.iter().zip(stored).all(|(room, stored)| {
            let mut screens = self.screens.iter();
            screens.all(|screen| shown(screen, room) == *stored)
        })
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for reader in &self.readers {
            reader.abort();
        }
    }
}

fn shown(screen: &Screen, room: &str) -> Vec<State> {
    let timelines = screen.lock();
    timelines.get(room).map(Timeline::shown).unwrap_or_default()
}

/// Rooms that everybody is a member of.
async fn open_rooms(people: &[Arc<Person>], count: u16) -> anyhow::Result<Vec<String>> {
    let first = people.first().context("nobody takes part")?;
    let mut rooms = Vec::new();
    for number in 1..=count {
        let query = "mutation($input: CreateRoomInput!) { createRoom(input: $input) { id } }";
        let input = json!({ "input": { "name": format!("Chaos {number}") } });
        let data = first.insist(query, &input, ASK_PATIENCE).await?;
        let room = data["createRoom"]["id"]
            .as_str()
            .context("no room")?
            .to_owned();
        for person in &people[1..] {
            let query = "mutation($room: ID!) { joinRoom(roomId: $room) { id } }";
            person
                .insist(query, &json!({ "room": room }), ASK_PATIENCE)
                .await?;
        }
        rooms.push(room);
    }
    Ok(rooms)
}
