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
use tokio::{
    task::{JoinHandle, JoinSet},
    time::Instant,
};

use crate::{
    Args,
    catch_up::history,
    check::Verdict,
    graphql::Endpoint,
    layout::Layout,
    opening::{Room, open},
    person::Person,
    reader::{Counts, Reader},
    recovery::{Recoveries, Recovery, Silence},
    screen::Screen,
    tide::Tide,
    timeline::State,
    writer::{Accepted, Writer},
};

/// Accounts that are opened at the same time: each costs a password hash.
const REGISTER_AT_ONCE: usize = 4;

/// A run under way. Dropping it ends everybody.
pub(crate) struct Load {
    endpoint: Endpoint,
    people: Vec<Arc<Person>>,
    rooms: Vec<Room>,
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
    pub(crate) verdict: Verdict,
    pub(crate) stored: usize,
    pub(crate) accepted: u64,
    pub(crate) retried: u64,
    /// Answers that too much was asked.
    pub(crate) limited: u64,
    pub(crate) counts: Arc<Counts>,
    pub(crate) recoveries: Vec<Recovery>,
    pub(crate) silence: Silence,
    /// From the last send until every screen was whole, if ever (ms).
    pub(crate) whole_after_ms: Option<u64>,
    /// Who does not see all of a room, and how they stand with it.
    pub(crate) behind: Vec<String>,
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
        let mut rooms = Vec::new();
        for number in 0..args.rooms.into() {
            let layout = Layout::of(number, people.len(), args.threshold());
            let room = open(number, layout, &people).await;
            rooms.push(room.with_context(|| format!("cannot open room {number}"))?);
        }
        let mut random = fastrand::Rng::with_seed(seed);
        let stop = Arc::new(AtomicBool::new(false));
        let (accepted, counts) = (Arc::default(), Arc::default());
        let mut load = Self {
            endpoint,
            screens: people.iter().map(|_| Arc::default()).collect(),
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
            let mine = load
                .rooms
                .iter()
                .filter(|room| room.layout.steady.contains(&number));
            let writer = Writer {
                person: person.clone(),
                rooms: mine.map(|room| room.id.clone()).collect(),
                every,
                random: random.fork(),
                accepted: load.accepted.clone(),
                recoveries: load.recoveries.clone(),
                stop: load.stop.clone(),
            };
            load.writers.spawn(writer.run());
        }
        for room in &load.rooms {
            let people = room.layout.tide.iter();
            let tide = Tide {
                room: room.id.clone(),
                people: people.map(|number| load.people[*number].clone()).collect(),
                random: random.fork(),
                stop: load.stop.clone(),
            };
            if !tide.people.is_empty() {
                load.writers.spawn(tide.run());
            }
        }
        Ok(load)
    }

    /// One line of how far it is.
    pub(crate) fn progress(&self) -> String {
        format!(
            "{} accepted, {} events, {} gaps",
            self.accepted.count.load(Ordering::Relaxed),
            self.counts.events.load(Ordering::Relaxed),
            self.counts.gaps.load(Ordering::Relaxed)
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
        for room in &self.rooms {
            let member = room.layout.steady.first().context("nobody is there")?;
            stored.push(history(&self.people[*member], &room.id).await?);
        }
        let mut whole_after_ms = None;
        // Reading all that is stored takes a while, too.
        let until = Instant::now() + patience;
        loop {
            if self.is_whole(&stored) {
                whole_after_ms = u64::try_from(written.elapsed().as_millis()).ok();
                break;
            }
            if Instant::now() > until {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let behind = self.behind(&stored);
        Ok(End {
            verdict: self.verdict(&stored),
            stored: stored.iter().map(Vec::len).sum(),
            accepted: self.accepted.count.load(Ordering::Relaxed),
            retried: self.accepted.retried.load(Ordering::Relaxed),
            limited: self.endpoint.limited(),
            counts: self.counts.clone(),
            recoveries: self.recoveries.summary(),
            silence: self.recoveries.silence(),
            whole_after_ms,
            behind,
        })
    }

    /// What PostgreSQL has, in its order, against what was answered as accepted
    /// and what each screen shows.
    fn verdict(&self, stored: &[Vec<State>]) -> Verdict {
        let mut verdict = Verdict::default();
        for (room, stored) in self.rooms.iter().zip(stored) {
            verdict.stored(stored, &self.accepted.of(&room.id));
            for person in room.layout.members() {
                let shown = self.screens[person].shown(&room.id);
                verdict.screen(
                    stored,
                    shown.as_ref().map(|(first, shown)| (*first, &**shown)),
                );
            }
        }
        verdict
    }

    fn behind(&self, stored: &[Vec<State>]) -> Vec<String> {
        let mut behind = Vec::new();
        for (number, (room, stored)) in self.rooms.iter().zip(stored).enumerate() {
            for person in room.layout.members() {
                let screen = &self.screens[person];
                if !screen.is_whole(&room.id, stored) {
                    behind.push(format!(
                        "person {person} in room {number} ({:?}) of {} messages: {}",
                        room.layout.size,
                        stored.len(),
                        screen.standing(&room.id)
                    ));
                }
            }
        }
        behind
    }

    fn is_whole(&self, stored: &[Vec<State>]) -> bool {
        self.rooms.iter().zip(stored).all(|(room, stored)| {
            let mut members = room.layout.members();
            members.all(|person| self.screens[person].is_whole(&room.id, stored))
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
