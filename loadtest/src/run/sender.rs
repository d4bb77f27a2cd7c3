//! The virtual users that write: each message when it is due, whatever became
//! of those before.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use plaza_kit::retry::Backoff;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::Instant,
};
use uuid::Uuid;

use super::{clock::now_us, meters::count, pace::Pace, subscriber::Shared};
use crate::{
    accounting::Accepted,
    cast::VirtualUser,
    latency::{BoundsError, Latencies},
    wire::Content,
};

/// Most sends under way at once; one that is due when all are taken waits, and
/// its time counts all the same.
const AT_ONCE: usize = 4_096;

/// What is sent, when, and by whom.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) shared: Arc<Shared>,
    /// By turns.
    pub(crate) users: Vec<Arc<VirtualUser>>,
    pub(crate) pace: Pace,
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
    pub(crate) accepted: Accepted,
    /// Of them, those that were due while it was measured.
    pub(crate) accepted_measured: u64,
    /// When nothing more was sent, if that was before everything was.
    pub(crate) interrupted_at: Option<Instant>,
    /// Answered as not accepted.
    pub(crate) refused: u64,
    /// Never answered: nobody knows whether they were accepted.
    pub(crate) unresolved: u64,
    /// From when it was due to the answer, of what was measured and accepted.
    pub(crate) answer: Latencies,
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
            answer: Latencies::new()?,
            lag: Latencies::new()?,
        })
    }
}

/// One message.
struct Due {
    number: u64,
    due_us: i64,
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
        let mut interrupted = self.interrupted.clone();
        let mut interrupted_at = None;
        let this = Arc::new(self);
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut under_way = JoinSet::new();
        for number in 0..this.pace.count {
            let after = this.pace.due(number);
            tokio::select! {
                () = tokio::time::sleep_until(this.begin + after) => {}
                true = is_true(&mut interrupted) => {
                    interrupted_at = Some(Instant::now());
                    break;
                }
            }
            let after_us = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
            let due = Due {
                number,
                due_us: this.begin_us.saturating_add(after_us),
            };
            // The semaphore is never closed.
            let Ok(turn) = turns.clone().acquire_owned().await else {
                break;
            };
            while under_way.try_join_next().is_some() {}
            let (this, sent) = (this.clone(), sent.clone());
            under_way.spawn(async move {
                this.send(&due, &sent).await;
                drop(turn);
            });
        }
        while under_way.join_next().await.is_some() {}
        let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.interrupted_at = interrupted_at;
        Ok(std::mem::replace(&mut *sent, Sent::new()?))
    }

    /// Sends one message until it is answered; the same id each time, so that
    /// it is accepted once.
    async fn send(&self, due: &Due, sent: &Mutex<Sent>) {
        let lock = || sent.lock().unwrap_or_else(PoisonError::into_inner);
        let meters = &self.shared.meters;
        let measured = meters.is_measured(due.due_us);
        if measured {
            lock().lag.record_us(now_us() - due.due_us);
        }
        let turn = usize::try_from(due.number).unwrap_or_default() % self.users.len();
        let token = &self.users[turn].token;
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
                    sent.accepted.add(message.seq, message.id);
                    if measured {
                        sent.accepted_measured += 1;
                        sent.answer.record_us(now_us() - due.due_us);
                    }
                    count(&meters.accepted);
                    return;
                }
                Err(error) => error,
            };
            meters.error(error.label());
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
            due_us: due.due_us,
            number: due.number,
        };
        let variables = json!({ "input": {
            "roomId": self.shared.room,
            "content": content.text(self.message_chars),
            "clientMessageId": format!("{}-{}", self.shared.run, due.number),
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
