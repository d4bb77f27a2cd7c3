//! A gateway and a Centrifugo in one, with one room, that make a fault when
//! they are told to.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, routing::post};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast,
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};
use uuid::Uuid;

/// The message that something happens to.
const UNLUCKY: usize = 10;
/// The last one of a run.
const LAST: usize = 50;
/// Where the room's events are at first, and after a crossing.
const CHANNELS: [&str; 2] = ["room:r.1", "room:r.2"];

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// A push does not come.
    LosePush,
    /// The last push does not come.
    LoseLastPush,
    /// A push comes twice.
    PushTwice,
    /// Two pushes come the other way round.
    SwapPushes,
    /// All connections are closed with 3001, and the push does not come.
    CloseConnections,
    /// The room's events come by another channel from here on.
    Cross,
    /// A message is accepted and the answer is an error.
    LoseAnswer,
    /// A message is accepted and never seen again.
    Forget,
    /// A message is stored at two places.
    StoreTwice,
}

/// What goes to all connections.
#[derive(Debug, Clone)]
enum Sent {
    Push { channel: &'static str, text: String },
    Close,
}

#[derive(Debug)]
struct Stored {
    id: Uuid,
    client_message_id: String,
    content: String,
    forgotten: bool,
}

#[derive(Debug)]
struct Room {
    id: Uuid,
    fault: Fault,
    messages: Vec<Stored>,
    held_back: Option<Value>,
    channel: &'static str,
    sent: broadcast::Sender<Sent>,
    endpoint: String,
}

/// The room as handlers share it.
type Shared = Arc<Mutex<Room>>;

/// Where it is.
pub(crate) struct StandIn {
    pub(crate) url: String,
    pub(crate) room: Uuid,
}

impl StandIn {
    /// Serves until the test ends.
    pub(crate) async fn serve(fault: Fault) -> Self {
        let graphql = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let sockets = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", graphql.local_addr().unwrap());
        let endpoint = format!("ws://{}/connection", sockets.local_addr().unwrap());
        let id = Uuid::now_v7();
        let room: Shared = Arc::new(Mutex::new(Room {
            id,
            fault,
            messages: Vec::new(),
            held_back: None,
            channel: CHANNELS[0],
            sent: broadcast::channel(1_024).0,
            endpoint,
        }));
        let routes = Router::new()
            .route("/graphql", post(answer))
            .with_state(room.clone());
        tokio::spawn(async move { axum::serve(graphql, routes).await });
        tokio::spawn(async move {
            while let Ok((stream, _)) = sockets.accept().await {
                tokio::spawn(connection(stream, room.clone()));
            }
        });
        Self { url, room: id }
    }
}

async fn answer(State(room): State<Shared>, Json(body): Json<Value>) -> Json<Value> {
    let mut room = room.lock().unwrap();
    let query = body["query"].as_str().unwrap();
    let variables = &body["variables"];
    let data = if query.contains("connectionToken") {
        json!({ "connectionToken": { "token": "t", "endpoint": room.endpoint } })
    } else if query.contains("realtime") {
        json!({ "room": { "realtime": { "channel": room.channel, "token": "s" } } })
    } else if query.contains("changes(") {
        json!({ "room": { "changes": room.changes(variables["since"].as_u64().unwrap()) } })
    } else if query.contains("messages(last") {
        json!({ "room": { "messages": { "headSeq": room.messages.len(), "nodes": [] } } })
    } else {
        assert!(query.contains("sendMessage"), "{query}");
        let Some(message) = room.send(&variables["input"]) else {
            let error = json!({ "message": "", "extensions": { "code": "UNAVAILABLE" } });
            return Json(json!({ "data": null, "errors": [error] }));
        };
        json!({ "sendMessage": message })
    };
    Json(json!({ "data": data }))
}

impl Room {
    fn changes(&self, since: u64) -> Value {
        let since = usize::try_from(since).unwrap();
        let messages: Vec<_> = (since..self.messages.len())
            .filter(|place| !self.messages[*place].forgotten)
            .map(|place| self.message(place))
            .collect();
        let head = self.messages.len();
        json!({ "nextSeq": head, "headSeq": head, "reset": false, "messages": messages })
    }

    fn message(&self, place: usize) -> Value {
        let Stored { id, content, .. } = &self.messages[place];
        json!({ "id": id, "seq": place + 1, "content": content })
    }

    /// Accepts a message; none: nobody is told.
    fn send(&mut self, input: &Value) -> Option<Value> {
        let client_message_id = input["clientMessageId"].as_str().unwrap();
        let known = |stored: &Stored| stored.client_message_id == client_message_id;
        if let Some(place) = self.messages.iter().position(known) {
            return Some(self.message(place));
        }
        let number = self.messages.len() + 1;
        let unlucky = number == UNLUCKY;
        let stored = || Stored {
            id: Uuid::now_v7(),
            client_message_id: client_message_id.to_owned(),
            content: input["content"].as_str().unwrap().to_owned(),
            forgotten: unlucky && self.fault == Fault::Forget,
        };
        let (first, second) = (stored(), stored());
        self.messages.push(first);
        let push = self.created(number - 1);
        match self.fault {
            Fault::LosePush | Fault::Forget if unlucky => {}
            Fault::LoseLastPush if number == LAST => {}
            Fault::PushTwice if unlucky => {
                self.publish(&push);
                self.publish(&push);
            }
            Fault::SwapPushes if unlucky => self.held_back = Some(push),
            Fault::CloseConnections if unlucky => self.tell(Sent::Close),
            Fault::Cross if unlucky => {
                let fanout = json!({ "type": "fanout", "room": self.id, "mode": "room" });
                self.publish(&fanout);
                self.channel = CHANNELS[1];
                self.publish(&push);
            }
            Fault::StoreTwice if unlucky => {
                self.publish(&push);
                self.messages.push(second);
                self.publish(&self.created(number));
            }
            _ => self.publish(&push),
        }
        if !unlucky && let Some(push) = self.held_back.take() {
            self.publish(&push);
        }
        let answered = !unlucky || self.fault != Fault::LoseAnswer;
        answered.then(|| self.message(number - 1))
    }

    /// The event of a message.
    fn created(&self, place: usize) -> Value {
        json!({
            "type": "message.created", "room": self.id, "epoch": "e", "seq": place + 1,
            "time": "2026-01-02T03:04:05Z", "message": self.message(place),
        })
    }

    fn publish(&self, event: &Value) {
        let data = json!({ "v": 1, "events": [event] });
        let publication = json!({ "data": data, "offset": self.messages.len() });
        let push = json!({ "push": { "channel": self.channel, "pub": publication } });
        self.tell(Sent::Push {
            channel: self.channel,
            text: push.to_string(),
        });
    }

    fn tell(&self, sent: Sent) {
        // Without connections nobody is told.
        let _ = self.sent.send(sent);
    }
}

/// One connection: nothing is recovered.
async fn connection(stream: TcpStream, room: Shared) {
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let (mut sent, mut opened) = (None, Value::Null);
    loop {
        tokio::select! {
            frame = socket.next() => {
                let Some(Ok(Message::Text(text))) = frame else { return };
                let command: Value = serde_json::from_str(&text).unwrap();
                let reply = if command["connect"].is_object() {
                    json!({ "id": command["id"], "connect": { "client": "c", "ping": 25, "pong": true } })
                } else if command["subscribe"]["channel"] == "pulse:all" {
                    json!({ "id": command["id"], "subscribe": {} })
                } else {
                    opened = command["subscribe"]["channel"].clone();
                    assert_eq!(command["subscribe"]["token"], "s");
                    sent = Some(room.lock().unwrap().sent.subscribe());
                    json!({ "id": command["id"], "subscribe": { "recoverable": true, "epoch": "E" } })
                };
                socket.send(Message::text(reply.to_string())).await.unwrap();
            }
            told = next(&mut sent) => match told {
                Sent::Push { channel, text } => {
                    if opened == channel && socket.send(Message::text(text)).await.is_err() {
                        return;
                    }
                }
                Sent::Close => {
                    let frame = CloseFrame { code: CloseCode::Library(3_001), reason: "shutdown".into() };
                    let _ = socket.close(Some(frame)).await;
                    return;
                }
            },
        }
    }
}

async fn next(sent: &mut Option<broadcast::Receiver<Sent>>) -> Sent {
    match sent {
        Some(sent) => sent.recv().await.expect("not too many at once"),
        None => std::future::pending().await,
    }
}
