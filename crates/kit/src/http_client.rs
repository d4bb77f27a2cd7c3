//! The HTTP client of services that call each other: short timeouts, bounded
//! idle connections, and the present trace on every request.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Url};

use crate::trace;

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
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(1))
            .timeout(timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(64)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
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
