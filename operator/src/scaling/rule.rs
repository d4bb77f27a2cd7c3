//! What a spec says of scaling.

use std::time::Duration;

use crate::{api::ChatDeploymentSpec, component::Component};

use super::Times;

/// The numbers of pods that a part may have, and how soon there are fewer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Bounds {
    /// At least.
    pub(crate) least: i32,
    /// At most.
    pub(crate) most: i32,
    /// How long fewer were wanted all the time, before there is one less;
    /// `None`: as long as [`Times`] says.
    pub(crate) down: Option<Duration>,
}

impl Bounds {
    fn new(least: i32, most: i32, down: Option<i32>) -> Self {
        let down = down.map(seconds);
        Self { least, most, down }
    }

    /// The nearest number within.
    pub(crate) fn hold(self, count: i32) -> i32 {
        count.min(self.most).max(self.least)
    }

    /// The times that hold for this part.
    pub(super) fn times(self, times: &Times) -> Times {
        let down = self.down.unwrap_or(times.down);
        Times { down, ..*times }
    }
}

/// What a part scales on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rule {
    /// How long events wait in the streams.
    Lag(Duration),
    /// Connections that one pod is to have at most.
    Connections(u64),
}

/// The parts that the operator scales itself, none where nothing runs that
/// could scale.
pub(crate) fn rules(spec: &ChatDeploymentSpec) -> Vec<(Component, Bounds, Rule)> {
    if !spec.realtime.enabled || spec.hibernated {
        return Vec::new();
    }
    let publisher = spec.publisher.autoscaling.as_ref().map(|wanted| {
        let bounds = Bounds::new(
            wanted.min_replicas,
            wanted.max_replicas,
            wanted.scale_down_stabilization_seconds,
        );
        let rule = Rule::Lag(seconds(wanted.target_lag_seconds));
        (Component::Publisher, bounds, rule)
    });
    let centrifugo = spec.centrifugo.autoscaling.as_ref().map(|wanted| {
        let bounds = Bounds::new(
            wanted.min_replicas,
            wanted.max_replicas,
            wanted.scale_down_stabilization_seconds,
        );
        let target = u64::try_from(wanted.target_connections).unwrap_or_default();
        let rule = Rule::Connections(target.max(1));
        (Component::Centrifugo, bounds, rule)
    });
    publisher.into_iter().chain(centrifugo).collect()
}

fn seconds(count: i32) -> Duration {
    Duration::from_secs(u64::try_from(count).unwrap_or_default())
}
