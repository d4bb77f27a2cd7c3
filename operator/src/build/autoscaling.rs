//! How many pods there are, and how many of them may be evicted at a time.

use k8s_openapi::{
    api::{
        autoscaling::v2::{
            CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec,
            MetricSpec, MetricTarget, ResourceMetricSource,
        },
        policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    },
    apimachinery::pkg::util::intstr::IntOrString,
};

use crate::{
    component::Component,
    scaling::rules,
    validate::{Validated, most_replicas},
};

use super::{component_spec, labels};

/// For each part that scales on its CPU; none while the chat is hibernated.
pub(super) fn autoscalers(validated: &Validated) -> Vec<HorizontalPodAutoscaler> {
    if validated.spec.hibernated {
        return Vec::new();
    }
    validated
        .components()
        .filter_map(|component| {
            let bounds = component_spec(&validated.spec, component).autoscaling?;
            let name = component.of(&validated.name);
            Some(HorizontalPodAutoscaler {
                metadata: labels::metadata(validated, name.clone(), Some(component)),
                spec: Some(HorizontalPodAutoscalerSpec {
                    scale_target_ref: CrossVersionObjectReference {
                        api_version: Some("apps/v1".to_owned()),
                        kind: "Deployment".to_owned(),
                        name,
                    },
                    min_replicas: Some(bounds.min_replicas),
                    max_replicas: bounds.max_replicas,
                    metrics: Some(vec![MetricSpec {
                        type_: "Resource".to_owned(),
                        resource: Some(ResourceMetricSource {
                            name: "cpu".to_owned(),
                            target: MetricTarget {
                                type_: "Utilization".to_owned(),
                                average_utilization: Some(bounds.target_cpu_percent),
                                ..MetricTarget::default()
                            },
                        }),
                        ..MetricSpec::default()
                    }]),
                    ..HorizontalPodAutoscalerSpec::default()
                }),
                status: None,
            })
        })
        .collect()
}

/// The most pods that a part can have.
fn most_pods(validated: &Validated, component: Component) -> i32 {
    let own = rules(&validated.spec)
        .into_iter()
        .find(|(scaled, ..)| *scaled == component);
    own.map_or_else(
        || most_replicas(&component_spec(&validated.spec, component)),
        |(_, bounds, _)| bounds.most,
    )
}

/// For each part that can have several pods: of one, a budget would only
/// forbid to empty its node.
pub(super) fn budgets(validated: &Validated) -> Vec<PodDisruptionBudget> {
    validated
        .components()
        .filter(|component| most_pods(validated, *component) > 1)
        .map(|component: Component| PodDisruptionBudget {
            metadata: labels::metadata(validated, component.of(&validated.name), Some(component)),
            spec: Some(PodDisruptionBudgetSpec {
                max_unavailable: Some(IntOrString::Int(1)),
                selector: Some(labels::pods_of(validated, component)),
                // Who serves nobody need not be kept.
                unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
                ..PodDisruptionBudgetSpec::default()
            }),
            status: None,
        })
        .collect()
}
