//! Removing what the spec no longer asks for: what carries the chat's labels,
//! has it as its owner, and was not built.

use std::collections::BTreeSet;

use kube::{
    Api, Resource, ResourceExt as _,
    api::DeleteParams,
    core::{ApiResource, DynamicObject, ObjectMeta},
};

use crate::build::Resources;

use super::{super::error::is_missing, Applier, ReconcileError, inventory::Key};

/// Kinds and names of everything that was built.
#[derive(Debug, Default)]
pub(super) struct Expected(BTreeSet<Key>);

impl Expected {
    pub(super) fn of(resources: &Resources) -> Self {
        let mut expected = Self::default();
        expected.add([&resources.service_account]);
        expected.add(&resources.network_policies);
        expected.add(&resources.services);
        expected.add(&resources.store_config_maps);
        expected.add(resources.stores.iter().map(|(_, store)| store));
        expected.add(&resources.restore);
        expected.add(&resources.rotation);
        expected.add([&resources.migration]);
        if let Some(backups) = &resources.backups {
            expected.add([&backups.config_map]);
            expected.add([&backups.cron_job]);
            expected.add(&backups.job);
        }
        for part in &resources.parts {
            expected.add(&part.config_map);
            expected.add(&part.secret);
            expected.add([&part.deployment]);
        }
        expected.add(&resources.disruption_budgets);
        expected.add(&resources.autoscalers);
        expected.add(&resources.ingress);
        if let Some(route) = &resources.http_route {
            expected
                .0
                .insert(("HTTPRoute".to_owned(), route.name_any()));
        }
        for (kind, monitor) in &resources.monitors {
            expected.0.insert((kind.kind.clone(), monitor.name_any()));
        }
        for secret in &resources.kept_secrets {
            expected.0.insert(("Secret".to_owned(), secret.clone()));
        }
        expected
    }

    fn add<'a, K>(&mut self, objects: impl IntoIterator<Item = &'a K>)
    where
        K: Resource<DynamicType = ()> + 'a,
    {
        for object in objects {
            self.0
                .insert((K::kind(&()).into_owned(), object.name_any()));
        }
    }
}

/// Removes what is not expected.
pub(super) async fn remove(
    applier: &Applier<'_>,
    owner: &str,
    expected: &Expected,
) -> Result<(), ReconcileError> {
    let orphans = applier
        .inventory
        .iter()
        .filter(|((kind, _), _)| !holds_data(kind))
        .filter(|(key, entry)| !expected.0.contains(*key) && is_removable(&entry.metadata, owner));
    for ((kind, name), entry) in orphans {
        tracing::info!(kind, name, "removing what is no longer asked for");
        delete(applier, &entry.resource, name).await?;
    }
    Ok(())
}

/// Backups go with the chat, if at all, and not with the field that asks for
/// them.
fn holds_data(kind: &str) -> bool {
    kind == "PersistentVolumeClaim"
}

fn is_removable(metadata: &ObjectMeta, owner: &str) -> bool {
    metadata.deletion_timestamp.is_none()
        && metadata
            .owner_references
            .iter()
            .flatten()
            .any(|reference| reference.uid == owner)
}

/// Deletes an object with what it owns.
pub(super) async fn delete(
    applier: &Applier<'_>,
    resource: &ApiResource,
    name: &str,
) -> Result<(), ReconcileError> {
    let client = applier.context.client.clone();
    let api: Api<DynamicObject> = Api::namespaced_with(client, applier.namespace, resource);
    // With its pods.
    match api.delete(name, &DeleteParams::background()).await {
        Ok(_) => Ok(()),
        Err(error) if is_missing(&error) => Ok(()),
        Err(error) => {
            let object = format!("{} {name}", resource.kind);
            Err(ReconcileError::api("delete", object)(error))
        }
    }
}
