//! A connection to the Centrifugo: nothing is recovered on it.

use std::collections::HashSet;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::{Shared, plaza::Sent};

pub(super) async fn serve(stream: TcpStream, plaza: Shared) {
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let mut sent = plaza.lock().unwrap().sent.subscribe();
    let mut open = Open::default();
    loop {
        tokio::select! {
            frame = socket.next() => {
                let Some(Ok(Message::Text(text))) = frame else { return };
                let reply = open.answer(&serde_json::from_str(&text).unwrap());
                socket.send(Message::text(reply.to_string())).await.unwrap();
            }
            told = sent.recv() => match told.expect("not too many at once") {
                Sent::Push { channel, publication } => {
                    let channel = channel.unwrap_or_else(|| open.personal.clone());
                    if channel == open.personal || open.channels.contains(&channel) {
                        let push = json!({ "push": { "channel": channel, "pub": publication } });
                        if socket.send(Message::text(push.to_string())).await.is_err() {
                            return;
                        }
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

/// What is open on a connection.
#[derive(Default)]
struct Open {
    /// The user's own channel.
    personal: String,
    channels: HashSet<String>,
}

impl Open {
    fn answer(&mut self, command: &Value) -> Value {
        let id = &command["id"];
        if let Some(token) = command["connect"]["token"].as_str() {
            self.personal = format!("personal:{token}");
            let subscribed = json!({ "recoverable": true, "epoch": "E", "offset": 0 });
            let connected = json!({ "client": "c", "ping": 25, "pong": true,
                "subs": { &self.personal: subscribed } });
            json!({ "id": id, "connect": connected })
        } else if let Some(channel) = command["unsubscribe"]["channel"].as_str() {
            assert!(self.channels.remove(channel), "{channel} is not open");
            json!({ "id": id, "unsubscribe": {} })
        } else {
            let subscribe = &command["subscribe"];
            let channel = subscribe["channel"].as_str().unwrap();
            let by_token = channel.starts_with("room:");
            assert_eq!(subscribe["token"] == "s", by_token, "{channel}");
            let is_new = self.channels.insert(channel.to_owned());
            assert!(is_new, "{channel} is open");
            json!({ "id": id, "subscribe": { "recoverable": true, "epoch": "E" } })
        }
    }
}
