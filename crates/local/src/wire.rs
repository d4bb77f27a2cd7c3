//! The network between two parts: a TCP proxy on loopback that may be cut, held
//! or turned to another server.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch::{Receiver, Sender};
use tokio::task::JoinHandle;

/// As much as one direction of a connection holds (bytes).
const BUFFER_BYTES: usize = 16 * 1024;
/// After a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(10);

/// What becomes of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// It arrives.
    Open,
    /// Connections are reset, and later ones refused.
    Cut,
    /// Connections are accepted and nothing passes; what the buffers hold goes
    /// on when it is open again, as after a partition.
    Held,
}

/// One server that a wire leads to.
#[derive(Debug, Clone, Copy)]
struct End {
    to: SocketAddr,
    passage: Passage,
    /// Grows whenever present connections are to be reset.
    turn: u64,
}

/// A listener that passes everything on to its ends, one after another, and
/// leaves out those that are cut or do not accept. Dropping it resets all.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    ends: Vec<Sender<End>>,
    listener: JoinHandle<()>,
}

impl Wire {
    /// Listens on this loopback port, or on any with 0.
    ///
    /// # Errors
    /// That the port cannot be listened on.
    pub async fn lay(port: u16, to: &[SocketAddr]) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let ends = to.iter().map(|to| {
            Sender::new(End {
                to: *to,
                passage: Passage::Open,
                turn: 0,
            })
        });
        let ends: Vec<_> = ends.collect();
        let listener = tokio::spawn(accept(
            listener,
            ends.iter().map(Sender::subscribe).collect(),
        ));
        Ok(Self {
            address,
            ends,
            listener,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets pass, cuts or holds what goes to one of its ends. One that it does
    /// not have stays as it is.
    pub fn set(&self, end: usize, passage: Passage) {
        self.change(end, |end| {
            end.turn += u64::from(passage == Passage::Cut);
            end.passage = passage;
        });
    }

    /// The same for all ends.
    pub fn set_all(&self, passage: Passage) {
        for end in 0..self.ends.len() {
            self.set(end, passage);
        }
    }

    /// Resets every connection to an end, and leads later ones to this server.
    pub fn turn_to(&self, end: usize, to: SocketAddr) {
        self.change(end, |end| {
            end.turn += 1;
            end.to = to;
            end.passage = Passage::Open;
        });
    }

    fn change(&self, end: usize, change: impl FnOnce(&mut End)) {
        if let Some(end) = self.ends.get(end) {
            end.send_modify(change);
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn accept(listener: TcpListener, ends: Arc<[Receiver<End>]>) {
    let mut next = 0;
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Out of descriptors, or the client has gone: either passes.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let from = next;
        next = (next + 1) % ends.len().max(1);
        let ends = ends.clone();
        tokio::spawn(async move {
            for at in 0..ends.len() {
                let mut end = ends[(from + at) % ends.len()].clone();
                if let Some(server) = connect(&mut end).await {
                    return carry(client, server, end).await;
                }
            }
            reset(&client);
        });
    }
}

/// A connection to the server of this end, once nothing holds it up.
async fn connect(end: &mut Receiver<End>) -> Option<TcpStream> {
    let now = *end
        .wait_for(|end| end.passage != Passage::Held)
        .await
        .ok()?;
    match now.passage {
        Passage::Cut => None,
        _ => TcpStream::connect(now.to).await.ok(),
    }
}

/// Passes on in both directions until either side ends or it is cut.
async fn carry(mut client: TcpStream, mut server: TcpStream, mut end: Receiver<End>) {
    let turn = end.borrow_and_update().turn;
    let (one, other) = (end.clone(), end.clone());
    let cut = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            // Who ended it, and how, is no concern of the wire.
            _ = async { tokio::try_join!(
                pass(from_client, to_server, one),
                pass(from_server, to_client, other),
            ) } => false,
            _ = end.wait_for(|end| end.turn != turn) => true,
        }
    };
    if cut {
        reset(&client);
        reset(&server);
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut end: Receiver<End>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        open(&mut end).await?;
        let read = from.read(&mut buffer).await?;
        open(&mut end).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
    }
}

async fn open(end: &mut Receiver<End>) -> io::Result<()> {
    let opened = end.wait_for(|end| end.passage == Passage::Open).await;
    opened.map(drop).map_err(io::Error::other)
}

/// Makes the end of this connection a reset instead of a goodbye.
fn reset(stream: &TcpStream) {
    // One that is gone already needs none.
    let _ = stream.set_zero_linger();
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(5);
    const WHILE: Duration = Duration::from_millis(200);

    /// A server that answers each connection with its name and then its words.
    async fn echo(name: u8) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    stream.write_all(&[name]).await.unwrap();
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        address
    }

    async fn byte(stream: &mut TcpStream) -> io::Result<u8> {
        timeout(SOON, stream.read_u8()).await.expect("in time")
    }

    async fn greeted(wire: &Wire) -> (TcpStream, u8) {
        let mut stream = TcpStream::connect(wire.address()).await.unwrap();
        let name = byte(&mut stream).await.unwrap();
        (stream, name)
    }

    #[tokio::test]
    async fn a_cut_resets_what_is_open_and_refuses_what_comes() {
        let wire = Wire::lay(0, &[echo(b'a').await]).await.unwrap();
        let (mut stream, _) = greeted(&wire).await;
        wire.set_all(Passage::Cut);
        let error = byte(&mut stream).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let mut refused = TcpStream::connect(wire.address()).await.unwrap();
        assert!(byte(&mut refused).await.is_err());
        wire.set_all(Passage::Open);
        greeted(&wire).await;
    }

    #[tokio::test]
    async fn what_is_held_comes_when_it_is_open_again() {
        let wire = Wire::lay(0, &[echo(b'a').await]).await.unwrap();
        let (mut stream, _) = greeted(&wire).await;
        wire.set_all(Passage::Held);
        stream.write_all(b"x").await.unwrap();
        let mut late = TcpStream::connect(wire.address()).await.unwrap();
        assert!(timeout(WHILE, stream.read_u8()).await.is_err());
        assert!(timeout(WHILE, late.read_u8()).await.is_err());
        wire.set_all(Passage::Open);
        assert_eq!(byte(&mut stream).await.unwrap(), b'x');
        assert_eq!(byte(&mut late).await.unwrap(), b'a');
    }

    #[tokio::test]
    async fn connections_take_turns_and_leave_out_who_is_away() {
        let ends = [echo(b'a').await, echo(b'b').await];
        let wire = Wire::lay(0, &ends).await.unwrap();
        let mut names = [greeted(&wire).await.1, greeted(&wire).await.1];
        names.sort_unstable();
        assert_eq!(names, *b"ab");
        wire.set(0, Passage::Cut);
        for _ in 0..4 {
            assert_eq!(greeted(&wire).await.1, b'b');
        }
        wire.turn_to(0, echo(b'c').await);
        let mut names = [greeted(&wire).await.1, greeted(&wire).await.1];
        names.sort_unstable();
        assert_eq!(names, *b"bc");
    }
}
