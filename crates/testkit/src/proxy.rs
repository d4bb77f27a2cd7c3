//! The network between two parts, which a test may cut or turn to another server.

use std::net::SocketAddr;

use plaza_local::{Passage, Wire};

/// A listener on a port of its own that passes everything on.
#[derive(Debug)]
pub struct TestProxy {
    /// Where it listens.
    pub address: SocketAddr,
    wire: Wire,
}

/// A proxy to this server; it ends when it is dropped.
pub async fn proxy(to: SocketAddr) -> TestProxy {
    let wire = Wire::lay(0, &[to])
        .await
        .unwrap_or_else(|error| panic!("no free port: {error}"));
    TestProxy {
        address: wire.address(),
        wire,
    }
}

impl TestProxy {
    /// Cuts every connection; later ones lead to this server.
    pub fn turn_to(&self, to: SocketAddr) {
        self.wire.turn_to(0, to);
    }

    /// Cuts every connection, and every later one at once.
    pub fn cut(&self) {
        self.wire.set_all(Passage::Cut);
    }
}
