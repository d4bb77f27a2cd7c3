//! What Prometheus' operator reads: where metrics are, and when to raise an
//! alarm.

use std::collections::BTreeSet;

use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

use crate::{component::Component, validate::Validated};

use super::{CannotWrite, labels};

/// The rules for any chat.
const ALERTS: &str = include_str!("../../../k8s/monitoring/alerts.yaml");
/// The group of them that is about chats.
const GROUP: &str = "plaza-chat";
/// What selects the series of all chats there.
const ANY_CHAT: &str = r#"chat=~".+""#;
/// Nine tenths of the connections that a Centrifugo has as its target, unless
/// the spec says another.
const NEAR_TARGET: &str = "> 18000";

/// The kinds, which no built-in types are for, and which clusters without
/// Prometheus' operator do not know.
pub fn monitoring_resources() -> [ApiResource; 2] {
    [service_monitor_resource(), rule_resource()]
}

fn service_monitor_resource() -> ApiResource {
    resource("ServiceMonitor", "servicemonitors")
}

fn rule_resource() -> ApiResource {
    resource("PrometheusRule", "prometheusrules")
}

fn resource(kind: &str, plural: &str) -> ApiResource {
    let kind = GroupVersionKind::gvk("monitoring.coreos.com", "v1", kind);
    ApiResource::from_gvk_with_plural(&kind, plural)
}

/// Each object with its kind; none unless they are asked for.
pub(super) fn monitors(
    validated: &Validated,
) -> Result<Vec<(ApiResource, DynamicObject)>, CannotWrite> {
    let own = &validated.spec.monitoring;
    let mut monitors = Vec::new();
    if own.enabled {
        let spec = service_monitor(validated);
        monitors.push(object(validated, service_monitor_resource(), &spec));
    }
    if own.enabled && own.alerts {
        let spec = json!({"groups": [rules(validated)?]});
        monitors.push(object(validated, rule_resource(), &spec));
    }
    Ok(monitors)
}

fn object(
    validated: &Validated,
    resource: ApiResource,
    spec: &Value,
) -> (ApiResource, DynamicObject) {
    let mut object = DynamicObject::new(&validated.name, &resource);
    object.metadata = labels::metadata(validated, validated.name.clone(), None);
    let mut all = validated.spec.monitoring.labels.clone();
    all.extend(object.metadata.labels.take().unwrap_or_default());
    object.metadata.labels = Some(all);
    object.data = json!({"spec": spec});
    (resource, object)
}

/// Reads the operations port of every Service of the chat that has one.
fn service_monitor(validated: &Validated) -> Value {
    let target = |label: &str, name: &str| {
        let label = label.replace(['.', '/'], "_");
        json!({
            "action": "replace",
            "sourceLabels": [format!("__meta_kubernetes_service_label_{label}")],
            "targetLabel": name,
        })
    };
    let relabelings = json!([
        target(labels::INSTANCE_LABEL, "chat"),
        target(labels::COMPONENT_LABEL, "part"),
        // Plaza's own label `service` is another.
        {"action": "labeldrop", "regex": "service|endpoint|container"},
    ]);
    let ports: BTreeSet<&str> = validated
        .components()
        .filter_map(Component::ops_port)
        .map(|(name, _)| name)
        .collect();
    let endpoints: Vec<Value> = ports
        .into_iter()
        .map(|port| {
            json!({
                "port": port,
                "interval": validated.spec.monitoring.interval,
                "relabelings": relabelings,
            })
        })
        .collect();
    json!({
        "selector": {"matchLabels": labels::identity(validated, None)},
        "endpoints": endpoints,
    })
}

/// The group of rules, of this chat alone.
fn rules(validated: &Validated) -> Result<Value, CannotWrite> {
    let this_chat = format!(
        r#"namespace="{}",chat="{}""#,
        validated.namespace, validated.name
    );
    let mut text = ALERTS.replace(ANY_CHAT, &this_chat);
    if let Some(scaled) = &validated.spec.centrifugo.autoscaling {
        let near = i64::from(scaled.target_connections) * 9 / 10;
        text = text.replace(NEAR_TARGET, &format!("> {near}"));
    }
    let file: Value = serde_saphyr::from_str(&text).map_err(CannotWrite::Alerts)?;
    let groups = file["groups"].as_array().into_iter().flatten();
    let mut of_chats = groups.filter(|group| group["name"] == GROUP);
    Ok(of_chats.next().cloned().unwrap_or_default())
}
