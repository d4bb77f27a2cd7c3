//! Running a service's listeners, and stopping them without dropping a request.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;

use crate::{health::Readiness, metrics, shutdown::Shutdown};

/// How long requests wait for the service to be ready for the first time. Where
/// a container starts again, its Service may lead to it before Kubernetes has
/// seen that it was away; it would answer that it is starting, and has what it
/// lacks in a moment.
const FIRST_READY_WITHIN: Duration = Duration::from_secs(2);

/// When to stop listening and how long to wait; from [`crate::config::OpsArgs`].
#[derive(Debug, Clone, Copy)]
pub struct Drain {
    /// Between the signal and the closed listener.
    pub delay: Duration,
    /// For requests, and again for background tasks.
    pub timeout: Duration,
}

impl<const PORT: u16> crate::config::OpsArgs<PORT> {
    /// The configured drain.
    pub fn drain(&self) -> Drain {
        Drain {
            delay: Duration::from_millis(self.drain_delay_ms),
            timeout: Duration::from_millis(self.drain_timeout_ms),
        }
    }
}

/// Serves until stopping begins, then drains: no new connections, requests
/// under way are answered, background tasks finish. Those that come before the
/// service is ready for the first time wait for that, 2 s from the beginning at
/// most. `api` is none for a part without an API. Fails when an address is taken
/// or a background task failed.
pub async fn serve(
    part: &'static str,
    api: Option<(SocketAddr, Router)>,
    ops: SocketAddr,
    drain: Drain,
    readiness: &Readiness,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    // Both before either answers: who is called ready can be reached.
    let api = match api {
        Some((address, routes)) => Some((listen(address).await?, address, routes)),
        None => None,
    };
    let ops_listener = listen(ops).await?;
    let ops_routes = readiness.routes().merge(metrics::routes());
    let ops_stop = shutdown.clone();
    let ops_server = tokio::spawn(async move {
        axum::serve(ops_listener, ops_routes)
            .with_graceful_shutdown(async move { ops_stop.finishing().await })
            .await
    });

    if let Some((listener, address, routes)) = api {
        tracing::info!(%address, %ops, "{part} listens on {address}");
        let stop = shutdown.clone();
        let server = axum::serve(
            listener,
            routes.into_make_service_with_connect_info::<SocketAddr>(),
        )
        .with_graceful_shutdown(async move {
            stop.stopping().await;
            tokio::time::sleep(drain.delay).await;
        });
        let first = shutdown.clone();
        let mut server = tokio::spawn(async move {
            // The system takes connections meanwhile.
            tokio::select! {
                () = first.reached() => {}
                () = first.stopping() => {}
                () = tokio::time::sleep(FIRST_READY_WITHIN) => {}
            }
            server.await
        });
        tokio::select! {
            ended = &mut server => ended.context("the HTTP server panicked")?.context("the HTTP server failed")?,
            () = async { shutdown.stopping().await; tokio::time::sleep(drain.delay + drain.timeout).await; } => {
                tracing::warn!("requests were still under way at the end of the drain timeout");
                server.abort();
            }
        }
    } else {
        tracing::info!(%ops, "{part} runs");
        shutdown.stopping().await;
    }
    let result = shutdown.drain(drain.timeout).await;
    let _ = tokio::time::timeout(Duration::from_secs(1), ops_server).await;
    tracing::info!("{part} stopped");
    Ok(result?)
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: is another process using it?"))
}

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;

    const NO_DRAIN: Drain = Drain {
        delay: Duration::ZERO,
        timeout: Duration::ZERO,
    };

    fn free_address() -> SocketAddr {
        let port = plaza_local::free_port("test", None).unwrap();
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[tokio::test]
    async fn a_taken_address_ends_it_before_anything_is_called_ready() {
        let taken = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (api, ops) = (taken.local_addr().unwrap(), free_address());
        let shutdown = Shutdown::new();
        let result = serve(
            "test",
            Some((api, Router::new())),
            ops,
            NO_DRAIN,
            &Readiness::new(&shutdown, &[]),
            &shutdown,
        )
        .await;
        assert!(result.unwrap_err().to_string().contains("another process"));
        assert!(tokio::net::TcpStream::connect(ops).await.is_err());
    }

    /// A service that answers whether it is ready, and its address.
    async fn answers_whether_ready(
        readiness: &Readiness,
        shutdown: &Shutdown,
    ) -> (SocketAddr, tokio::task::JoinHandle<anyhow::Result<()>>) {
        crate::install_crypto();
        let (api, ops) = (free_address(), free_address());
        let asked = readiness.clone();
        let routes = Router::new().route("/", get(async move || asked.is_ready().to_string()));
        let (readiness, shutdown) = (readiness.clone(), shutdown.clone());
        let served = tokio::spawn(async move {
            serve(
                "test",
                Some((api, routes)),
                ops,
                NO_DRAIN,
                &readiness,
                &shutdown,
            )
            .await
        });
        while tokio::net::TcpStream::connect(api).await.is_err() {
            tokio::task::yield_now().await;
        }
        (api, served)
    }

    async fn ask(api: SocketAddr) -> String {
        let answer = reqwest::get(format!("http://{api}/")).await.unwrap();
        answer.text().await.unwrap()
    }

    #[tokio::test]
    async fn requests_wait_until_the_service_is_ready_for_the_first_time() {
        let shutdown = Shutdown::new();
        let readiness = Readiness::new(&shutdown, &["keys"]);
        let (api, served) = answers_whether_ready(&readiness, &shutdown).await;
        let answer = tokio::spawn(ask(api));
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!answer.is_finished());
        readiness.set("keys", true);
        assert_eq!(answer.await.unwrap(), "true");
        // Only for the first time.
        readiness.set("keys", false);
        assert_eq!(ask(api).await, "false");
        shutdown.begin();
        served.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_service_that_lacks_something_for_long_says_so() {
        let shutdown = Shutdown::new();
        let readiness = Readiness::new(&shutdown, &["keys"]);
        let (api, served) = answers_whether_ready(&readiness, &shutdown).await;
        assert_eq!(ask(api).await, "false");
        shutdown.begin();
        served.await.unwrap().unwrap();
    }
}
