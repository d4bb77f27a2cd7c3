//! Small questions to a server that is starting, without a client library.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// As much of an answer as any of the questions needs.
const ANSWER_BYTES: usize = 4096;

/// Sends `question` to a loopback port and gives the beginning of the answer,
/// up to where `complete` says so or the server closes; `None` when nobody answers.
async fn ask(port: u16, question: &str, complete: impl Fn(&str) -> bool) -> Option<String> {
    tokio::time::timeout(PATIENCE, async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
        stream.write_all(question.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        let mut piece = [0; 512];
        loop {
            let read = stream.read(&mut piece).await.ok()?;
            answer.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&answer);
            if read == 0 || complete(&text) || answer.len() >= ANSWER_BYTES {
                return Some(text.into_owned());
            }
        }
    })
    .await
    .ok()
    .flatten()
}

/// Whether the Redis with this password answers. Another server on the port
/// does not know the password, so it is not taken for ours.
pub(crate) async fn redis_answers(port: u16, password: &str) -> bool {
    let question = format!("AUTH {password}\r\nPING\r\n");
    ask(port, &question, |text| text.matches("\r\n").count() >= 2)
        .await
        .is_some_and(|answer| answer.contains("+OK") && answer.contains("+PONG"))
}

/// Whether the Centrifugo with this API key answers.
pub(crate) async fn centrifugo_answers(port: u16, api_key: &str) -> bool {
    let question = format!(
        "POST /api/info HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {api_key}\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
    );
    ask(port, &question, |_| false)
        .await
        .is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
