//! Somebody who listens, and comes back whenever the connection ends.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use plaza_testkit::{Reply, Socket, eventually};
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time};

use crate::{
    node,
    people::{Person, Room},
    writer::{Accepted, Writer},
};

/// Between two tries to connect.
const PAUSE: Duration = Duration::from_millis(250);
/// Longest wait for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// A tick comes every 5 s: a longer silence is a dead connection.
const SILENCE: Duration = Duration::from_secs(12);

/// What was heard, for as long as this lives.
pub(crate) struct Listener {
    heard: Arc<Mutex<HashMap<String, Instant>>>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Listens to whatever this person is told.
    pub(crate) fn of(person: &Person) -> Self {
        let heard = Arc::<Mutex<HashMap<String, Instant>>>::default();
        let (person, to) = (person.clone(), heard.clone());
        let task = tokio::spawn(async move {
            loop {
                if let Some(socket) = connect(&person).await {
                    listen(socket, &to).await;
                }
                time::sleep(PAUSE).await;
            }
        });
        Self { heard, task }
    }

    /// When a message was heard.
    pub(crate) fn heard(&self, message: &str) -> Option<Instant> {
        self.heard.lock().unwrap().get(message).copied()
    }
}

impl Listener {
    /// Until anything was heard.
    pub(crate) async fn hears(&self) {
        eventually(node::PATIENCE, async || {
            let hears = !self.heard.lock().unwrap().is_empty();
            hears.then_some(()).ok_or("nothing")
        })
        .await;
    }

    /// Until each of these was heard.
    pub(crate) async fn has_heard(&self, accepted: &[Accepted]) {
        eventually(PATIENCE, async || {
            let not_heard = |one: &&Accepted| self.heard(&one.id).is_none();
            let missing: Vec<&Accepted> = accepted.iter().filter(not_heard).collect();
            missing
                .is_empty()
                .then_some(())
                .ok_or_else(|| format!("{missing:?}"))
        })
        .await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ada writes and Ben listens, from when he has heard something.
pub(crate) async fn talk(ada: &Person, ben: &Person, room: &Room) -> (Listener, Writer) {
    let listener = Listener::of(ben);
    let writer = Writer::start(ada, room);
    heard_after(&writer, &listener, Instant::now(), node::PATIENCE).await;
    (listener, writer)
}

/// Until something is heard that was sent after this moment.
pub(crate) async fn heard_after(
    writer: &Writer,
    listener: &Listener,
    moment: Instant,
    patience: Duration,
) {
    eventually(patience, async || {
        let since = writer.accepted_since(moment);
        since.iter().any(|one| listener.heard(&one.id).is_some())
    })
    .await;
}

/// A connection on which everything is subscribed to.
async fn connect(person: &Person) -> Option<Socket> {
    let data = person
        .ask("mutation { connectionToken { token } }", json!({}))
        .await
        .ok()?;
    let token = data["connectionToken"]["token"].as_str()?;
    let url = format!("ws://{}/connection/websocket", person.realtime);
    let opened = time::timeout(PATIENCE, async {
        let mut socket = Socket::open(&url).await.ok()?;
        let connect = json!({"id": 1, "connect": {"token": token}});
        socket.send(&connect).await.ok()?;
        let pulse = json!({"id": 2, "subscribe": {"channel": "pulse:all"}});
        socket.send(&pulse).await.ok()?;
        Some(socket)
    });
    opened.await.ok().flatten()
}

/// Until the connection ends, or is silent.
async fn listen(mut socket: Socket, heard: &Mutex<HashMap<String, Instant>>) {
    while let Ok(Reply::Json(reply)) = time::timeout(SILENCE, socket.receive()).await {
        let events = reply["push"]["pub"]["data"]["events"].as_array();
        for event in events.into_iter().flatten() {
            if event["type"] == "message.created"
                && let Value::String(id) = &event["message"]["id"]
            {
                let mut heard = heard.lock().unwrap();
                heard.entry(id.clone()).or_insert_with(Instant::now);
            }
        }
        // Refused: another token is needed.
        if reply.get("error").is_some() {
            return;
        }
    }
}
