//! One subscriber's connection.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures::{SinkExt as _, StreamExt as _};
#[cfg(target_os = "linux")]
use nix::sys::socket::{setsockopt, sockopt};
use serde_json::{Map, Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::Instant,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, Message, protocol::WebSocketConfig},
};

use super::{
    frame::{Line, Refusal, UnreadableLine},
    shared::Frames,
};

/// Bytes of a connection's buffer: the default of 128 KiB is too much for many
/// thousands, and larger frames are read in more steps.
const READ_BUFFER: usize = 2 * 1024;
/// Most bytes of one frame: what a recovery may hold.
const LARGEST: usize = 4 << 20;
/// Connections from one loopback address: below the ports that a system gives
/// out for one (Linux: 28,232).
const FROM_ONE_ADDRESS: usize = 20_000;

/// Centrifugo pings every 25 s: a longer silence is a dead connection.
const SILENCE: Duration = Duration::from_secs(40);

/// Why there is no connection, or no longer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    #[error("the WebSocket failed")]
    WebSocket(#[from] Box<tungstenite::Error>),
    #[error("refused with {}", .0.code)]
    Refused(Refusal),
    #[error("closed with {0}")]
    Closed(u16),
    #[error("the subscription was closed with {0}")]
    Unsubscribed(u32),
    #[error("the room's events come from elsewhere")]
    Moved,
    #[error("no answer in time")]
    TimedOut,
    #[error("the connection has ended")]
    Ended,
    #[error("the connection is silent")]
    Silent,
    #[error(transparent)]
    Unreadable(#[from] UnreadableLine),
}

impl SocketError {
    /// A bounded label for the report.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Connect(error) => format!("socket connect {:?}", error.kind()),
            Self::WebSocket(error) => match &**error {
                tungstenite::Error::Http(response) => {
                    format!("socket http {}", response.status().as_u16())
                }
                tungstenite::Error::Io(error) => format!("socket {:?}", error.kind()),
                _ => "socket protocol".into(),
            },
            Self::Refused(refusal) => format!("centrifugo {}", refusal.code),
            Self::Closed(code) => format!("socket closed {code}"),
            Self::Unsubscribed(code) => format!("unsubscribed {code}"),
            Self::Moved => "moved to another channel".into(),
            Self::TimedOut => "socket timeout".into(),
            Self::Ended => "socket ended".into(),
            Self::Silent => "socket silent".into(),
            Self::Unreadable(_) => "socket unreadable".into(),
        }
    }
}

impl From<tungstenite::Error> for SocketError {
    fn from(error: tungstenite::Error) -> Self {
        Self::WebSocket(Box::new(error))
    }
}

/// Why an endpoint is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error(
        "{0} is not ws://host:port/path: connections are made without TLS so far. Name an address \
         behind the proxy that ends TLS by --realtime-endpoint"
    )]
    Scheme(String),
    #[error("{host} is not found")]
    Unknown {
        host: String,
        #[source]
        source: Option<io::Error>,
    },
}

/// Where connections go.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    url: Arc<str>,
    address: SocketAddr,
}

impl Target {
    /// Looks the endpoint's host up, once for all connections.
    pub(crate) async fn find(url: &str) -> Result<Self, TargetError> {
        let scheme = || TargetError::Scheme(url.to_owned());
        let authority = url.strip_prefix("ws://").ok_or_else(scheme)?;
        let authority = authority.split('/').next().unwrap_or_default();
        let has_port = authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let host = if has_port {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        let found = tokio::net::lookup_host(&host)
            .await
            .map(|mut found| found.next());
        match found {
            Ok(Some(address)) => Ok(Self {
                url: url.into(),
                address,
            }),
            Ok(None) => Err(TargetError::Unknown { host, source: None }),
            Err(error) => Err(TargetError::Unknown {
                host,
                source: Some(error),
            }),
        }
    }

    /// Where a connection comes from: with an endpoint on this machine, from
    /// as many loopback addresses as so many connections need.
    pub(crate) fn origin(&self, connection: usize) -> Origin {
        let address = match self.address.ip() {
            IpAddr::V4(address) if address.is_loopback() => {
                let further = u8::try_from(connection / FROM_ONE_ADDRESS).unwrap_or(u8::MAX);
                // The first is the usual one, which every system has.
                Some(Ipv4Addr::new(127, 0, 0, 1_u8.saturating_add(further)))
            }
            _ => None,
        };
        Origin(address.filter(|address| *address != Ipv4Addr::LOCALHOST))
    }
}

/// The address that a connection comes from; none: as the system likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin(Option<Ipv4Addr>);

/// A connection.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// The last command's number.
    commands: u32,
    /// A ping was not answered yet.
    pong_due: bool,
    /// Nothing waits to be written.
    flushed: bool,
    /// A frame that was not given yet.
    read: Option<Arc<[Line]>>,
    heard_at: Instant,
}

impl Socket {
    /// Opens a WebSocket; nothing is said on it yet.
    pub(crate) async fn open(target: &Target, origin: Origin) -> Result<Self, SocketError> {
        let stream = tcp(target.address, origin)
            .await
            .map_err(SocketError::Connect)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(LARGEST))
            .max_frame_size(Some(LARGEST));
        let (stream, _) = client_async_with_config(&*target.url, stream, Some(config)).await?;
        Ok(Self {
            stream,
            commands: 0,
            pong_due: false,
            flushed: true,
            read: None,
            heard_at: Instant::now(),
        })
    }

    /// Asks to be let in; the number of the command.
    pub(crate) async fn connect(&mut self, token: &str) -> Result<u32, SocketError> {
        self.command("connect", json!({ "token": token })).await
    }

    /// The same, going on in the channel that the connection opens where it was
    /// left.
    pub(crate) async fn connect_again(
        &mut self,
        token: &str,
        channel: &str,
        (epoch, offset): (&str, u64),
    ) -> Result<u32, SocketError> {
        let left_at = json!({ "recover": true, "epoch": epoch, "offset": offset });
        let fields = json!({ "token": token, "subs": { channel: left_at } });
        self.command("connect", fields).await
    }

    /// Asks for a channel: with what opens it, and where it was left.
    pub(crate) async fn subscribe(
        &mut self,
        channel: &str,
        token: Option<&str>,
        left_at: Option<(&str, u64)>,
    ) -> Result<u32, SocketError> {
        let mut fields = Map::new();
        fields.insert("channel".into(), channel.into());
        if let Some(token) = token {
            fields.insert("token".into(), token.into());
        }
        if let Some((epoch, offset)) = left_at {
            fields.insert("recover".into(), true.into());
            fields.insert("epoch".into(), epoch.into());
            fields.insert("offset".into(), offset.into());
        }
        self.command("subscribe", fields.into()).await
    }

    /// Leaves a channel.
    pub(crate) async fn unsubscribe(&mut self, channel: &str) -> Result<u32, SocketError> {
        self.command("unsubscribe", json!({ "channel": channel }))
            .await
    }

    async fn command(&mut self, name: &str, fields: Value) -> Result<u32, SocketError> {
        self.commands += 1;
        let command = json!({ "id": self.commands, name: fields });
        self.stream.send(Message::text(command.to_string())).await?;
        Ok(self.commands)
    }

    /// The next frame that is more than a ping; pings are answered. May be
    /// abandoned while it waits.
    pub(crate) async fn next(&mut self) -> Result<Arc<[Line]>, SocketError> {
        loop {
            if self.pong_due {
                self.stream.feed(Message::text("{}")).await?;
                self.pong_due = false;
                self.flushed = false;
            }
            if !self.flushed {
                self.stream.flush().await?;
                self.flushed = true;
            }
            if let Some(lines) = self.read.take() {
                return Ok(lines);
            }
            let frame = self.stream.next().await.ok_or(SocketError::Ended)??;
            self.heard_at = Instant::now();
            match frame {
                Message::Text(text) => {
                    let lines = Frames::read(&text)?;
                    self.pong_due = lines.iter().any(|line| matches!(line, Line::Ping));
                    if !matches!(lines[..], [Line::Ping]) {
                        self.read = Some(lines);
                    }
                }
                Message::Close(close) => {
                    return Err(close.map_or(SocketError::Ended, |close| {
                        SocketError::Closed(close.code.into())
                    }));
                }
                _ => {}
            }
        }
    }

    /// When the connection counts as dead, unless something comes before.
    pub(crate) fn silent_at(&self) -> Instant {
        self.heard_at + SILENCE
    }
}

async fn tcp(address: SocketAddr, Origin(origin): Origin) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if let Some(origin) = origin {
        // The port is chosen with the connection. One that is bound before is
        // taken from every address, and some 28,000 are all there are.
        #[cfg(target_os = "linux")]
        setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
        socket.bind((origin, 0).into())?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn target(url: &str) -> Target {
        Target::find(url).await.unwrap()
    }

    #[tokio::test]
    async fn an_endpoint_on_this_machine_is_reached_from_many_addresses() {
        let here = target("ws://127.0.0.1:8000/connection/websocket").await;
        assert_eq!(here.origin(19_999), Origin(None), "the usual address");
        let second = Some(Ipv4Addr::new(127, 0, 0, 2));
        assert_eq!(here.origin(20_000), Origin(second));
        let elsewhere = target("ws://192.0.2.1:8000/").await;
        assert_eq!(elsewhere.origin(90_000), Origin(None));
    }

    /// A port is one of some 28,000, which two connections to different servers
    /// can share only where it was not bound before.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_address_of_its_own_takes_no_port_before_it_connects() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = Origin(Some(Ipv4Addr::new(127, 0, 0, 2)));
        let stream = tcp(server.local_addr().unwrap(), origin).await.unwrap();
        assert_eq!(
            stream.local_addr().unwrap().ip(),
            Ipv4Addr::new(127, 0, 0, 2)
        );
        let set = nix::sys::socket::getsockopt(&stream, sockopt::IpBindAddressNoPort);
        assert!(set.unwrap());
    }

    #[tokio::test]
    async fn an_endpoint_without_a_port_has_the_usual_one() {
        assert_eq!(target("ws://192.0.2.1/path").await.address.port(), 80);
        let error = Target::find("wss://chat.example.org/").await.unwrap_err();
        assert!(error.to_string().contains("--realtime-endpoint"));
    }
}
