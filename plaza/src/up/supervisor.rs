//! Keeps the parts running, and stops and starts them on request.

use std::collections::BTreeMap;
use std::time::Duration;

use plaza_local::Process;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::console::Console;
use super::log_line::Level;
use super::name::PartName;
use super::recipe::Recipe;

/// How often a part is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long a part may take to end when asked.
const STOP_PATIENCE: Duration = Duration::from_secs(40);
/// Pause before the first restart of a part that died; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Longest pause between restarts.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// A part that ran for so long was well: its next death begins anew.
const WELL_AFTER: Duration = Duration::from_secs(30);

/// What a part is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub(crate) enum State {
    /// It runs and was ready.
    Running {
        /// Its process.
        pid: i32,
    },
    /// It died and is about to be started again.
    Restarting,
    /// Somebody stopped it.
    Stopped,
}

/// A wish about one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Wish {
    /// Run it, and wait until it is ready.
    Start,
    /// End it in good order and leave it down.
    Stop,
    /// End it with SIGKILL and leave it down.
    Kill,
}

type Request = (Wish, oneshot::Sender<Result<(), String>>);

/// All parts that are kept running.
#[derive(Debug)]
pub(crate) struct Supervisor {
    parts: BTreeMap<PartName, Handle>,
    console: Console,
    stopping: CancellationToken,
}

#[derive(Debug)]
struct Handle {
    requests: mpsc::Sender<Request>,
    state: watch::Receiver<State>,
}

impl Supervisor {
    pub(crate) fn new(console: Console) -> Self {
        Self {
            parts: BTreeMap::new(),
            console,
            stopping: CancellationToken::new(),
        }
    }

    /// Takes over a part that runs.
    pub(crate) fn adopt(&mut self, recipe: Recipe, process: Process) {
        let (requests, inbox) = mpsc::channel(8);
        let pid = process.pid();
        let (state, seen) = watch::channel(State::Running { pid });
        let keeper = Keeper {
            name: recipe.name,
            recipe,
            console: self.console.clone(),
            stopping: self.stopping.clone(),
            state,
            process: Some(process),
            since: Instant::now(),
            pause: FIRST_PAUSE,
            again: None,
        };
        self.parts.insert(
            keeper.name,
            Handle {
                requests,
                state: seen,
            },
        );
        tokio::spawn(keeper.keep(inbox));
    }

    /// What each part is doing, in the order of their start.
    pub(crate) fn states(&self) -> Vec<(PartName, State)> {
        self.parts
            .iter()
            .map(|(name, handle)| (*name, *handle.state.borrow()))
            .collect()
    }

    /// Fulfils a wish and says how it went.
    pub(crate) async fn fulfil(&self, name: PartName, wish: Wish) -> Result<(), String> {
        let Some(handle) = self.parts.get(&name) else {
            let why = if name.is_own() && self.parts.contains_key(&PartName::Standalone) {
                "all services are one process, standalone"
            } else if name.is_second() {
                "it has one process of each part; start it with --replicas 2"
            } else {
                "real time is off"
            };
            return Err(format!("{name} is not part of this run: {why}"));
        };
        let (answer, answered) = oneshot::channel();
        let gone = || format!("{name} is being shut down");
        handle
            .requests
            .send((wish, answer))
            .await
            .map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Stops everything, the gateway first and the servers last; the services,
    /// which do not wait for each other, together.
    pub(crate) async fn stop_all(&self) {
        self.stopping.cancel();
        let stages: [&[PartName]; 5] = [
            &[PartName::Gateway, PartName::Standalone],
            &[PartName::Rooms, PartName::Messages],
            &[PartName::Publisher, PartName::Auth],
            &[PartName::Centrifugo],
            &[PartName::Redis, PartName::Postgres],
        ];
        for stage in stages {
            let stops = self
                .parts
                .keys()
                .filter(|name| stage.contains(&name.first()))
                .map(|name| self.fulfil(*name, Wish::Stop));
            futures::future::join_all(stops).await;
        }
    }
}

/// Keeps one part.
struct Keeper {
    name: PartName,
    recipe: Recipe,
    console: Console,
    stopping: CancellationToken,
    state: watch::Sender<State>,
    process: Option<Process>,
    since: Instant,
    pause: Duration,
    again: Option<Instant>,
}

impl Keeper {
    async fn keep(mut self, mut inbox: mpsc::Receiver<Request>) {
        loop {
            let again = self.again;
            tokio::select! {
                request = inbox.recv() => {
                    let Some((wish, answer)) = request else { return };
                    let result = self.fulfil(wish).await;
                    // Who asked may have gone.
                    let _ = answer.send(result);
                }
                status = death(self.process.as_mut()) => self.mourn(&status),
                () = until(again) => self.restart().await,
            }
        }
    }

    async fn fulfil(&mut self, wish: Wish) -> Result<(), String> {
        match wish {
            Wish::Start if self.process.is_some() => Ok(()),
            Wish::Start => {
                self.pause = FIRST_PAUSE;
                self.start().await.inspect_err(|_| {
                    self.again = None;
                    self.state.send_replace(State::Stopped);
                })
            }
            Wish::Stop | Wish::Kill => {
                self.again = None;
                if let Some(mut process) = self.process.take() {
                    if wish == Wish::Kill {
                        process.kill().await;
                    } else {
                        process.stop(STOP_PATIENCE).await;
                    }
                }
                self.state.send_replace(State::Stopped);
                Ok(())
            }
        }
    }

    async fn start(&mut self) -> Result<(), String> {
        self.again = None;
        // Dropping a start kills what it has begun.
        let started = tokio::select! {
            started = self.recipe.start() => started,
            () = self.stopping.cancelled() => return Err("everything is being stopped".into()),
        };
        match started {
            Ok(process) => {
                self.state
                    .send_replace(State::Running { pid: process.pid() });
                self.process = Some(process);
                self.since = Instant::now();
                Ok(())
            }
            Err(error) => Err(format!("{:#}", anyhow::Error::from(error))),
        }
    }

    /// It ended although nobody asked it to.
    fn mourn(&mut self, status: &str) {
        self.process = None;
        if self.since.elapsed() >= WELL_AFTER {
            self.pause = FIRST_PAUSE;
        }
        let message = format!(
            "ended unexpectedly ({status}; its log is {}); starting it again in {:.1} s",
            self.recipe.data.log(self.name.as_str()).display(),
            self.pause.as_secs_f64()
        );
        self.console.event(self.name, Level::Error, &message);
        self.later();
    }

    async fn restart(&mut self) {
        match self.start().await {
            Ok(()) => self.console.event(self.name, Level::Info, "runs again"),
            Err(error) => {
                let message = format!(
                    "did not start: {error}; trying again in {:.1} s",
                    self.pause.as_secs_f64()
                );
                self.console.event(self.name, Level::Error, &message);
                self.later();
            }
        }
    }

    fn later(&mut self) {
        self.state.send_replace(State::Restarting);
        self.again = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

/// How the process ended, once it has; never for none.
async fn death(process: Option<&mut Process>) -> String {
    let Some(process) = process else {
        return std::future::pending().await;
    };
    loop {
        if let Some(status) = process.ended() {
            return status;
        }
        sleep(LOOK).await;
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
