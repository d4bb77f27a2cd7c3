//! As much of a WebSocket client (RFC 6455) as Centrifugo's JSON protocol needs.

use std::{collections::VecDeque, net::SocketAddr};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
};

/// What the server did.
#[derive(Debug, PartialEq)]
pub(crate) enum Reply {
    /// It sent this text.
    Json(Value),
    /// It closed the connection with this code; 1006: without one.
    Closed(u16),
}

/// An open connection.
pub(crate) struct Socket {
    stream: BufStream<TcpStream>,
    /// A frame holds several replies, one a line.
    pending: VecDeque<Value>,
}

impl Socket {
    /// Opens one at a URL such as `ws://127.0.0.1:8000/connection/websocket`.
    pub(crate) async fn open(url: &str) -> std::io::Result<Self> {
        let address = url.strip_prefix("ws://").unwrap();
        let (server, path) = address.split_once('/').unwrap();
        let server: SocketAddr = server.parse().unwrap();
        let mut stream = BufStream::new(TcpStream::connect(server).await?);
        let upgrade = format!(
            "GET /{path} HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(upgrade.as_bytes()).await?;
        stream.flush().await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        assert!(
            head.starts_with(b"HTTP/1.1 101"),
            "{}",
            String::from_utf8_lossy(&head)
        );
        Ok(Self {
            stream,
            pending: VecDeque::new(),
        })
    }

    /// Sends one text of less than 64 KiB.
    pub(crate) async fn send(&mut self, message: &Value) -> std::io::Result<()> {
        let text = message.to_string();
        // A final text frame with a 16-bit length and a mask that changes nothing.
        let mut frame = vec![0x81, 0xfe];
        frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.stream.write_all(&frame).await?;
        self.stream.flush().await
    }

    /// What the server does next.
    pub(crate) async fn receive(&mut self) -> Reply {
        loop {
            if let Some(reply) = self.pending.pop_front() {
                return Reply::Json(reply);
            }
            match self.frame().await {
                Ok((1, payload)) => {
                    let lines = payload.split(|byte| *byte == b'\n');
                    let lines = lines.filter(|line| !line.is_empty());
                    self.pending
                        .extend(lines.map(|line| serde_json::from_slice::<Value>(line).unwrap()));
                }
                Ok((8, payload)) => {
                    return Reply::Closed(u16::from_be_bytes([payload[0], payload[1]]));
                }
                Ok(_) => {}
                Err(_) => return Reply::Closed(1006),
            }
        }
    }

    async fn frame(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let opcode = self.stream.read_u8().await? & 0x0f;
        let length = match self.stream.read_u8().await? {
            126 => self.stream.read_u16().await?.into(),
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).await?;
        Ok((opcode, payload))
    }
}

/// Opens a connection, sends one text and reads what comes back.
pub(crate) async fn exchange(url: &str, message: &Value) -> Reply {
    let mut socket = Socket::open(url).await.unwrap();
    socket.send(message).await.unwrap();
    socket.receive().await
}
