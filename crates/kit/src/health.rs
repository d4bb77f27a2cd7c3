//! `/healthz` and `/readyz` as Kubernetes means them: liveness touches nothing,
//! readiness is false before the first dependencies were reached, while one of
//! the service's own is lost, and during shutdown. Redis and Centrifugo never
//! matter to it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{Json, Router, http::StatusCode, routing::get};

use crate::shutdown::Shutdown;

/// Named conditions that must all hold before traffic is wanted.
#[derive(Debug, Clone)]
pub struct Readiness {
    checks: Arc<Mutex<BTreeMap<&'static str, bool>>>,
    shutdown: Shutdown,
}

impl Readiness {
    /// Not ready until each of `checks` was [`set`](Self::set) true.
    pub fn new(shutdown: &Shutdown, checks: &[&'static str]) -> Self {
        for check in checks {
            measure(check, false);
        }
        Self {
            checks: Arc::new(Mutex::new(
                checks.iter().map(|check| (*check, false)).collect(),
            )),
            shutdown: shutdown.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, bool>> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whether a check holds now; a change is logged.
    pub fn set(&self, check: &'static str, holds: bool) {
        let before = self.lock().insert(check, holds);
        measure(check, holds);
        if before != Some(holds) {
            if holds {
                tracing::info!(check, "reached: {check}");
            } else if before.is_some() {
                tracing::warn!(check, "lost: {check}");
            }
        }
        if self.is_ready() {
            self.shutdown.reach();
        }
    }

    /// Whether traffic is wanted.
    pub fn is_ready(&self) -> bool {
        !self.shutdown.is_stopping() && self.lock().values().all(|holds| *holds)
    }

    /// `/healthz` and `/readyz`; the latter names the checks that do not hold.
    pub fn routes(&self) -> Router {
        let readiness = self.clone();
        Router::new().route("/healthz", get(|| async { "ok\n" })).route(
            "/readyz",
            get(move || async move {
                let ready = readiness.is_ready();
                let checks = readiness.lock().clone();
                let stopping = readiness.shutdown.is_stopping();
                let body = serde_json::json!({ "ready": ready, "stopping": stopping, "checks": checks });
                (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
            }),
        )
    }
}

fn measure(check: &'static str, holds: bool) {
    metrics::gauge!("plaza_ready", "check" => check).set(f64::from(u8::from(holds)));
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn ready_means_every_check_and_not_stopping() {
        let shutdown = Shutdown::new();
        let readiness = Readiness::new(&shutdown, &["database", "keys"]);
        assert!(!readiness.is_ready());
        readiness.set("database", true);
        assert!(!readiness.is_ready());
        assert!(shutdown.reached().now_or_never().is_none());
        readiness.set("keys", true);
        assert!(readiness.is_ready());
        readiness.set("database", false);
        assert!(!readiness.is_ready());
        let reached = shutdown.reached().now_or_never();
        assert!(reached.is_some(), "once is enough");
        readiness.set("database", true);
        shutdown.begin();
        assert!(!readiness.is_ready());
    }
}
