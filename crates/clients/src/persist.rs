//! Saying once more what no replica has heard: its connection was not made, since
//! a Service still leads to one that has just died, or to one that a
//! NetworkPolicy does not know yet. Where that changes nothing, what may have
//! been heard, too: the connection ended before the answer.

use std::time::Duration;

use plaza_kit::retry::Backoff;
use tokio::time::{Instant, sleep};

use crate::ClientError;

/// How often something is said at most. In two replicas of which one is dead,
/// each new connection meets it with one half.
const TRIES: u32 = 8;
/// Before something is said again: some 350 ms in all, in which a replica that
/// died is missed or back.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// After so long its caller has waited enough. A connection that is not made is
/// waited for 1 s.
const WITHIN: Duration = Duration::from_secs(2);

/// How often the other side may hear something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hearing {
    Once,
    Repeatable,
}

impl Hearing {
    /// Whether what ended so may be said again. Who let the time of an answer
    /// pass may still be at it.
    fn allows_after(self, error: &ClientError) -> bool {
        let ClientError::Unreachable { source, .. } = error else {
            return false;
        };
        source.is_connect() || (self == Self::Repeatable && !source.is_timeout())
    }
}

/// The tries of one thing that is said.
#[derive(Debug)]
pub(crate) struct Tries {
    hearing: Hearing,
    began: Instant,
    pauses: Backoff,
    said: u32,
}

impl Tries {
    /// Of what is about to be said for the first time.
    pub(crate) fn new(hearing: Hearing) -> Self {
        Self {
            hearing,
            began: Instant::now(),
            pauses: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            said: 0,
        }
    }

    /// Whether it is said once more after it ended so, at the end of a pause.
    pub(crate) async fn more_after(&mut self, error: &ClientError) -> bool {
        self.said += 1;
        let more =
            self.said < TRIES && self.began.elapsed() < WITHIN && self.hearing.allows_after(error);
        if more {
            sleep(self.pauses.delay()).await;
        }
        more
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::SocketAddr,
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
    };

    use reqwest::Method;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpSocket, TcpStream},
    };

    use super::*;
    use crate::call::{As, Service};

    async fn bound() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn at(address: SocketAddr) -> Service {
        plaza_kit::install_crypto();
        Service::new("part", &format!("http://{address}")).unwrap()
    }

    /// A service that ends this many connections before its answer, and how
    /// often it was asked.
    async fn cuts(connections: u32) -> (Service, Arc<AtomicU32>) {
        let (listener, address) = bound().await;
        let heard = Arc::new(AtomicU32::new(0));
        let counted = heard.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 4_096]).await.unwrap();
                if counted.fetch_add(1, Ordering::Relaxed) >= connections {
                    let answer =
                        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ntrue";
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        (at(address), heard)
    }

    /// A service where nobody listens.
    async fn refuses() -> Service {
        let (listener, address) = bound().await;
        drop(listener);
        at(address)
    }

    /// A service whose queue of connections is full: Linux drops who knocks then.
    async fn silent() -> (Service, TcpListener, TcpStream) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let only = TcpStream::connect(address).await.unwrap();
        (at(address), listener, only)
    }

    /// What is said to each of these, and at last to one that answers; and how
    /// often it was said.
    async fn meets(first: &[&Service], hearing: Hearing) -> (Result<bool, ClientError>, usize) {
        let (answers, _) = cuts(0).await;
        let mut tries = Tries::new(hearing);
        let mut said = 0;
        let answer = loop {
            let next = first.get(said).copied().unwrap_or(&answers);
            said += 1;
            match next
                .send(As::Anyone, next.peer.request(Method::POST, "/"))
                .await
            {
                Err(error) if tries.more_after(&error).await => {}
                answer => break answer,
            }
        };
        (answer, said)
    }

    #[tokio::test]
    async fn what_nobody_has_heard_is_said_again_whatever_it_is() {
        let dead = refuses().await;
        let (silent, _listener, _only) = silent().await;
        for hearing in [Hearing::Once, Hearing::Repeatable] {
            let (answer, said) = meets(&[&dead, &dead, &dead], hearing).await;
            assert!(answer.unwrap());
            assert_eq!(said, 4);
            let (answer, said) = meets(&[&silent, &dead], hearing).await;
            assert!(answer.unwrap());
            assert_eq!(said, 3);
        }
    }

    #[tokio::test]
    async fn tries_have_an_end() {
        let dead = refuses().await;
        let (answer, said) = meets(&[&dead; 20], Hearing::Once).await;
        assert!(matches!(answer, Err(ClientError::Unreachable { .. })));
        assert_eq!(said, 8);
        let (silent, _listener, _only) = silent().await;
        let (answer, said) = meets(&[&silent; 20], Hearing::Once).await;
        assert!(matches!(answer, Err(ClientError::Unreachable { .. })));
        assert_eq!(said, 2);
    }

    #[tokio::test]
    async fn what_may_be_heard_twice_is_said_again_when_the_answer_is_cut_off() {
        let (service, heard) = cuts(2).await;
        let answer: bool = service
            .repeatable(As::Anyone, Method::POST, "/", &())
            .await
            .unwrap();
        assert!(answer);
        assert_eq!(heard.load(Ordering::Relaxed), 3);

        let (service, heard) = cuts(1).await;
        let answer: bool = service.get(As::Anyone, "/", &()).await.unwrap();
        assert!(answer);
        assert_eq!(heard.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn all_else_that_may_have_been_heard_is_said_once() {
        let (service, heard) = cuts(1).await;
        let answer: Result<bool, _> = service.call(As::Anyone, Method::POST, "/", &()).await;
        assert!(matches!(answer, Err(ClientError::Unreachable { .. })));
        assert_eq!(heard.load(Ordering::Relaxed), 1);
    }
}
