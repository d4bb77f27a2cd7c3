//! The HTTP client of services that call each other: short timeouts, bounded
//! idle connections, another try where nobody took the connection, and the
//! present trace on every request.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Url, retry};

use crate::trace;

/// How often a connection that was refused is tried again, at once: a Service
/// still leads to a replica that has just died, and the next one lives.
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
        .connect_timeout(Duration::from_secs(1))
        .timeout(timeout)
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(64)
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        .retry(refused_connections(host))
        .no_proxy()
}

/// Of a refused connection nobody has heard the request, so it is sent once,
/// whatever it asks for. One that took too long to be made is not tried again,
/// for its caller has waited. The library's budget bounds what tries add.
fn refused_connections(host: &str) -> retry::Builder {
    retry::for_host(host.to_owned())
        .max_retries_per_request(MORE_TRIES)
        .classify_fn(|attempt| {
            let error = attempt.error().and_then(|error| error.downcast_ref());
            match error {
                Some(error) if is_refused(error) => attempt.retryable(),
                _ => attempt.success(),
            }
        })
}

fn is_refused(error: &reqwest::Error) -> bool {
    error.is_connect() && !error.is_timeout()
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, SocketAddr},
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
    };

    use axum::{Router, routing::post};
    use reqwest::dns::{Addrs, Name, Resolve, Resolving};
    use tokio::net::TcpListener;

    use super::*;

    /// Leads to an address where nobody listens this many times, and then to the
    /// one where somebody does.
    struct Replicas {
        dead: u32,
        asked: Arc<AtomicU32>,
    }

    impl Resolve for Replicas {
        fn resolve(&self, _: Name) -> Resolving {
            let dead = self.asked.fetch_add(1, Ordering::Relaxed) < self.dead;
            let last = if dead { 2 } else { 1 };
            let address = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0));
            Box::pin(async move { Ok(Box::new(std::iter::once(address)) as Addrs) })
        }
    }

    /// What comes of a request that first meets `dead` replicas, the number of
    /// connections, and how often it was heard.
    async fn request(dead: u32) -> (Result<String, reqwest::Error>, u32, u32) {
        let heard = Arc::new(AtomicU32::new(0));
        let counted = heard.clone();
        let echo = async move |body: String| {
            counted.fetch_add(1, Ordering::Relaxed);
            body
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let app = Router::new().route("/", post(echo));
            axum::serve(listener, app).await
        });
        let asked = Arc::new(AtomicU32::new(0));
        let replicas = Replicas {
            dead,
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
        let count = |of: &AtomicU32| of.load(Ordering::Relaxed);
        (answer, count(&asked), count(&heard))
    }

    #[tokio::test]
    async fn a_refused_connection_is_tried_again_and_the_request_heard_once() {
        let (answer, connections, heard) = request(MORE_TRIES).await;
        assert_eq!(answer.unwrap(), "once");
        assert_eq!((connections, heard), (MORE_TRIES + 1, 1));
    }

    #[tokio::test]
    async fn tries_have_an_end() {
        let (answer, connections, heard) = request(u32::MAX).await;
        assert!(is_refused(&answer.unwrap_err()));
        assert_eq!((connections, heard), (MORE_TRIES + 1, 0));
    }
}
