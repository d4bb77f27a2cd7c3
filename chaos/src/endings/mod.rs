//! Guarantee 5 against a hostile client: how long somebody who was put out of a
//! room, or of everything, goes on seeing it.

mod act;
mod figures;
mod hostile;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail};
use futures::{StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use plaza_types::MessageId;
use serde_json::json;
use tokio::{
    sync::Mutex,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use self::{
    act::{Act, Scene},
    figures::Figures,
    hostile::Hostile,
};
use crate::{
    graphql::Endpoint,
    layout::{Layout, Size},
    opening::{self, Room},
    person::Person,
    stack::{Options, Stack},
    tide::join,
};

/// From one message of a room to the next: as fine as the figures are.
const SEND_EVERY: Duration = Duration::from_millis(200);
/// How long after its bound access is tried.
const BEYOND: Duration = Duration::from_secs(5);
/// How long somebody may take to come in.
const PATIENCE: Duration = Duration::from_mins(1);
/// Accounts that are opened at the same time: each costs a password hash.
const REGISTER_AT_ONCE: usize = 4;
/// Cheap passwords: they are not what is measured.
const PASSWORD_MEMORY_KIB: u32 = 64;

/// Measure how long a hostile client keeps access that has ended
#[derive(Debug, clap::Args)]
pub(crate) struct EndingsArgs {
    /// The executable that is tested
    #[arg(long)]
    plaza: PathBuf,
    /// How often each act is done
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Acts of each kind at the same time
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    at_once: u16,
    /// Processes of each service
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    replicas: u8,
    /// From how many members on a room has a channel of its own
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(2..))]
    fanout_threshold: u16,
    /// Where the figures go, as JSON
    #[arg(long)]
    report: Option<PathBuf>,
}

/// Where one kind of act is done.
struct Stage {
    act: Act,
    stack: Arc<Stack>,
    owner: Arc<Person>,
    room: Room,
    /// The way into a private one.
    link: Option<String>,
}

/// Measures, prints, and says whether every bound was kept.
pub(crate) async fn run(args: &EndingsArgs) -> anyhow::Result<bool> {
    let options = Options {
        replicas: args.replicas,
        disk: false,
        clocks: false,
        environment: vec![
            (
                "PLAZA_ROOMS_FANOUT_THRESHOLD",
                args.fanout_threshold.to_string(),
            ),
            ("PLAZA_PASSWORD_MEMORY_KIB", PASSWORD_MEMORY_KIB.to_string()),
            ("PLAZA_DATABASE_MAX_CONNECTIONS", "10".to_owned()),
            ("PLAZA_RATE_USER_PER_SECOND", "0".to_owned()),
        ],
    };
    let stack = Arc::new(Stack::start(&args.plaza, options).await?);
    let endpoint = Endpoint::new(&stack.url()?)?;
    let stages = Act::ALL.map(|act| Stage::open(act, stack.clone(), &endpoint));
    let stages = try_join_all(stages).await?;
    let figures = Arc::new(Mutex::new(Figures::default()));
    let mut tasks: JoinSet<anyhow::Result<()>> = JoinSet::new();
    for stage in stages {
        let stage = Arc::new(stage);
        tasks.spawn(stage.clone().talk());
        let victims: Vec<_> = stream::iter(0..args.at_once)
            .map(|_| Person::register(endpoint.clone()))
            .buffered(REGISTER_AT_ONCE)
            .try_collect()
            .await?;
        let left = Arc::new(AtomicU16::new(args.runs));
        for victim in victims {
            let (stage, left, figures) = (stage.clone(), left.clone(), figures.clone());
            tasks.spawn(async move { stage.work(victim, &left, &figures).await });
        }
    }
    // The talkers never end.
    while tasks.len() > Act::ALL.len() {
        let ended = tasks.join_next().await.context("nobody is left")?;
        ended.context("somebody panicked")??;
    }
    tasks.abort_all();
    let figures = figures.lock().await;
    print!("{}", figures.text());
    if let Some(path) = &args.report {
        figures.write(path)?;
    }
    Ok(figures.hold())
}

impl Stage {
    async fn open(act: Act, stack: Arc<Stack>, endpoint: &Endpoint) -> anyhow::Result<Self> {
        let owner = Arc::new(Person::register(endpoint.clone()).await?);
        // Who stays, so that there is a room whoever is put out.
        let other = Arc::new(Person::register(endpoint.clone()).await?);
        let layout = Layout {
            size: if act.is_private() {
                Size::Private
            } else {
                Size::Large
            },
            steady: vec![0, 1],
            tide: Vec::new(),
        };
        let room = opening::open(0, layout, &[owner.clone(), other]).await?;
        let link = if act.is_private() {
            Some(opening::link(&owner, &room.id).await?)
        } else {
            None
        };
        Ok(Self {
            act,
            stack,
            owner,
            room,
            link,
        })
    }

    /// Says something all the time, so that there is something to see.
    async fn talk(self: Arc<Self>) -> anyhow::Result<()> {
        for number in 0_u64.. {
            let query = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { id } }";
            let input = json!({ "input": {
                "roomId": self.room.id,
                "content": format!("secret {number}"),
                "clientMessageId": MessageId::new(),
            } });
            let sent = self.owner.insist(query, &input, PATIENCE);
            sent.await.context("the owner cannot write")?;
            if number % 10 == 0 {
                let query = "mutation($room: ID!) { setTyping(roomId: $room) }";
                let typing = json!({ "room": self.room.id });
                // For what it is worth: nothing depends on it.
                let _ = self.owner.ask(query, &typing).await;
            }
            sleep(SEND_EVERY).await;
        }
        Ok(())
    }

    /// Runs as long as some are left.
    async fn work(
        &self,
        victim: Person,
        left: &AtomicU16,
        figures: &Mutex<Figures>,
    ) -> anyhow::Result<()> {
        let mut victim = Arc::new(victim);
        let one_less = |left: u16| left.checked_sub(1);
        while left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .is_ok()
        {
            match self.once(victim.clone(), figures).await {
                Ok(next) => victim = next,
                Err(error) => {
                    println!("{:<20} left out: {error:#}", self.act.name());
                    victim = Arc::new(victim.anew().await?);
                }
            }
        }
        Ok(())
    }

    /// Lets somebody in, who may have been kept out until a moment ago.
    async fn admit(&self, victim: &Person) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let admitted = match &self.link {
                Some(token) => opening::accept(victim, token).await,
                None => join(victim, &self.room.id).await,
            };
            if admitted.is_ok() || begun.elapsed() > PATIENCE {
                return admitted;
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// One run; who can be put out the next time.
    async fn once(
        &self,
        victim: Arc<Person>,
        figures: &Mutex<Figures>,
    ) -> anyhow::Result<Arc<Person>> {
        self.admit(&victim).await?;
        let hostile = Hostile::start(victim.clone(), self.room.id.clone(), self.act.ends_all());
        let begun = Instant::now();
        while !hostile.is_in() {
            if begun.elapsed() > PATIENCE {
                bail!("the client for {} does not get in", self.act.name());
            }
            sleep(Duration::from_millis(50)).await;
        }
        sleep(Duration::from_millis(fastrand::u64(..1_000))).await;
        let scene = Scene {
            stack: &self.stack,
            owner: &self.owner,
            victim: &victim,
            room: &self.room.id,
        };
        // The newest tokens that there can be.
        while hostile.take().await.is_err() {
            if begun.elapsed() > PATIENCE {
                bail!("the client for {} gets no tokens", self.act.name());
            }
        }
        let once = self.act.perform(&scene).await?;
        let end = Instant::now();
        sleep_until(end + self.act.bound() + BEYOND).await;
        let outcome = hostile.outcome(end);
        println!(
            "{:<20} {:>6.2} s  {}{}",
            self.act.name(),
            outcome.after.as_secs_f64(),
            outcome.how,
            if outcome.stays { ", and stays" } else { "" }
        );
        drop(hostile);
        if once {
            figures.lock().await.add(self.act, outcome);
        }
        self.act.undo(&scene).await?;
        if self.act.ends_all() {
            return Ok(Arc::new(victim.again().await?));
        }
        Ok(victim)
    }
}
