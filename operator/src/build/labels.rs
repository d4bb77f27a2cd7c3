//! What tells a chat's objects from others.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, OwnerReference};
use kube::{Resource as _, core::ObjectMeta};

use crate::{api::ChatDeployment, component::Component, validate::Validated};

/// What software it is of.
pub(super) const NAME_LABEL: &str = "app.kubernetes.io/name";
/// The chat.
pub const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";
/// Which part of it.
pub const COMPONENT_LABEL: &str = "app.kubernetes.io/component";
/// Who looks after it.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// The operator.
pub const MANAGED_BY: &str = "plaza-operator";

/// Selects all objects of a chat.
pub fn selector(chat: &str) -> String {
    format!("{INSTANCE_LABEL}={chat},{MANAGED_BY_LABEL}={MANAGED_BY}")
}

/// What never changes: pods are selected by it.
pub(super) fn identity(
    validated: &Validated,
    component: Option<Component>,
) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([
        (NAME_LABEL.to_owned(), "plaza".to_owned()),
        (INSTANCE_LABEL.to_owned(), validated.name.clone()),
        (MANAGED_BY_LABEL.to_owned(), MANAGED_BY.to_owned()),
    ]);
    if let Some(component) = component {
        labels.insert(COMPONENT_LABEL.to_owned(), component.name().to_owned());
    }
    labels
}

/// Selects the pods of a part.
pub(super) fn pods_of(validated: &Validated, component: Component) -> LabelSelector {
    LabelSelector {
        match_labels: Some(identity(validated, Some(component))),
        ..LabelSelector::default()
    }
}

/// Name, namespace, labels and owner of an object.
pub(super) fn metadata(
    validated: &Validated,
    name: String,
    component: Option<Component>,
) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(validated.namespace.clone()),
        labels: Some(identity(validated, component)),
        owner_references: Some(vec![owner(validated)]),
        ..ObjectMeta::default()
    }
}

fn owner(validated: &Validated) -> OwnerReference {
    OwnerReference {
        api_version: ChatDeployment::api_version(&()).into_owned(),
        kind: ChatDeployment::kind(&()).into_owned(),
        name: validated.name.clone(),
        uid: validated.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}
