//! Reading the metrics of pods.

use std::{net::IpAddr, time::Duration};

use reqwest::{Client, StatusCode, redirect::Policy};

/// Longest wait for a page.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Largest page that is read; Centrifugo's has 42 KB (bytes).
const MOST_BYTES: usize = 512 << 10;
/// Where both parts have it.
const PATH: &str = "/metrics";

/// There can be no HTTP client.
#[derive(Debug, thiserror::Error)]
#[error("cannot make an HTTP client for the metrics of pods")]
pub struct NoHttpClient(#[from] reqwest::Error);

/// Reads pages of metrics.
#[derive(Debug)]
pub(crate) struct Scraper(Client);

impl Scraper {
    pub(crate) fn new() -> Result<Self, NoHttpClient> {
        let client = Client::builder()
            .connect_timeout(TIMEOUT)
            .timeout(TIMEOUT)
            // Looks are further apart than servers keep idle connections, and
            // pods come and go.
            .pool_max_idle_per_host(0)
            .redirect(Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self(client))
    }

    /// The page of one pod; `None`: it does not answer in time, or answers
    /// something else.
    pub(super) async fn page(&self, address: IpAddr, port: i32) -> Option<String> {
        let url = match address {
            IpAddr::V4(address) => format!("http://{address}:{port}{PATH}"),
            IpAddr::V6(address) => format!("http://[{address}]:{port}{PATH}"),
        };
        match self.read(&url).await {
            Ok(page) => page,
            Err(error) => {
                tracing::debug!(%error, url, "the metrics of a pod cannot be read");
                None
            }
        }
    }

    async fn read(&self, url: &str) -> Result<Option<String>, reqwest::Error> {
        let mut answer = self.0.get(url).send().await?;
        if answer.status() != StatusCode::OK {
            tracing::debug!(url, status = %answer.status(), "a pod has no metrics");
            return Ok(None);
        }
        let mut page = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if page.len() + chunk.len() > MOST_BYTES {
                tracing::debug!(url, "the metrics of a pod are larger than anything known");
                return Ok(None);
            }
            page.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8(page).ok())
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// Answers one request with this, and keeps the connection open.
    async fn served(answer: Vec<u8>) -> Option<String> {
        plaza_kit::install_crypto();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = i32::from(listener.local_addr().unwrap().port());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            // Who has read enough hangs up.
            let _ = stream.write_all(&answer).await;
            std::future::pending::<()>().await;
        });
        let page = Scraper::new()
            .unwrap()
            .page("127.0.0.1".parse().unwrap(), port)
            .await;
        server.abort();
        page
    }

    fn answer(status: &str, length: usize, body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n");
        [head.as_bytes(), body].concat()
    }

    #[tokio::test]
    async fn a_page_is_read() {
        let page = served(answer("200 OK", 4, b"a 1\n")).await;
        assert_eq!(page.as_deref(), Some("a 1\n"));
    }

    #[tokio::test]
    async fn errors_and_other_text_are_no_page() {
        assert_eq!(served(answer("404 Not Found", 4, b"a 1\n")).await, None);
        let elsewhere = answer("302 Found\r\nlocation: /", 0, b"");
        assert_eq!(served(elsewhere).await, None);
        assert_eq!(served(answer("200 OK", 2, &[0xff, 0xfe])).await, None);
    }

    #[tokio::test]
    async fn neither_time_nor_memory_is_unbounded() {
        let large = vec![b'a'; MOST_BYTES + 1];
        assert_eq!(served(answer("200 OK", large.len(), &large)).await, None);
        let began = std::time::Instant::now();
        assert_eq!(served(answer("200 OK", 100, b"a 1\n")).await, None);
        assert!(began.elapsed() < TIMEOUT * 2);
    }
}
