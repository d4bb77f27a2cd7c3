//! Running a service's listeners, and stopping them without dropping a request.

use std::{future::IntoFuture, net::SocketAddr, time::Duration};

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;

use crate::{health::Readiness, metrics, shutdown::Shutdown};

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
/// under way are answered, background tasks finish. `api` is none for a part
/// without an API. Fails when an address is taken or a background task failed.
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
        let mut server = tokio::spawn(server.into_future());
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
    use super::*;

    #[tokio::test]
    async fn a_taken_address_ends_it_before_anything_is_called_ready() {
        let taken = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let free = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (api, ops) = (taken.local_addr().unwrap(), free.local_addr().unwrap());
        drop(free);
        let shutdown = Shutdown::new();
        let drain = Drain {
            delay: Duration::ZERO,
            timeout: Duration::ZERO,
        };
        let result = serve(
            "test",
            Some((api, Router::new())),
            ops,
            drain,
            &Readiness::new(&shutdown, &[]),
            &shutdown,
        )
        .await;
        assert!(result.unwrap_err().to_string().contains("another process"));
        assert!(tokio::net::TcpStream::connect(ops).await.is_err());
    }
}
