//! What a spec says of scaling.

use std::time::Duration;

use crate::{api::ChatDeploymentSpec, component::Component};

/// The numbers of pods that a part may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Bounds {
    /// At least.
    pub(crate) least: i32,
    /// At most.
    pub(crate) most: i32,
}

impl Bounds {
    /// The nearest number within.
    pub(crate) fn hold(self, count: i32) -> i32 {
        count.min(self.most).max(self.least)
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
        let bounds = Bounds {
            least: wanted.min_replicas,
            most: wanted.max_replicas,
        };
        let target = u64::try_from(wanted.target_lag_seconds).unwrap_or_default();
        let rule = Rule::Lag(Duration::from_secs(target));
        (Component::Publisher, bounds, rule)
    });
    let centrifugo = spec.centrifugo.autoscaling.as_ref().map(|wanted| {
        let bounds = Bounds {
            least: wanted.min_replicas,
            most: wanted.max_replicas,
        };
        let target = u64::try_from(wanted.target_connections).unwrap_or_default();
        let rule = Rule::Connections(target.max(1));
        (Component::Centrifugo, bounds, rule)
    });
    publisher.into_iter().chain(centrifugo).collect()
}
