//! A TCP proxy: the network between two parts, which a test may cut or turn to
//! another server.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Where connections lead, and how often it was changed.
#[derive(Debug, Clone, Copy)]
struct Target {
    to: Option<SocketAddr>,
    turn: u64,
}

/// A listener on a port of its own that passes everything on.
#[derive(Debug)]
pub struct TestProxy {
    /// Where it listens.
    pub address: SocketAddr,
    target: Arc<watch::Sender<Target>>,
}

/// A proxy to this server; it ends with the test's runtime.
pub async fn proxy(to: SocketAddr) -> TestProxy {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap_or_else(|error| panic!("no free port: {error}"));
    let address = listener
        .local_addr()
        .unwrap_or_else(|error| panic!("no address: {error}"));
    let target = Target {
        to: Some(to),
        turn: 0,
    };
    let target = Arc::new(watch::Sender::new(target));
    let present = target.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let mut changes = present.subscribe();
            let now = *changes.borrow_and_update();
            tokio::spawn(async move {
                tokio::select! {
                    () = pass(client, now.to) => {}
                    _ = changes.wait_for(|later| later.turn != now.turn) => {}
                }
            });
        }
    });
    TestProxy { address, target }
}

impl TestProxy {
    /// Cuts every connection; later ones lead to this server.
    pub fn turn_to(&self, to: SocketAddr) {
        self.set(Some(to));
    }

    /// Cuts every connection, and every later one at once.
    pub fn cut(&self) {
        self.set(None);
    }

    fn set(&self, to: Option<SocketAddr>) {
        self.target.send_modify(|target| {
            target.to = to;
            target.turn += 1;
        });
    }
}

async fn pass(mut client: TcpStream, to: Option<SocketAddr>) {
    let Some(to) = to else { return };
    if let Ok(mut server) = TcpStream::connect(to).await {
        // Whoever ends it is no concern of the proxy.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}
