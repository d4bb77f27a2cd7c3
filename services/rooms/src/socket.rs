//! A client of Centrifugo for tests: as much of its protocol as they need.

use std::{collections::VecDeque, time::Duration};

use futures::{SinkExt, StreamExt};
use plaza_testkit::{Issuer, TestCentrifugo};
use plaza_types::{SessionId, UserId};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// Longest wait for what should come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection of one user.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    lines: VecDeque<Value>,
    /// Pushes that came while a reply was waited for.
    pushes: VecDeque<Value>,
    id: u64,
}

impl Socket {
    /// Connects as auth would let them.
    pub(crate) async fn connect(server: &TestCentrifugo, issuer: &Issuer, user: UserId) -> Self {
        let now = chrono::Utc::now().timestamp();
        let token = issuer.sign(&json!({
            "iss": plaza_kit::token::ISSUER, "aud": plaza_kit::token::CONNECTION_AUDIENCE,
            "sub": user, "exp": now + 60, "expire_at": now + 3_600,
            "meta": { "sid": SessionId::new() },
        }));
        let (stream, _) = connect_async(&server.ws_url).await.unwrap();
        let mut socket = Self {
            stream,
            lines: VecDeque::new(),
            pushes: VecDeque::new(),
            id: 0,
        };
        let reply = socket.ask("connect", json!({ "token": token })).await;
        assert!(reply["connect"].is_object(), "{reply}");
        socket
    }

    /// Asks for a channel; none: it is open, else the code of the error.
    pub(crate) async fn subscribe(&mut self, channel: &str, token: Option<&str>) -> Option<u64> {
        let mut body = json!({ "channel": channel });
        if let Some(token) = token {
            body["token"] = json!(token);
        }
        let reply = self.ask("subscribe", body).await;
        if reply["subscribe"].is_object() {
            return None;
        }
        Some(reply["error"]["code"].as_u64().unwrap())
    }

    async fn ask(&mut self, method: &str, body: Value) -> Value {
        self.id += 1;
        let text = json!({ "id": self.id, method: body }).to_string();
        self.stream.send(Message::text(text)).await.unwrap();
        loop {
            let line = self.line().await;
            if line["id"] == self.id {
                return line;
            }
            if line["push"].is_object() {
                self.pushes.push_back(line["push"].clone());
            }
        }
    }

    async fn line(&mut self) -> Value {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return line;
            }
            let frame = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            let frame = frame.expect("Centrifugo says something in time");
            let text = match frame.expect("the connection stays").unwrap() {
                Message::Text(text) => text,
                Message::Close(close) => panic!("closed: {close:?}"),
                _ => continue,
            };
            for line in text.lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                if line == json!({}) {
                    self.stream.send(Message::text("{}")).await.unwrap();
                }
                self.lines.push_back(line);
            }
        }
    }
}
