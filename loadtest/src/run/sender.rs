//! The virtual users that write: each message when it is due, whatever became
//! of those before; or, in a closed loop, each when the one before was answered.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use plaza_kit::retry::Backoff;
use plaza_types::RoomId;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::Instant,
};
use uuid::Uuid;

use super::{clock::now_us, meters::count, pace::Pace, shared::Shared};
use crate::{
    accounting::Accepted,
    cast::VirtualUser,
    latency::{BoundsError, Latencies},
    wire::Content,
};

/// Most sends under way at once; one that is due when all are taken waits, and
/// its time counts all the same.
const AT_ONCE: usize = 4_096;

/// Who sends a message, and where to.
#[derive(Debug)]
pub(crate) struct Pick {
    pub(crate) user: Arc<VirtualUser>,
    pub(crate) room: RoomId,
}

/// Who sends each message, and where to.
pub(crate) trait Script: Send + Sync {
    /// Of the message with this number. Called once for each.
    fn pick(&self, number: u64) -> Pick;

    /// It was accepted at a place of its room. Of many rooms, the script keeps
    /// the books itself.
    fn accepted(&self, _pick: &Pick, seq: i64, id: Uuid, of_the_room: &mut Accepted) {
        of_the_room.add(seq, id);
    }
}

/// All write to one room, by turns.
#[derive(Debug)]
pub(crate) struct Turns {
    pub(crate) users: Vec<Arc<VirtualUser>>,
    pub(crate) room: RoomId,
}

impl Script for Turns {
    fn pick(&self, number: u64) -> Pick {
        let turn = usize::try_from(number).unwrap_or_default() % self.users.len();
        Pick {
            user: self.users[turn].clone(),
            room: self.room,
        }
    }
}

/// What is sent, when, and by whom.
pub(crate) struct Sending {
    pub(crate) shared: Arc<Shared>,
    pub(crate) script: Arc<dyn Script>,
    /// How many write.
    pub(crate) senders: usize,
    pub(crate) pace: Pace,
    /// In place of the pace: each user sends until this time has passed, and
    /// waits for the answer each time.
    pub(crate) closed_loop: Option<Duration>,
    /// Of these users among all senders of the run: part of each message's id.
    pub(crate) part: u32,
    pub(crate) message_chars: usize,
    /// When the first is due.
    pub(crate) begin: Instant,
    /// The same by the wall clock.
    pub(crate) begin_us: i64,
    /// Until when an unanswered send is tried again.
    pub(crate) give_up: Instant,
    /// True: nothing more is sent.
    pub(crate) interrupted: watch::Receiver<bool>,
}

/// What came of the sends.
#[derive(Debug)]
pub(crate) struct Sent {
    /// In the one room.
    pub(crate) accepted: Accepted,
    /// Of all, those that were due while it was measured.
    pub(crate) accepted_measured: u64,
    /// When nothing more was sent, if that was before everything was.
    pub(crate) interrupted_at: Option<Instant>,
    /// Answered as not accepted.
    pub(crate) refused: u64,
    /// Never answered: nobody knows whether they were accepted.
    pub(crate) unresolved: u64,
    /// From when it was due to the answer, of what was measured and accepted
    /// while connections were left alone.
    pub(crate) answer_in_calm: Latencies,
    /// The same, of what was due in a storm or a blackout.
    pub(crate) answer_in_trouble: Latencies,
    /// Tries in a storm or a blackout that were not answered, or by an error.
    pub(crate) failed_in_trouble: u64,
    /// From when it was due to when it was sent, of what was measured: how far
    /// the load tester itself is behind.
    pub(crate) lag: Latencies,
}

impl Sent {
    fn new() -> Result<Self, BoundsError> {
        Ok(Self {
            accepted: Accepted::default(),
            accepted_measured: 0,
            interrupted_at: None,
            refused: 0,
            unresolved: 0,
            answer_in_calm: Latencies::new()?,
            answer_in_trouble: Latencies::new()?,
            failed_in_trouble: 0,
            lag: Latencies::new()?,
        })
    }
}

/// One message.
struct Due {
    number: u64,
    /// The moment (µs of Unix time).
    at_us: i64,
    pick: Pick,
}

#[derive(Deserialize)]
struct Message {
    id: Uuid,
    seq: i64,
}

impl Sending {
    /// Sends everything; ends when each send was answered or given up.
    pub(crate) async fn run(self) -> Result<Sent, BoundsError> {
        let sent = Arc::new(Mutex::new(Sent::new()?));
        let this = Arc::new(self);
        let interrupted_at = match this.closed_loop {
            None => this.clone().as_due(&sent).await,
            Some(time) => this.clone().one_after_another(time, &sent).await,
        };
        let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.interrupted_at = interrupted_at;
        Ok(std::mem::replace(&mut *sent, Sent::new()?))
    }

    /// Each message when it is due; when it was interrupted, if it was.
    async fn as_due(self: Arc<Self>, sent: &Arc<Mutex<Sent>>) -> Option<Instant> {
        let mut interrupted = self.interrupted.clone();
        let mut interrupted_at = None;
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut under_way = JoinSet::new();
        for number in 0..self.pace.count {
            let after = self.pace.due(number);
            tokio::select! {
                () = tokio::time::sleep_until(self.begin + after) => {}
                true = is_true(&mut interrupted) => {
                    interrupted_at = Some(Instant::now());
                    break;
                }
            }
            let after_us = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
            let due = Due {
                number,
                at_us: self.begin_us.saturating_add(after_us),
                pick: self.script.pick(number),
            };
            // The semaphore is never closed.
            let Ok(turn) = turns.clone().acquire_owned().await else {
                break;
            };
            while under_way.try_join_next().is_some() {}
            let (this, sent) = (self.clone(), sent.clone());
            under_way.spawn(async move {
                this.send(&due, &sent).await;
                drop(turn);
            });
        }
        while under_way.join_next().await.is_some() {}
        interrupted_at
    }

    /// Each user's messages one after another; when it was interrupted, if it
    /// was.
    async fn one_after_another(
        self: Arc<Self>,
        time: Duration,
        sent: &Arc<Mutex<Sent>>,
    ) -> Option<Instant> {
        tokio::time::sleep_until(self.begin).await;
        let until = self.begin + time;
        let next = Arc::new(AtomicU64::new(0));
        let mut senders = JoinSet::new();
        let count_of_senders = self.senders as u64;
        for user in 0..count_of_senders {
            let (this, sent, next) = (self.clone(), sent.clone(), next.clone());
            senders.spawn(async move {
                while Instant::now() < until && !*this.interrupted.borrow() {
                    // Its own turn each time: the number says whose it is.
                    let round = next.fetch_add(1, Ordering::Relaxed);
                    let number = round * count_of_senders + user;
                    let due = Due {
                        number,
                        at_us: now_us(),
                        pick: this.script.pick(number),
                    };
                    this.send(&due, &sent).await;
                }
            });
        }
        while senders.join_next().await.is_some() {}
        let is_interrupted = *self.interrupted.borrow();
        is_interrupted.then(Instant::now)
    }

    /// Sends one message until it is answered; the same id each time, so that
    /// it is accepted once.
    async fn send(&self, due: &Due, sent: &Mutex<Sent>) {
        let lock = || sent.lock().unwrap_or_else(PoisonError::into_inner);
        let meters = &self.shared.meters;
        let measured = meters.is_measured(due.at_us);
        let in_trouble = measured && meters.in_trouble.load(Ordering::Relaxed);
        if measured {
            lock().lag.record_us(now_us() - due.at_us);
        }
        let token = &due.pick.user.token;
        let (query, variables) = self.mutation(due);
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(3));
        loop {
            let answer =
                self.shared
                    .endpoint
                    .ask::<Message>(token, query, &variables, "sendMessage");
            let error = match answer.await {
                Ok(message) => {
                    let mut sent = lock();
                    self.script
                        .accepted(&due.pick, message.seq, message.id, &mut sent.accepted);
                    if measured {
                        sent.accepted_measured += 1;
                        let answer = if in_trouble {
                            &mut sent.answer_in_trouble
                        } else {
                            &mut sent.answer_in_calm
                        };
                        answer.record_us(now_us() - due.at_us);
                    }
                    count(&meters.accepted);
                    return;
                }
                Err(error) => error,
            };
            meters.error(error.label());
            if in_trouble {
                lock().failed_in_trouble += 1;
            }
            if !error.passes() {
                lock().refused += 1;
                return;
            }
            let delay = error.wait().unwrap_or_else(|| backoff.delay());
            if Instant::now() + delay > self.give_up {
                lock().unresolved += 1;
                return;
            }
            tokio::time::sleep(delay).await;
        }
    }

    fn mutation(&self, due: &Due) -> (&'static str, serde_json::Value) {
        let content = Content {
            run: self.shared.run,
            due_us: due.at_us,
            number: due.number,
        };
        let variables = json!({ "input": {
            "roomId": due.pick.room,
            "content": content.text(self.message_chars),
            "clientMessageId": format!("{}-{}-{}", self.shared.run, self.part, due.number),
        } });
        let query =
            "mutation Send($input: SendMessageInput!) { sendMessage(input: $input) { id seq } }";
        (query, variables)
    }
}

/// Waits for it; false: it never will be.
async fn is_true(value: &mut watch::Receiver<bool>) -> bool {
    value.wait_for(|value| *value).await.is_ok()
}
