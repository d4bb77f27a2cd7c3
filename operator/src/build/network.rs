//! Who may connect to what: each part is reached by those alone that need it.

use k8s_openapi::{
    api::networking::v1::{
        NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
        NetworkPolicyPort, NetworkPolicySpec,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use crate::{
    component::Component::{
        self, Auth, Backup, Centrifugo, Gateway, Messages, Migrate, Postgres, Publisher, Redis,
        Restore, Rooms, RotateKeys,
    },
    validate::Validated,
};

use super::labels::{self, MANAGED_BY, NAME_LABEL};

/// The label that every namespace has.
const NAMESPACE_LABEL: &str = "kubernetes.io/metadata.name";

/// A port of a part, and the parts that may reach it.
struct Way {
    port: i32,
    from: &'static [Component],
}

/// One for each part; none when they are turned off.
pub(super) fn policies(validated: &Validated) -> Vec<NetworkPolicy> {
    if !validated.spec.network_policy.enabled {
        return Vec::new();
    }
    let mut parts: Vec<Component> = validated.components().collect();
    if validated.spec.postgres.managed.is_some() {
        parts.push(Postgres);
    }
    if validated.managed_redis().is_some() {
        parts.push(Redis);
    }
    parts.push(Migrate);
    if validated.rotation_request.is_some() {
        parts.push(RotateKeys);
    }
    if validated.spec.backup.is_some() {
        parts.push(Backup);
    }
    if validated.spec.restore.is_some() {
        parts.push(Restore);
    }
    parts
        .into_iter()
        .map(|component| policy(validated, component))
        .collect()
}

/// Who of the chat's own parts reaches a part.
fn ways(component: Component) -> Vec<Way> {
    let api = component.api_port().map(|(_, port)| port);
    let ops = component.ops_port().map(|(_, port)| port);
    let from: &'static [Component] = match component {
        Auth => &[Gateway, Rooms, Messages, Publisher, Centrifugo],
        Rooms => &[Gateway, Messages, Publisher, Centrifugo],
        Messages => &[Gateway, Rooms, Publisher],
        Postgres => &[Auth, Rooms, Messages, Migrate, Backup, Restore, RotateKeys],
        Redis => &[Rooms, Messages, Publisher, Centrifugo],
        Gateway | Publisher | Centrifugo | Migrate | Backup | Restore | RotateKeys => &[],
    };
    let mut ways = Vec::new();
    if let Some(port) = api
        && !from.is_empty()
    {
        ways.push(Way { port, from });
    }
    if component == Centrifugo
        && let Some(port) = ops
    {
        ways.push(Way {
            port,
            from: &[Auth, Rooms, Publisher],
        });
    }
    ways
}

fn policy(validated: &Validated, component: Component) -> NetworkPolicy {
    let spec = &validated.spec.network_policy;
    let mut rules: Vec<NetworkPolicyIngressRule> = ways(component)
        .into_iter()
        .map(|way| NetworkPolicyIngressRule {
            ports: Some(vec![tcp(way.port)]),
            from: Some(way.from.iter().map(|from| pods(validated, *from)).collect()),
        })
        .collect();
    if let (Gateway | Centrifugo, Some((_, port))) = (component, component.api_port()) {
        rules.push(NetworkPolicyIngressRule {
            ports: Some(vec![tcp(port)]),
            // None: everybody.
            from: peers(&spec.ingress_namespaces),
        });
    }
    if let Some((_, port)) = component.ops_port()
        && let Some(from) = peers(&spec.metrics_namespaces)
    {
        rules.push(NetworkPolicyIngressRule {
            ports: Some(vec![tcp(port)]),
            from: Some(from),
        });
    }
    if let (Publisher | Centrifugo, Some((_, port)), Some(namespace)) = (
        component,
        component.ops_port(),
        &validated.operator_namespace,
    ) {
        rules.push(NetworkPolicyIngressRule {
            ports: Some(vec![tcp(port)]),
            from: Some(vec![operator(namespace)]),
        });
    }
    // Nothing that a store is asked for makes it ask others.
    let closed = matches!(component, Postgres | Redis);
    let mut types = vec!["Ingress".to_owned()];
    if closed {
        types.push("Egress".to_owned());
    }
    NetworkPolicy {
        metadata: labels::metadata(validated, component.of(&validated.name), Some(component)),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(labels::pods_of(validated, component)),
            policy_types: Some(types),
            ingress: (!rules.is_empty()).then_some(rules),
            egress: closed.then(Vec::<NetworkPolicyEgressRule>::new),
        }),
    }
}

fn tcp(port: i32) -> NetworkPolicyPort {
    NetworkPolicyPort {
        port: Some(IntOrString::Int(port)),
        protocol: Some("TCP".to_owned()),
        end_port: None,
    }
}

fn pods(validated: &Validated, component: Component) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        pod_selector: Some(labels::pods_of(validated, component)),
        ..NetworkPolicyPeer::default()
    }
}

/// The operator's pods, as k8s/operator labels them.
fn operator(namespace: &str) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector {
            match_labels: Some([(NAMESPACE_LABEL.to_owned(), namespace.to_owned())].into()),
            ..LabelSelector::default()
        }),
        pod_selector: Some(LabelSelector {
            match_labels: Some([(NAME_LABEL.to_owned(), MANAGED_BY.to_owned())].into()),
            ..LabelSelector::default()
        }),
        ..NetworkPolicyPeer::default()
    }
}

fn peers(namespaces: &[String]) -> Option<Vec<NetworkPolicyPeer>> {
    let peers = namespaces.iter().map(|namespace| NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector {
            match_labels: Some([(NAMESPACE_LABEL.to_owned(), namespace.clone())].into()),
            ..LabelSelector::default()
        }),
        ..NetworkPolicyPeer::default()
    });
    (!namespaces.is_empty()).then(|| peers.collect())
}
