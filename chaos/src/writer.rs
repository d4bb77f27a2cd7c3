//! One person who writes: each message is sent under one id until it is
//! accepted, some are edited or deleted later.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail};
use chrono::Utc;
use plaza_types::MessageId;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{person::Person, recovery::Recoveries};

/// How long one send is tried: longer than any fault lasts.
const PATIENCE: Duration = Duration::from_mins(2);
/// Of ten messages, so many are edited, and as many deleted.
const CHANGED_IN_TEN: u8 = 1;

/// What was answered as accepted, by room: the message's id and content.
#[derive(Debug, Default)]
pub(crate) struct Accepted {
    messages: Mutex<HashMap<String, Vec<String>>>,
    /// All of them.
    pub(crate) count: AtomicU64,
    /// Sends that needed more than one try.
    pub(crate) retried: AtomicU64,
}

impl Accepted {
    fn add(&self, room: &str, id: String) {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.entry(room.to_owned()).or_default().push(id);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// The ids of a room.
    pub(crate) fn of(&self, room: &str) -> Vec<String> {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.get(room).cloned().unwrap_or_default()
    }
}

/// Writes until it is told to stop.
pub(crate) struct Writer {
    pub(crate) person: Arc<Person>,
    /// Those that it is in from beginning to end.
    pub(crate) rooms: Vec<String>,
    pub(crate) every: Duration,
    pub(crate) random: fastrand::Rng,
    pub(crate) accepted: Arc<Accepted>,
    pub(crate) recoveries: Arc<Recoveries>,
    pub(crate) stop: Arc<AtomicBool>,
}

impl Writer {
    /// Fails when something is refused that should not be.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let mut next = Instant::now() + self.every.mul_f64(self.random.f64());
        while !self.stop.load(Ordering::Relaxed) {
            tokio::time::sleep_until(next).await;
            // After an outage it goes on at its pace instead of making up for it.
            next = (next + self.every).max(Instant::now());
            let Some(room) = self.random.choice(self.rooms.iter()).cloned() else {
                bail!("there is no room");
            };
            let id = self.send(&room).await?;
            match self.random.u8(..10) {
                n if n < CHANGED_IN_TEN => self.edit(&id).await?,
                n if n < 2 * CHANGED_IN_TEN => self.delete(&id).await?,
                _ => {}
            }
        }
        Ok(())
    }

    async fn send(&mut self, room: &str) -> anyhow::Result<String> {
        let client_id = MessageId::new().to_string();
        let query = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { id } }";
        let input = json!({ "roomId": room, "content": format!("say {client_id}"), "clientMessageId": client_id });
        let (begun, sent) = (Instant::now(), Utc::now());
        let data = self
            .person
            .insist(query, &json!({ "input": input }), PATIENCE)
            .await
            .context("a send was not accepted")?;
        if begun.elapsed() > Duration::from_secs(1) {
            self.accepted.retried.fetch_add(1, Ordering::Relaxed);
        }
        let id = text(&data["sendMessage"]["id"])?;
        self.accepted.add(room, id.clone());
        self.recoveries.accepted(room, sent);
        Ok(id)
    }

    async fn edit(&self, id: &str) -> anyhow::Result<()> {
        let query = "mutation($id: ID!, $content: String!) { editMessage(id: $id, content: $content) { id } }";
        let variables = json!({ "id": id, "content": format!("edited {id}") });
        let answer = self.person.insist(query, &variables, PATIENCE).await;
        answer.context("an edit was not accepted").map(drop)
    }

    async fn delete(&self, id: &str) -> anyhow::Result<()> {
        let query = "mutation($id: ID!) { deleteMessage(id: $id) { id } }";
        let answer = self
            .person
            .insist(query, &json!({ "id": id }), PATIENCE)
            .await;
        answer.context("a deletion was not accepted").map(drop)
    }
}

fn text(value: &Value) -> anyhow::Result<String> {
    value.as_str().map(str::to_owned).context("no id")
}
