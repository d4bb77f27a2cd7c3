//! As much of a WebSocket client (RFC 6455) as one command and its answer need.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What the server did.
#[derive(Debug, PartialEq)]
pub(crate) enum Reply {
    /// It sent this text.
    Json(Value),
    /// It closed the connection with this code.
    Closed(u16),
}

/// Opens a connection, sends one text of less than 64 KiB and reads what comes back.
pub(crate) async fn exchange(server: SocketAddr, path: &str, message: &Value) -> Reply {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let upgrade = format!(
        "GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(upgrade.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(
        head.starts_with(b"HTTP/1.1 101"),
        "{}",
        String::from_utf8_lossy(&head)
    );

    let text = message.to_string();
    // A final text frame with a 16-bit length and a mask that changes nothing.
    let mut frame = vec![0x81, 0xfe];
    frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    stream.write_all(&frame).await.unwrap();

    let opcode = stream.read_u8().await.unwrap() & 0x0f;
    let length = match stream.read_u8().await.unwrap() {
        126 => stream.read_u16().await.unwrap().into(),
        short => usize::from(short),
    };
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await.unwrap();
    match opcode {
        1 => Reply::Json(serde_json::from_slice(&payload).unwrap()),
        8 => Reply::Closed(u16::from_be_bytes([payload[0], payload[1]])),
        other => panic!("a frame of opcode {other}"),
    }
}
