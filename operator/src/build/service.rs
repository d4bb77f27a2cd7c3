//! Names and addresses of the parts within the cluster.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use crate::{component::Component, validate::Validated};

use super::labels;

/// One for each part that others reach; for Prometheus the publishers are such.
pub(super) fn services(validated: &Validated) -> Vec<Service> {
    let stores = [
        (
            Component::Postgres,
            validated.spec.postgres.managed.is_some(),
        ),
        (Component::Redis, validated.managed_redis().is_some()),
    ];
    let watched = validated.spec.monitoring.enabled;
    let stores = stores
        .into_iter()
        .filter_map(|(component, there)| there.then_some(component));
    validated
        .components()
        .chain(stores)
        .filter(|component| {
            component.api_port().is_some() || (watched && component.ops_port().is_some())
        })
        .map(|component| service(validated, component))
        .collect()
}

fn service(validated: &Validated, component: Component) -> Service {
    let ports = [component.api_port(), component.ops_port()]
        .into_iter()
        .flatten()
        .map(|(name, port)| ServicePort {
            name: Some(name.to_owned()),
            port,
            target_port: Some(IntOrString::String(name.to_owned())),
            protocol: Some("TCP".to_owned()),
            ..ServicePort::default()
        })
        .collect();
    Service {
        metadata: labels::metadata(validated, component.of(&validated.name), Some(component)),
        spec: Some(ServiceSpec {
            selector: Some(labels::identity(validated, Some(component))),
            ports: Some(ports),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
