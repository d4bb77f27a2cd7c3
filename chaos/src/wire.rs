//! Centrifugo's client protocol over a WebSocket, in JSON: as much of it as a
//! reader needs. <https://centrifugal.dev/docs/transports/client_protocol>

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use anyhow::{Context as _, bail};
use futures::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// Centrifugo pings every 25 s: a longer silence is a dead connection.
const SILENCE: Duration = Duration::from_secs(40);

/// Where a channel's history was read up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) epoch: String,
    pub(crate) offset: u64,
}

impl Position {
    /// Asks for what came since.
    fn recovery(&self) -> Map<String, Value> {
        let fields = [
            ("recover", json!(true)),
            ("epoch", json!(self.epoch)),
            ("offset", json!(self.offset)),
        ];
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect()
    }
}

/// A connection that was accepted.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Lines of a frame that were not given yet.
    lines: VecDeque<String>,
    /// The last command's number.
    commands: u32,
    /// Channels that were asked for, by the number of the command.
    asked: HashMap<u32, String>,
}

/// What the connection began with, by channel.
pub(crate) type Subscriptions = HashMap<String, Subscription>;

/// What an opened channel begins with.
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

/// What comes over a connection, with the channel that it is about.
#[derive(Debug)]
pub(crate) enum Incoming {
    Publication(String, Publication),
    /// The answer to a subscribe.
    Opened(String, Subscription),
    /// The other answer to it.
    Refused(String),
    /// The server ended a subscription.
    Closed(String),
}

#[derive(Debug, Deserialize)]
struct Reply {
    #[serde(default)]
    id: u32,
    connect: Option<Connected>,
    subscribe: Option<Subscription>,
    push: Option<Push>,
    error: Option<Refusal>,
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
    unsubscribe: Option<Value>,
    disconnect: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    code: u32,
}

impl Socket {
    /// Connects, and goes on where a channel was left when Centrifugo still
    /// has what came since.
    pub(crate) async fn connect(
        endpoint: &str,
        token: &str,
        left_at: Option<(&str, &Position)>,
    ) -> anyhow::Result<(Self, Subscriptions)> {
        tokio::time::timeout(CONNECT_PATIENCE, async {
            let (stream, _) = connect_async(endpoint).await?;
            let mut socket = Self {
                stream,
                lines: VecDeque::new(),
                commands: 1,
                asked: HashMap::new(),
            };
            let subs: Map<String, Value> = left_at
                .map(|(channel, at)| (channel.to_owned(), at.recovery().into()))
                .into_iter()
                .collect();
            let command = json!({ "id": 1, "connect": { "token": token, "subs": subs } });
            socket.send(command.to_string()).await?;
            let reply = socket.reply().await?;
            if let Some(error) = reply.error {
                bail!("refused with {}", error.code);
            }
            let connected = reply.connect.context("no answer to connect")?;
            Ok((socket, connected.subs))
        })
        .await
        .context("no connection in time")?
    }

    /// Asks for a channel, with what opens it and where it was left.
    pub(crate) async fn subscribe(
        &mut self,
        channel: &str,
        token: Option<&str>,
        left_at: Option<&Position>,
    ) -> anyhow::Result<()> {
        let mut fields = left_at.map(Position::recovery).unwrap_or_default();
        fields.insert("channel".into(), channel.into());
        if let Some(token) = token {
            fields.insert("token".into(), token.into());
        }
        let id = self.next_id();
        self.asked.insert(id, channel.to_owned());
        self.send(json!({ "id": id, "subscribe": fields }).to_string())
            .await
    }

    /// Leaves a channel.
    pub(crate) async fn unsubscribe(&mut self, channel: &str) -> anyhow::Result<()> {
        let id = self.next_id();
        let command = json!({ "id": id, "unsubscribe": { "channel": channel } });
        self.send(command.to_string()).await
    }

    fn next_id(&mut self) -> u32 {
        self.commands += 1;
        self.commands
    }

    async fn send(&mut self, text: String) -> anyhow::Result<()> {
        Ok(self.stream.send(Message::Text(text.into())).await?)
    }

    /// What comes next.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Incoming> {
        loop {
            let reply = self.reply().await?;
            if let Some(channel) = self.asked.remove(&reply.id) {
                return Ok(match reply.subscribe {
                    Some(subscription) => Incoming::Opened(channel, subscription),
                    None => Incoming::Refused(channel),
                });
            }
            let Some(push) = reply.push else { continue };
            if let Some(why) = push.disconnect {
                bail!("disconnected: {why}");
            }
            if push.unsubscribe.is_some() {
                return Ok(Incoming::Closed(push.channel));
            }
            if let Some(publication) = push.publication {
                return Ok(Incoming::Publication(push.channel, publication));
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
