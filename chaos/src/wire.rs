//! Centrifugo's client protocol over a WebSocket, in JSON: as much of it as a
//! reader needs. <https://centrifugal.dev/docs/transports/client_protocol>

use std::{collections::HashMap, time::Duration};

use anyhow::{Context as _, bail};
use futures::{SinkExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// Centrifugo pings every 25 s: a longer silence is a dead connection.
const SILENCE: Duration = Duration::from_secs(40);

/// Where a channel's history was read up to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Position {
    pub(crate) epoch: String,
    pub(crate) offset: u64,
}

/// A connection that was accepted.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Lines of a frame that were not given yet.
    lines: std::collections::VecDeque<String>,
}

/// What the connection began with, by channel.
pub(crate) type Subscriptions = HashMap<String, Subscription>;

/// What a connection says of one channel that it opens.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Subscription {
    pub(crate) epoch: String,
    pub(crate) offset: u64,
    pub(crate) recovered: bool,
    pub(crate) publications: Vec<Publication>,
}

/// One publication.
#[derive(Debug, Deserialize)]
pub(crate) struct Publication {
    pub(crate) data: Value,
    #[serde(default)]
    pub(crate) offset: u64,
    pub(crate) epoch: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Reply {
    connect: Option<Connected>,
    push: Option<Push>,
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Connected {
    #[serde(default)]
    subs: Subscriptions,
}

#[derive(Debug, Deserialize)]
struct Push {
    #[serde(default)]
    channel: String,
    #[serde(rename = "pub")]
    publication: Option<Publication>,
    disconnect: Option<Value>,
}

impl Socket {
    /// Connects, and goes on where a channel was left when Centrifugo still
    /// has what came since.
    pub(crate) async fn connect(
        endpoint: &str,
        token: &str,
        left_at: &HashMap<String, Position>,
    ) -> anyhow::Result<(Self, Subscriptions)> {
        tokio::time::timeout(CONNECT_PATIENCE, async {
            let (stream, _) = connect_async(endpoint).await?;
            let mut socket = Self {
                stream,
                lines: std::collections::VecDeque::new(),
            };
            let subs: serde_json::Map<String, Value> = left_at
                .iter()
                .map(|(channel, at)| {
                    let at = json!({ "recover": true, "epoch": at.epoch, "offset": at.offset });
                    (channel.clone(), at)
                })
                .collect();
            let command = json!({ "id": 1, "connect": { "token": token, "subs": subs } });
            socket.send(command.to_string()).await?;
            let reply = socket.reply().await?;
            if let Some(error) = reply.error {
                bail!("refused: {error}");
            }
            let connected = reply.connect.context("no answer to connect")?;
            Ok((socket, connected.subs))
        })
        .await
        .context("no connection in time")?
    }

    async fn send(&mut self, text: String) -> anyhow::Result<()> {
        Ok(self.stream.send(Message::Text(text.into())).await?)
    }

    /// The next publication and its channel.
    pub(crate) async fn next(&mut self) -> anyhow::Result<(String, Publication)> {
        loop {
            let reply = self.reply().await?;
            let Some(push) = reply.push else { continue };
            if let Some(why) = push.disconnect {
                bail!("disconnected: {why}");
            }
            if let Some(publication) = push.publication {
                return Ok((push.channel, publication));
            }
        }
    }

    async fn reply(&mut self) -> anyhow::Result<Reply> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                if line == "{}" {
                    self.send(line).await?;
                    continue;
                }
                return Ok(serde_json::from_str(&line)?);
            }
            let frame = tokio::time::timeout(SILENCE, self.stream.next())
                .await
                .context("the connection is silent")?
                .context("the connection has ended")??;
            match frame {
                Message::Text(text) => {
                    let lines = text.lines().filter(|line| !line.is_empty());
                    self.lines.extend(lines.map(str::to_owned));
                }
                Message::Close(frame) => bail!("closed: {frame:?}"),
                _ => {}
            }
        }
    }
}
