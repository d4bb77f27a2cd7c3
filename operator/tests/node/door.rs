//! The one address at which browsers open a chat, as an Ingress would have it,
//! and by which a test in a browser asks for what it cannot do itself.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time,
};

use crate::chat::Chat;

/// Until a connection says what it wants.
const PATIENCE: Duration = Duration::from_secs(5);
/// As much of a request as is looked at (bytes).
const LINE_BYTES: usize = 1024;
/// Where Centrifugo is.
const REALTIME: &str = "/connection/";
/// Where steps are asked for.
const STEPS: &str = "/e2e/";
/// The answer to a step that is done.
const DONE: &[u8] = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";

/// Something that a browser's test asks for; it waits until this is done.
pub(crate) struct Step {
    pub(crate) name: String,
    done: oneshot::Sender<()>,
}

impl Step {
    pub(crate) fn finish(self) {
        // Who does not wait any more has failed by itself.
        let _ = self.done.send(());
    }
}

/// Addresses of the gateway and of Centrifugo.
type Ways = (String, String);

/// A listener on loopback; it ends when this is dropped.
pub(crate) struct Door {
    address: SocketAddr,
    ways: watch::Sender<Ways>,
    steps: mpsc::Receiver<Step>,
    _task: JoinSet<()>,
}

impl Door {
    /// One that leads nowhere yet.
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ways, to) = watch::channel(Ways::default());
        let (asks, steps) = mpsc::channel(1);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (ways, asks) = (to.borrow().clone(), asks.clone());
                connections.spawn(async move {
                    // A connection that ends badly is its two ends' to notice.
                    let _ = pass(stream, ways, asks).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self {
            address,
            ways,
            steps,
            _task: task,
        }
    }

    /// What browsers open.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on new connections lead to this chat.
    pub(crate) async fn leads_to(&self, chat: &Chat) {
        let gateway = chat.address("gateway").await;
        let centrifugo = chat.address("centrifugo").await;
        self.ways.send_replace((gateway, centrifugo));
    }

    /// The next step that is asked for.
    pub(crate) async fn step(&mut self) -> Step {
        self.steps.recv().await.unwrap()
    }
}

/// One connection, which leads to one part as its first request says: browsers
/// open another one for a WebSocket.
async fn pass(
    mut stream: TcpStream,
    (gateway, centrifugo): Ways,
    asks: mpsc::Sender<Step>,
) -> std::io::Result<()> {
    let path = time::timeout(PATIENCE, path(&stream)).await??;
    if let Some(name) = path.strip_prefix(STEPS) {
        let (done, is_done) = oneshot::channel();
        let name = name.to_owned();
        if asks.send(Step { name, done }).await.is_ok() && is_done.await.is_ok() {
            // What was not read would reset the connection.
            let mut request = [0; LINE_BYTES];
            let _ = stream.read(&mut request).await?;
            stream.write_all(DONE).await?;
        }
        return Ok(());
    }
    let to = if path.starts_with(REALTIME) {
        centrifugo
    } else {
        gateway
    };
    let mut part = TcpStream::connect(to).await?;
    copy_bidirectional(&mut stream, &mut part).await?;
    Ok(())
}

/// The path of a request, which stays to be read.
async fn path(stream: &TcpStream) -> std::io::Result<String> {
    let mut seen = [0; LINE_BYTES];
    loop {
        let count = stream.peek(&mut seen).await?;
        let text = String::from_utf8_lossy(&seen[..count]);
        if let Some((line, _)) = text.split_once("\r\n") {
            return Ok(line.split(' ').nth(1).unwrap_or_default().to_owned());
        }
        if count == 0 || count == LINE_BYTES {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        // Peeking again answers at once.
        time::sleep(Duration::from_millis(5)).await;
    }
}
