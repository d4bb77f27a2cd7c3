//! A client of Centrifugo: as much of its protocol as the tests need.

use std::{collections::VecDeque, time::Duration};

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use super::Plaza;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a command was not carried out: an error's code, or a closed connection's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) u64);

/// An open connection.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    lines: VecDeque<Value>,
    id: u64,
    /// The channels that the connection opened with.
    pub(crate) opened: Vec<String>,
}

impl Socket {
    /// Connects with a token.
    pub(crate) async fn connect(plaza: &Plaza, token: &str) -> Result<Self, Refused> {
        let port = plaza.port("centrifugo");
        let url = format!("ws://127.0.0.1:{port}/connection/websocket");
        let (stream, _) = connect_async(url).await.expect("Centrifugo listens");
        let mut socket = Self {
            stream,
            lines: VecDeque::new(),
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
        let text = json!({ "id": self.id, command: body }).to_string();
        if self.stream.send(Message::text(text)).await.is_err() {
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
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Ok(line);
            }
            let frame = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            let text = match frame.expect("Centrifugo says something in time") {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(close))) => {
                    return Err(Refused(
                        close.map_or(1005, |close| u16::from(close.code).into()),
                    ));
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return Err(Refused(1006)),
            };
            for line in text.lines() {
                if line == "{}" {
                    let _ = self.stream.send(Message::text("{}")).await;
                    continue;
                }
                let line = serde_json::from_str(line).expect("JSON");
                self.lines.push_back(line);
            }
        }
    }
}
