//! Writes to the namespace of one chat, as one field manager.

use std::{collections::BTreeMap, fmt::Debug};

use k8s_openapi::api::batch::v1::Job;
use kube::{
    Api, Resource, ResourceExt as _,
    api::{ListParams, Patch, PatchParams, PostParams},
    core::{ApiResource, DynamicObject, NamespaceResourceScope},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    build::{http_route_resource, selector},
    hash,
};

use super::{
    super::{Context, ReconcileError, context::FIELD_MANAGER, error::is_missing},
    Monitoring,
    inventory::{Inventory, mark},
};

/// Writes to the namespace of one chat.
pub(super) struct Applier<'a> {
    pub(super) context: &'a Context,
    pub(super) namespace: &'a str,
    pub(super) inventory: Inventory,
}

impl Applier<'_> {
    /// Makes the fields of an object what they should be; `None`: they are.
    pub(super) async fn apply<K>(&self, object: &K) -> Result<Option<K>, ReconcileError>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize,
    {
        let (kind, name) = (K::kind(&()).into_owned(), object.name_any());
        let checksum = hash::checksum(&serde_json::to_vec(object).unwrap_or_default());
        let present = self.inventory.mark(&(kind.clone(), name.clone()));
        let place = (self.namespace.to_owned(), kind, name);
        if self
            .context
            .memory
            .stands(&place, &checksum, present.as_deref())
        {
            return Ok(None);
        }
        let (_, kind, name) = &place;
        let now = self
            .context
            .api::<K>(self.namespace)
            .patch(name, &parameters(), &Patch::Apply(object))
            .await
            .map_err(ReconcileError::api("apply", format!("{kind} {name}")))?;
        let mark = mark(now.meta());
        self.context.memory.note(place, checksum, mark);
        Ok(Some(now))
    }

    /// The object after it was applied, which may be the one that is there.
    pub(super) async fn apply_or<K>(
        &self,
        object: &K,
        live: Option<&K>,
    ) -> Result<K, ReconcileError>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize,
    {
        Ok(match self.apply(object).await? {
            Some(now) => now,
            None => live.cloned().unwrap_or_else(|| object.clone()),
        })
    }

    /// Makes an object that is never written again. One that somebody made
    /// meanwhile is read by the next reconciliation.
    pub(super) async fn create<K>(&self, object: &K) -> Result<(), ReconcileError>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize,
    {
        let name = format!("{} {}", K::kind(&()), object.name_any());
        let parameters = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        self.context
            .api::<K>(self.namespace)
            .create(&parameters, object)
            .await
            .map_err(ReconcileError::api("create", name))?;
        Ok(())
    }

    /// The Job of this name, as it is.
    pub(super) async fn job(&self, name: &str) -> Result<Option<Job>, ReconcileError> {
        self.context
            .api::<Job>(self.namespace)
            .get_opt(name)
            .await
            .map_err(ReconcileError::api("read", format!("Job {name}")))
    }

    pub(super) async fn apply_all<'b, K>(
        &self,
        objects: impl IntoIterator<Item = &'b K>,
    ) -> Result<(), ReconcileError>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize
            + 'b,
    {
        for object in objects {
            self.apply(object).await?;
        }
        Ok(())
    }

    pub(super) async fn http_route(
        &self,
        route: Option<&DynamicObject>,
    ) -> Result<(), ReconcileError> {
        let Some(route) = route else {
            return Ok(());
        };
        let resource = http_route_resource();
        self.dynamic(&resource, route)
            .await
            .map_err(ReconcileError::api(
                "apply",
                format!("HTTPRoute {}", route.name_any()),
            ))
    }

    /// Applies what Prometheus' operator reads. Where the cluster does not know
    /// it, the chat is none the worse.
    pub(super) async fn monitor(
        &self,
        monitors: &[(ApiResource, DynamicObject)],
    ) -> Result<Monitoring, ReconcileError> {
        let mut unknown = Vec::new();
        for (resource, monitor) in monitors {
            let object = format!("{} {}", resource.kind, monitor.name_any());
            match self.dynamic(resource, monitor).await {
                Ok(()) => {}
                Err(error) if is_missing(&error) => unknown.push(resource.kind.clone()),
                Err(error) => return Err(ReconcileError::api("apply", object)(error)),
            }
        }
        Ok(if monitors.is_empty() {
            Monitoring::Disabled
        } else if unknown.is_empty() {
            Monitoring::Told
        } else {
            Monitoring::Unknown(unknown)
        })
    }

    /// Applies an object of a kind that no built-in type is for.
    pub(super) async fn dynamic(
        &self,
        resource: &ApiResource,
        object: &DynamicObject,
    ) -> kube::Result<()> {
        let client = self.context.client.clone();
        let api: Api<DynamicObject> = Api::namespaced_with(client, self.namespace, resource);
        let patch = Patch::Apply(object);
        api.patch(&object.name_any(), &parameters(), &patch).await?;
        Ok(())
    }

    /// All of a kind that are there, by their names.
    pub(super) async fn named<K>(&self, chat: &str) -> Result<BTreeMap<String, K>, ReconcileError>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let list = self
            .context
            .api::<K>(self.namespace)
            .list(&ListParams::default().labels(&selector(chat)))
            .await
            .map_err(ReconcileError::api("list", K::kind(&())))?;
        Ok(list
            .into_iter()
            .map(|object| (object.name_any(), object))
            .collect())
    }

    /// Whether there was such an object when the pass began.
    pub(super) fn is_there<K>(&self, object: &K) -> bool
    where
        K: Resource<DynamicType = ()>,
    {
        let key = (K::kind(&()).into_owned(), object.name_any());
        self.inventory.mark(&key).is_some()
    }
}

fn parameters() -> PatchParams {
    PatchParams::apply(FIELD_MANAGER).force()
}
