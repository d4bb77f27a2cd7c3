//! What the scenario does to connections, when it is due: storms, in which all
//! are dropped at once, and a blackout, in which none can be opened.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use super::{shared::Shared, stage::Stage};
use crate::scenario::Scenario;

/// How often it is looked whether everybody is back.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The troubles of one run.
pub(super) struct Troubles {
    pub(super) shared: Arc<Shared>,
    pub(super) stage: watch::Sender<Stage>,
    /// How many have to come back each time.
    pub(super) subscribers: u64,
    /// When the measured time begins.
    pub(super) measured: Instant,
}

impl Troubles {
    /// Makes them, one after another; ends when everybody is back after the
    /// last.
    pub(super) async fn run(self, scenario: Scenario) {
        for at_s in &scenario.storms_at_s {
            self.wait_until(*at_s).await;
            self.begin();
            self.stage.send_modify(|stage| {
                stage.weather.storms += 1;
                stage.weather.since = Some(Instant::now());
            });
            self.all_are_back().await;
        }
        let Some(at_s) = scenario.blackout_at_s else {
            return;
        };
        self.wait_until(at_s).await;
        self.begin();
        self.stage.send_modify(|stage| stage.weather.is_dark = true);
        let Some(seconds) = scenario.blackout_s else {
            return;
        };
        self.wait_until(at_s + seconds).await;
        self.stage.send_modify(|stage| {
            stage.weather.is_dark = false;
            stage.weather.since = Some(Instant::now());
        });
        self.all_are_back().await;
    }

    async fn wait_until(&self, at_s: u64) {
        tokio::time::sleep_until(self.measured + Duration::from_secs(at_s)).await;
    }

    fn begin(&self) {
        let meters = &self.shared.meters;
        meters.back.store(0, Ordering::Relaxed);
        meters.in_trouble.store(true, Ordering::Relaxed);
    }

    async fn all_are_back(&self) {
        let meters = &self.shared.meters;
        while meters.back.load(Ordering::Relaxed) < self.subscribers {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        meters.in_trouble.store(false, Ordering::Relaxed);
    }
}
