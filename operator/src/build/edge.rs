//! The way from people to the chat: `/connection/` to Centrifugo, everything
//! else to the gateway.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule,
    IngressServiceBackend, IngressSpec as Spec, IngressTLS, ServiceBackendPort,
};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

use crate::{api::IngressSpec, component::Component, validate::Validated};

use super::labels;

/// Where Centrifugo is.
const REALTIME_PATH: &str = "/connection/";
/// What ingress-nginx needs for connections that are silent for long.
const NGINX: [(&str, &str); 3] = [
    ("nginx.ingress.kubernetes.io/proxy-read-timeout", "3600"),
    ("nginx.ingress.kubernetes.io/proxy-send-timeout", "3600"),
    ("nginx.ingress.kubernetes.io/proxy-buffering", "off"),
];

/// The Ingress, unless another way leads in.
pub(super) fn ingress(validated: &Validated) -> Option<Ingress> {
    let spec = &validated.spec;
    let own = spec.ingress.clone().unwrap_or_default();
    if !own.enabled || spec.http_route.is_some() {
        return None;
    }
    let paths = ways(validated).map(|(path, component)| HTTPIngressPath {
        path: Some(path.to_owned()),
        path_type: "Prefix".to_owned(),
        backend: backend(validated, component),
    });
    let mut metadata = labels::metadata(validated, validated.name.clone(), None);
    metadata.annotations = Some(annotations(&own));
    Some(Ingress {
        metadata,
        spec: Some(Spec {
            ingress_class_name: own.class_name,
            tls: spec.tls.as_ref().map(|tls| {
                vec![IngressTLS {
                    hosts: Some(vec![spec.host.clone()]),
                    secret_name: tls.secret_name.clone(),
                }]
            }),
            rules: Some(vec![IngressRule {
                host: Some(spec.host.clone()),
                http: Some(HTTPIngressRuleValue {
                    paths: paths.collect(),
                }),
            }]),
            default_backend: None,
        }),
        status: None,
    })
}

fn ways(validated: &Validated) -> impl Iterator<Item = (&'static str, Component)> {
    let realtime = validated
        .realtime()
        .then_some((REALTIME_PATH, Component::Centrifugo));
    realtime.into_iter().chain([("/", Component::Gateway)])
}

fn annotations(own: &IngressSpec) -> BTreeMap<String, String> {
    let usual = NGINX.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut annotations = BTreeMap::from(usual);
    annotations.extend(own.annotations.clone());
    annotations
}

fn backend(validated: &Validated, component: Component) -> IngressBackend {
    let port = component.api_port().map(|(name, _)| ServiceBackendPort {
        name: Some(name.to_owned()),
        number: None,
    });
    IngressBackend {
        service: Some(IngressServiceBackend {
            name: component.of(&validated.name),
            port,
        }),
        resource: None,
    }
}

/// The kind of an HTTPRoute, which no built-in type is for.
pub fn http_route_resource() -> ApiResource {
    ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute"),
        "httproutes",
    )
}

/// The HTTPRoute, where one is asked for.
pub(super) fn http_route(validated: &Validated) -> Option<DynamicObject> {
    let own = validated.spec.http_route.as_ref()?;
    let parents: Vec<Value> = own
        .parent_refs
        .iter()
        .map(|parent| {
            let mut reference = json!({
                "group": "gateway.networking.k8s.io",
                "kind": "Gateway",
                "name": parent.name,
            });
            if let Some(namespace) = &parent.namespace {
                reference["namespace"] = json!(namespace);
            }
            if let Some(section) = &parent.section_name {
                reference["sectionName"] = json!(section);
            }
            reference
        })
        .collect();
    let rules: Vec<Value> = ways(validated)
        .map(|(path, component)| {
            let mut rule = json!({
                "matches": [{"path": {"type": "PathPrefix", "value": path}}],
                "backendRefs": [{
                    "group": "",
                    "kind": "Service",
                    "name": component.of(&validated.name),
                    "port": component.api_port().map(|(_, port)| port),
                    "weight": 1,
                }],
            });
            if component == Component::Centrifugo {
                // A connection may be silent for long.
                rule["timeouts"] = json!({"request": "0s", "backendRequest": "0s"});
            }
            rule
        })
        .collect();
    let mut route = DynamicObject::new(&validated.name, &http_route_resource());
    route.metadata = labels::metadata(validated, validated.name.clone(), None);
    if !own.annotations.is_empty() {
        route.metadata.annotations = Some(own.annotations.clone());
    }
    route.data = json!({"spec": {
        "hostnames": [validated.spec.host],
        "parentRefs": parents,
        "rules": rules,
    }});
    Some(route)
}
