//! What the pods of both parts told at one time.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// One look.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// When.
    pub(crate) at: Instant,
    /// Of the publishers.
    pub(crate) publisher: Told<PublisherPod>,
    /// Connections of each Centrifugo.
    pub(crate) centrifugo: Told<u64>,
}

/// What the pods of one part told.
#[derive(Clone, Debug)]
pub(crate) struct Told<T> {
    /// Pods that are ready.
    pub(crate) ready: i32,
    /// Those whose metrics could be read, by their names.
    pub(crate) pods: BTreeMap<String, T>,
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self {
            ready: 0,
            pods: BTreeMap::new(),
        }
    }
}

impl<T> Told<T> {
    /// Whether every pod that is ready was read.
    pub(super) fn is_complete(&self) -> bool {
        i32::try_from(self.pods.len()).is_ok_and(|read| read >= self.ready)
    }

    /// Whether there are pods, and not one could be read.
    pub(super) fn is_unreadable(&self) -> bool {
        self.ready > 0 && self.pods.is_empty()
    }
}

/// What one publisher told. Each of them measures the streams of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PublisherPod {
    /// How long the oldest event of each partition has waited (s).
    pub(crate) lag: BTreeMap<String, f64>,
    /// Events that it has published, since it began.
    pub(crate) events: f64,
    /// Partitions that no publisher gets on with.
    pub(crate) unattended: f64,
}

impl Sample {
    /// Partitions whose oldest event has waited longer than this, and whether
    /// there are any figures at all.
    pub(super) fn behind(&self, target: Duration) -> Option<usize> {
        let mut worst: BTreeMap<&str, f64> = BTreeMap::new();
        for pod in self.publisher.pods.values() {
            for (partition, lag) in &pod.lag {
                let entry = worst.entry(partition).or_default();
                *entry = entry.max(*lag);
            }
        }
        let behind = worst.values().filter(|lag| **lag > target.as_secs_f64());
        (!worst.is_empty()).then(|| behind.count())
    }

    /// Events that were published since another look. Of a pod that was not
    /// there then, or that has begun anew, all of them.
    pub(super) fn published_since(&self, before: &Self) -> f64 {
        let published = self.publisher.pods.iter().map(|(name, pod)| {
            let then = before
                .publisher
                .pods
                .get(name)
                .map_or(0.0, |pod| pod.events);
            if pod.events < then {
                pod.events
            } else {
                pod.events - then
            }
        });
        published.sum()
    }

    /// Events a second since another look, of the pods that both looks have;
    /// `None`: there is none, or no time in between.
    pub(super) fn rate_since(&self, before: &Self) -> Option<f64> {
        let seconds = self.at.checked_duration_since(before.at)?.as_secs_f64();
        let mut both = 0;
        let mut events = 0.0;
        for (name, pod) in &self.publisher.pods {
            if let Some(then) = before.publisher.pods.get(name) {
                both += 1;
                events += (pod.events - then.events).max(0.0);
            }
        }
        (both > 0 && seconds > 0.0).then(|| events / seconds)
    }

    /// Connections of all Centrifugos that were read.
    pub(super) fn connections(&self) -> u64 {
        let all = self.centrifugo.pods.values().copied();
        all.fold(0, u64::saturating_add)
    }
}
