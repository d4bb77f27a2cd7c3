//! The HTTP client of services that call each other: short timeouts, bounded
//! idle connections, another try where no connection was made, and the present
//! trace on every request.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Url, retry};

use crate::trace;

/// Longest time until a connection is made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a connection that was not made is tried again, at once: a Service
/// still leads to a replica that has just died, or to one that a NetworkPolicy
/// does not know yet, and the next one lives. A request's own timeout bounds
/// them all together.
const MORE_TRIES: u32 = 3;

/// The base address of another part, such as `http://rooms:8082`.
#[derive(Debug, Clone)]
pub struct Peer {
    client: Client,
    base: Url,
}

/// Why an address cannot be a [`Peer`]'s.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// Not an absolute http or https URL.
    #[error("{0:?} is not an http or https URL")]
    Address(String),
    /// The client could not be made.
    #[error("cannot make an HTTP client")]
    Client(#[from] reqwest::Error),
}

impl Peer {
    /// A client of the part at `base`; each request takes `timeout` at most.
    pub fn new(base: &str, timeout: Duration) -> Result<Self, PeerError> {
        let address = || PeerError::Address(base.to_owned());
        let base = Url::parse(base.trim_end_matches('/')).map_err(|_| address())?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(address());
        }
        let client = client(base.host_str().unwrap_or_default(), timeout).build()?;
        Ok(Self { client, base })
    }

    /// A request to `path` below the base (it begins with `/`), in the present trace.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        let request = self.client.request(method, url);
        match trace::current() {
            Some(traceparent) => request.header(trace::TRACEPARENT, traceparent),
            None => request,
        }
    }
}

/// A client that speaks with this host.
fn client(host: &str, timeout: Duration) -> ClientBuilder {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(64)
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        .retry(lacking_connections(host))
        .no_proxy()
}

/// Where no connection was made nobody has heard the request, so it is sent
/// once, whatever it asks for. The library's budget bounds what tries add.
fn lacking_connections(host: &str) -> retry::Builder {
    retry::for_host(host.to_owned())
        .max_retries_per_request(MORE_TRIES)
        .classify_fn(|attempt| {
            let error = attempt.error().and_then(|error| error.downcast_ref());
            if error.is_some_and(reqwest::Error::is_connect) {
                attempt.retryable()
            } else {
                attempt.success()
            }
        })
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, SocketAddr},
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use axum::{Router, routing::post};
    use reqwest::dns::{Addrs, Name, Resolve, Resolving};
    use tokio::net::{TcpListener, TcpSocket, TcpStream};

    use super::*;

    /// Loopback addresses, by their last byte: somebody serves, nobody listens,
    /// and nothing is ever answered.
    const SERVES: u8 = 1;
    const REFUSES: u8 = 2;
    const SILENT: u8 = 3;

    fn loopback(last: u8, port: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), port))
    }

    /// Leads to these addresses one after another, and then to who serves.
    struct Replicas {
        first: Vec<u8>,
        asked: Arc<AtomicUsize>,
    }

    impl Resolve for Replicas {
        fn resolve(&self, _: Name) -> Resolving {
            let next = self.asked.fetch_add(1, Ordering::Relaxed);
            let last = self.first.get(next).copied().unwrap_or(SERVES);
            Box::pin(async move { Ok(Box::new(std::iter::once(loopback(last, 0))) as Addrs) })
        }
    }

    /// A listener whose queue is full: Linux drops who knocks then.
    async fn silent(port: u16) -> (TcpListener, TcpStream) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(loopback(SILENT, port)).unwrap();
        let listener = socket.listen(0).unwrap();
        let only = TcpStream::connect(loopback(SILENT, port)).await.unwrap();
        (listener, only)
    }

    /// What comes of a request that first meets these, the number of
    /// connections, and how often it was heard.
    async fn request(first: Vec<u8>) -> (Result<String, reqwest::Error>, usize, usize) {
        let heard = Arc::new(AtomicUsize::new(0));
        let counted = heard.clone();
        let echo = async move |body: String| {
            counted.fetch_add(1, Ordering::Relaxed);
            body
        };
        let listener = TcpListener::bind(loopback(SERVES, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let app = Router::new().route("/", post(echo));
            axum::serve(listener, app).await
        });
        let _silent = silent(port).await;
        let asked = Arc::new(AtomicUsize::new(0));
        let replicas = Replicas {
            first,
            asked: asked.clone(),
        };
        let client = client("part", Duration::from_secs(5)).dns_resolver(Arc::new(replicas));
        let peer = Peer {
            client: client.build().unwrap(),
            base: format!("http://part:{port}").parse().unwrap(),
        };
        let sent = peer.request(Method::POST, "/").body("once").send().await;
        let answer = match sent {
            Ok(response) => response.text().await,
            Err(error) => Err(error),
        };
        server.abort();
        let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
        (answer, count(&asked), count(&heard))
    }

    #[tokio::test]
    async fn a_connection_that_is_not_made_is_tried_again_and_the_request_heard_once() {
        for first in [vec![REFUSES; 3], vec![SILENT], vec![SILENT, REFUSES]] {
            let tries = first.len();
            let (answer, connections, heard) = request(first).await;
            assert_eq!(answer.unwrap(), "once");
            assert_eq!((connections, heard), (tries + 1, 1));
        }
    }

    #[tokio::test]
    async fn tries_have_an_end() {
        let (answer, connections, heard) = request(vec![REFUSES; 10]).await;
        assert!(answer.unwrap_err().is_connect());
        assert_eq!((connections, heard), (4, 0));
    }
}
