//! Whether changes reach people at once, and whether what brings them there is
//! enough.

use crate::{
    component::Component,
    scaling::{Flowing, Standing},
};

use super::{
    super::{apply::Applied, live},
    Verdict,
    serving::store_missing,
};

/// Whether real time works, for as long as its parts tell.
pub(super) fn realtime_ready(applied: &Applied) -> Verdict {
    let kind = "RealtimeReady";
    if !applied.realtime {
        return Verdict::new(
            kind,
            false,
            "Disabled",
            "spec.realtime.enabled is false: the web app polls",
        );
    }
    if applied.hibernated {
        return Verdict::new(kind, false, "Hibernated", "spec.hibernated is true");
    }
    let missing: Vec<&str> = applied
        .parts
        .iter()
        .filter(|(component, _)| matches!(component, Component::Publisher | Component::Centrifugo))
        .filter(|(component, live)| {
            live::deployment_status(component.name(), live.as_ref()).ready == 0
        })
        .map(|(component, _)| component.name())
        .chain(store_missing(applied, Component::Redis))
        .collect();
    if missing.is_empty() {
        return flows(applied.load.flowing);
    }
    let trouble = applied
        .troubles
        .iter()
        .find(|trouble| missing.contains(&trouble.component.as_str()));
    let list = missing.join(", ");
    match trouble {
        Some(trouble) => Verdict::new(
            kind,
            false,
            trouble.reason,
            format!(
                "no pod is ready of {list}, so the web app polls: {}",
                trouble.message
            ),
        ),
        None => Verdict::new(
            kind,
            false,
            "Starting",
            format!("no pod is ready yet of {list}; until then the web app polls"),
        ),
    }
}

/// Whether changes reach people, by the publishers' metrics.
fn flows(flowing: Flowing) -> Verdict {
    let kind = "RealtimeReady";
    match flowing {
        Flowing::Yes => Verdict::new(
            kind,
            true,
            "Delivering",
            "what is published reaches Centrifugo, signs of life among it",
        ),
        Flowing::Unknown => Verdict::new(
            kind,
            true,
            "PartsReady",
            "the publisher, Centrifugo and Redis have ready pods; the publishers' metrics do not tell yet whether \
             anything is delivered",
        ),
        Flowing::Silent => Verdict::new(
            kind,
            false,
            "NothingDelivered",
            "all pods are ready, but nothing reaches Centrifugo, not even signs of life, so the web app polls: look \
             into the logs of the publisher, and of rooms and messages, which write to Redis",
        ),
        Flowing::Unattended => Verdict::new(
            kind,
            false,
            "PartitionsUnattended",
            "no publisher gets on with some partitions, so the web app polls: look into the publishers' logs for what \
             they wait for",
        ),
    }
}

/// Whether publisher and Centrifugo have as many pods as they need.
pub(super) fn scaling(applied: &Applied) -> Verdict {
    let kind = "Scaling";
    if applied.hibernated {
        return Verdict::new(kind, false, "Hibernated", "spec.hibernated is true");
    }
    let scaled = &applied.load.scaled;
    if scaled.is_empty() {
        return Verdict::new(
            kind,
            false,
            "Disabled",
            "neither spec.publisher nor spec.centrifugo has autoscaling",
        );
    }
    let of = |standing| {
        let names = scaled
            .iter()
            .filter(|scaled| scaled.standing == standing)
            .map(|scaled| scaled.component.name());
        names.collect::<Vec<_>>().join(", ")
    };
    let unreadable = of(Standing::Unreadable);
    if !unreadable.is_empty() {
        return Verdict::new(
            kind,
            false,
            "MetricsUnreachable",
            format!(
                "the operator cannot read the metrics of any pod of {unreadable}, so their number stays as it is: does \
                 a NetworkPolicy keep it from their ports {} and {}?",
                ops_port(Component::Publisher),
                ops_port(Component::Centrifugo)
            ),
        );
    }
    let at_most = of(Standing::AtMost);
    if !at_most.is_empty() {
        return Verdict::new(
            kind,
            false,
            "AtMaximum",
            format!(
                "{at_most} would have more pods than autoscaling.maxReplicas: raise it, or let each pod have more to do"
            ),
        );
    }
    let numbers = scaled.iter().map(|scaled| {
        format!(
            "{} has {} of {} to {}",
            scaled.component, scaled.count, scaled.bounds.least, scaled.bounds.most
        )
    });
    let numbers = numbers.collect::<Vec<_>>().join(", ");
    if of(Standing::Measuring).is_empty() {
        Verdict::new(kind, true, "WithinBounds", numbers)
    } else {
        Verdict::new(kind, None, "Measuring", numbers)
    }
}

fn ops_port(component: Component) -> i32 {
    component.ops_port().map_or(0, |(_, port)| port)
}
