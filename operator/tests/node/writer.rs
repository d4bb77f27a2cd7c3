//! Somebody who writes all the time, and keeps what was accepted.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use plaza_testkit::eventually;
use tokio::{sync::watch, task::JoinHandle, time};

use crate::people::{Person, Room};

/// Between two messages.
const PACE: Duration = Duration::from_millis(100);
/// Until the same message is sent again.
const AGAIN: Duration = Duration::from_millis(200);

/// A message that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) id: String,
    /// When the request that was answered began.
    asked: Instant,
    /// From the first try to the answer.
    took: Duration,
}

/// Writes for as long as this lives.
pub(crate) struct Writer {
    accepted: Arc<Mutex<Vec<Accepted>>>,
    /// Tries that failed, in words.
    failed: Arc<Mutex<Vec<String>>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Writer {
    /// Writes to a room.
    pub(crate) fn start(person: &Person, room: &Room) -> Self {
        let accepted = Arc::<Mutex<Vec<Accepted>>>::default();
        let failed = Arc::<Mutex<Vec<String>>>::default();
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(write(
            person.clone(),
            room.clone(),
            accepted.clone(),
            failed.clone(),
            stopped,
        ));
        Self {
            accepted,
            failed,
            stop,
            task,
        }
    }

    /// Until a message is accepted that was asked for after this moment.
    pub(crate) async fn accepted_after(&self, moment: Instant, patience: Duration) {
        eventually(patience, async || {
            let accepted = !self.accepted_since(moment).is_empty();
            let why = || format!("{:?}", self.failed.lock().unwrap().last());
            accepted.then_some(()).ok_or_else(why)
        })
        .await;
    }

    /// What was asked for after this moment and accepted so far.
    pub(crate) fn accepted_since(&self, moment: Instant) -> Vec<Accepted> {
        let accepted = self.accepted.lock().unwrap();
        let since = accepted.iter().filter(|one| one.asked >= moment);
        since.cloned().collect()
    }

    /// The longest that a message took that was accepted so far, all tries
    /// together.
    pub(crate) fn longest(&self) -> Duration {
        let accepted = self.accepted.lock().unwrap();
        let longest = accepted.iter().map(|one| one.took).max();
        longest.unwrap_or_default()
    }

    /// Why tries failed, one each.
    pub(crate) fn failures(&self) -> Vec<String> {
        self.failed.lock().unwrap().clone()
    }

    /// Finishes the message under way; everything that was accepted.
    pub(crate) async fn stop(self) -> Vec<Accepted> {
        let _ = self.stop.send(true);
        self.task.await.unwrap();
        self.accepted.lock().unwrap().clone()
    }
}

async fn write(
    person: Person,
    room: Room,
    accepted: Arc<Mutex<Vec<Accepted>>>,
    failed: Arc<Mutex<Vec<String>>>,
    stopped: watch::Receiver<bool>,
) {
    let mut pace = time::interval(PACE);
    pace.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    while !*stopped.borrow() {
        pace.tick().await;
        let client_id = plaza_types::MessageId::new().to_string();
        let first = Instant::now();
        loop {
            let asked = Instant::now();
            match person.sends(&room, &client_id).await {
                Ok(id) => {
                    let took = first.elapsed();
                    accepted.lock().unwrap().push(Accepted { id, asked, took });
                    break;
                }
                Err(why) => failed.lock().unwrap().push(why),
            }
            time::sleep(AGAIN).await;
        }
    }
}

/// Panics unless the room has every accepted message, each once, in the order
/// in which they were accepted.
pub(crate) async fn all_there(person: &Person, room: &Room, accepted: &[Accepted]) {
    let history = eventually(Duration::from_secs(30), async || person.history(room).await).await;
    let accepted: Vec<&String> = accepted.iter().map(|one| &one.id).collect();
    let history: Vec<&String> = history.iter().collect();
    assert_eq!(accepted, history, "what was accepted, and what is there");
}
