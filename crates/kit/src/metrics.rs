//! Prometheus metrics with bounded labels. Durations are histograms in seconds.

use std::{
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{Router, routing::get};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

/// Bucket bounds of every duration, in seconds: 0.5 ms to 10 s.
const BUCKETS: [f64; 14] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Installs the process's recorder; later calls change nothing.
pub fn install() -> Result<(), BuildError> {
    if HANDLE.get().is_none() {
        let handle = PrometheusBuilder::new()
            .set_buckets(&BUCKETS)?
            .install_recorder()?;
        let _ = HANDLE.set(handle);
        // By the name that exporters of other languages have for it.
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        metrics::gauge!("process_start_time_seconds").set(since.unwrap_or_default());
    }
    Ok(())
}

/// `/metrics` in Prometheus' text format.
pub fn routes() -> Router {
    Router::new().route(
        "/metrics",
        get(|| async {
            HANDLE.get().map_or_else(String::new, |handle| {
                handle.run_upkeep();
                handle.render()
            })
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{health::Readiness, shutdown::Shutdown};

    #[test]
    fn what_alert_rules_count_on_is_there_from_the_start() {
        install().unwrap();
        let readiness = Readiness::new(&Shutdown::new(), &["metrics-test"]);
        let page = || HANDLE.get().unwrap().render();
        assert!(
            page().contains("\nprocess_start_time_seconds "),
            "{}",
            page()
        );
        assert!(page().contains("plaza_ready{check=\"metrics-test\"} 0"));
        readiness.set("metrics-test", true);
        assert!(page().contains("plaza_ready{check=\"metrics-test\"} 1"));
    }
}
