//! What a chat has in the cluster now, by metadata alone: what need not be
//! applied again, and what is to be removed, both follow from it.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::{CronJob, Job},
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service, ServiceAccount},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, ResourceExt as _,
    api::ListParams,
    core::{ApiResource, DynamicObject, ObjectMeta},
};

use crate::{
    build::{http_route_resource, monitoring_resources, selector},
    hash,
};

use super::{super::error::is_missing, Context, ReconcileError};

/// Kind and name.
pub(super) type Key = (String, String);

/// One object that is there.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its kind, as the API server has to be asked for it.
    pub(super) resource: ApiResource,
    /// Its metadata.
    pub(super) metadata: ObjectMeta,
}

/// Each object.
#[derive(Debug, Default)]
pub(super) struct Inventory(BTreeMap<Key, Entry>);

/// A kind that a chat has objects of.
struct Kind {
    resource: ApiResource,
    /// Whether there are clusters that do not know it; there it has no objects.
    optional: bool,
}

/// Every kind that is built.
fn kinds() -> [Kind; 16] {
    let [monitors, rules] = monitoring_resources();
    let known = |resource| Kind {
        resource,
        optional: false,
    };
    let optional = |resource| Kind {
        resource,
        optional: true,
    };
    [
        known(ApiResource::erase::<ServiceAccount>(&())),
        known(ApiResource::erase::<Secret>(&())),
        known(ApiResource::erase::<NetworkPolicy>(&())),
        known(ApiResource::erase::<Service>(&())),
        known(ApiResource::erase::<ConfigMap>(&())),
        known(ApiResource::erase::<StatefulSet>(&())),
        known(ApiResource::erase::<Job>(&())),
        known(ApiResource::erase::<Deployment>(&())),
        known(ApiResource::erase::<PersistentVolumeClaim>(&())),
        known(ApiResource::erase::<CronJob>(&())),
        known(ApiResource::erase::<PodDisruptionBudget>(&())),
        known(ApiResource::erase::<HorizontalPodAutoscaler>(&())),
        known(ApiResource::erase::<Ingress>(&())),
        optional(http_route_resource()),
        optional(monitors),
        optional(rules),
    ]
}

impl Inventory {
    /// Of everything that carries the labels of a chat.
    pub(super) async fn read(
        context: &Context,
        namespace: &str,
        chat: &str,
    ) -> Result<Self, ReconcileError> {
        let parameters = ListParams::default().labels(&selector(chat));
        let mut found = Self::default();
        for Kind { resource, optional } in kinds() {
            let api: Api<DynamicObject> =
                Api::namespaced_with(context.client.clone(), namespace, &resource);
            let list = match api.list_metadata(&parameters).await {
                Ok(list) => list,
                Err(error) if optional && is_missing(&error) => continue,
                Err(error) => return Err(ReconcileError::api("list", resource.kind)(error)),
            };
            for object in list {
                let key = (resource.kind.clone(), object.name_any());
                let entry = Entry {
                    resource: resource.clone(),
                    metadata: object.metadata,
                };
                found.0.insert(key, entry);
            }
        }
        Ok(found)
    }

    /// What changes when somebody touches an object, and not when only its
    /// status does; `None`: there is no such object.
    pub(super) fn mark(&self, key: &Key) -> Option<String> {
        self.0.get(key).map(|entry| mark(&entry.metadata))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Entry)> {
        self.0.iter()
    }
}

/// As [`Inventory::mark`].
pub(super) fn mark(metadata: &ObjectMeta) -> String {
    let Some(generation) = metadata.generation else {
        return metadata.resource_version.clone().unwrap_or_default();
    };
    // A change of metadata is no new generation.
    let rest = (
        &metadata.labels,
        &metadata.annotations,
        &metadata.owner_references,
    );
    let rest = serde_json::to_vec(&rest).unwrap_or_default();
    format!("{generation}-{}", hash::checksum(&rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_what_is_asked_for() {
        let metadata = |generation: Option<i64>, version: &str, label: &str| ObjectMeta {
            generation,
            resource_version: Some(version.to_owned()),
            labels: Some([("a".to_owned(), label.to_owned())].into()),
            ..ObjectMeta::default()
        };
        let first = mark(&metadata(Some(1), "10", "x"));
        assert_eq!(first, mark(&metadata(Some(1), "11", "x")), "a status");
        assert_ne!(first, mark(&metadata(Some(2), "11", "x")));
        assert_ne!(first, mark(&metadata(Some(1), "11", "y")));
        assert_ne!(
            mark(&metadata(None, "10", "x")),
            mark(&metadata(None, "11", "x"))
        );
    }
}
