//! A client of Centrifugo, in its JSON protocol: frames are split into replies,
//! and pings answered. <https://centrifugal.dev/docs/transports/client_protocol>

use std::{collections::VecDeque, io};

use futures::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// Of a connection that ended without a word (RFC 6455, 7.4.1).
const ENDED: u16 = 1006;
/// Of a close that names no code.
const NO_CODE: u16 = 1005;

/// A ping, and its answer.
const PING: &str = "{}";

/// What the server did.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// It sent this: the answer to a command, or a push.
    Json(Value),
    /// It closed the connection with this code; 1006: without one.
    Closed(u16),
}

/// An open connection, on which nothing was said yet.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// A frame holds several replies, one a line.
    lines: VecDeque<Value>,
}

impl Socket {
    /// Opens one at a URL such as `ws://127.0.0.1:8000/connection/websocket`.
    ///
    /// # Errors
    /// That nobody accepts it.
    pub async fn open(url: &str) -> io::Result<Self> {
        let (stream, _) = connect_async(url).await.map_err(io::Error::other)?;
        Ok(Self {
            stream,
            lines: VecDeque::new(),
        })
    }

    /// Sends one command.
    ///
    /// # Errors
    /// That the connection is gone.
    pub async fn send(&mut self, command: &Value) -> io::Result<()> {
        let text = Message::text(command.to_string());
        self.stream.send(text).await.map_err(io::Error::other)
    }

    /// What the server does next, however long that takes. May be abandoned.
    pub async fn receive(&mut self) -> Reply {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Reply::Json(line);
            }
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    let lines = text.lines().filter(|line| !line.is_empty());
                    let (pings, lines): (Vec<_>, Vec<_>) = lines.partition(|line| *line == PING);
                    let lines = lines.into_iter().map(serde_json::from_str::<Value>);
                    self.lines.extend(lines.map(|line| line.expect("JSON")));
                    if !pings.is_empty() && self.stream.send(Message::text(PING)).await.is_err() {
                        return Reply::Closed(ENDED);
                    }
                }
                Some(Ok(Message::Close(close))) => {
                    return Reply::Closed(close.map_or(NO_CODE, |close| close.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Reply::Closed(ENDED),
            }
        }
    }
}
