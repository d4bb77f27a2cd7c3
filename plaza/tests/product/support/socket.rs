//! A client of Centrifugo: as much of its protocol as the tests need.

use std::time::Duration;

use plaza_testkit::Reply;
use serde_json::{Value, json};

use super::Plaza;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a command was not carried out: an error's code, or a closed connection's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) u64);

/// An open connection.
pub(crate) struct Socket {
    connection: plaza_testkit::Socket,
    id: u64,
    /// The channels that the connection opened with.
    pub(crate) opened: Vec<String>,
}

impl Socket {
    /// Connects with a token.
    pub(crate) async fn connect(plaza: &Plaza, token: &str) -> Result<Self, Refused> {
        let port = plaza.port("centrifugo");
        let url = format!("ws://127.0.0.1:{port}/connection/websocket");
        let connection = plaza_testkit::Socket::open(&url).await;
        let mut socket = Self {
            connection: connection.expect("Centrifugo listens"),
            id: 0,
            opened: Vec::new(),
        };
        let connected = socket.ask("connect", json!({ "token": token })).await?;
        let opened = connected["subs"].as_object();
        let opened = opened.map(|subs| subs.keys().cloned().collect());
        socket.opened = opened.unwrap_or_default();
        Ok(socket)
    }

    /// Sends a command and gives its answer.
    pub(crate) async fn ask(&mut self, command: &str, body: Value) -> Result<Value, Refused> {
        self.id += 1;
        let text = json!({ "id": self.id, command: body });
        if self.connection.send(&text).await.is_err() {
            return Err(Refused(1006));
        }
        loop {
            let line = self.line().await?;
            if line["id"] != self.id {
                continue;
            }
            return match line["error"]["code"].as_u64() {
                Some(code) => Err(Refused(code)),
                None => Ok(line[command].clone()),
            };
        }
    }

    async fn line(&mut self) -> Result<Value, Refused> {
        let reply = tokio::time::timeout(PATIENCE, self.connection.receive()).await;
        match reply.expect("Centrifugo says something in time") {
            Reply::Json(line) => Ok(line),
            Reply::Closed(code) => Err(Refused(code.into())),
        }
    }
}
