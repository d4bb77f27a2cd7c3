//! Applying what was built: server-side, as one field manager, in the order in
//! which things need each other. What waits for something is left as it is.

mod inventory;
mod orphans;
mod replicas;

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    batch::v1::Job,
    core::v1::{PersistentVolumeClaim, Secret},
};
use kube::{
    Api, Resource, ResourceExt as _,
    api::{ListParams, Patch, PatchParams, PostParams},
    core::{ApiResource, DynamicObject, NamespaceResourceScope},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    api::{DatabaseConnections, Restored},
    build::{Backups, COMPONENT_LABEL, Part, Resources, http_route_resource, selector},
    component::Component,
    hash,
    validate::Validated,
};

use super::{
    Context, ReconcileError, backups,
    context::FIELD_MANAGER,
    diagnose::{self, Trouble},
    error::is_missing,
    live,
    load::Found,
};

use inventory::{Inventory, mark};
use orphans::Expected;

/// Where the migration stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Migration {
    /// It waits for the managed PostgreSQL.
    WaitsForStore,
    /// It waits until this Job has filled the databases from a backup.
    Restores(String),
    /// That could not be done.
    RestoreFailed {
        /// The Job.
        job: String,
        /// Why Kubernetes gave it up.
        why: String,
    },
    /// It runs.
    Runs(String),
    /// It is done.
    Done,
    /// It failed.
    Failed {
        /// The Job.
        job: String,
        /// Why Kubernetes gave it up.
        why: String,
    },
    /// Nothing runs: there is nothing to migrate for.
    Hibernated,
}

/// Whether Prometheus is told of a chat.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Monitoring {
    /// Nobody asked for it.
    Disabled,
    /// Its operator has what it needs.
    Told,
    /// The cluster does not know these kinds.
    Unknown(Vec<String>),
}

impl Migration {
    /// Whether somebody has to do something before it goes on.
    pub(super) fn has_failed(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::RestoreFailed { .. })
    }
}

/// What is there after the objects were applied.
#[derive(Debug)]
pub(super) struct Applied {
    /// The version that was asked for.
    pub(super) version: String,
    /// Where people open it.
    pub(super) endpoint: String,
    /// How the database's connections are divided.
    pub(super) connections: DatabaseConnections,
    /// Whether changes are to be pushed.
    pub(super) realtime: bool,
    /// Whether nothing is to run.
    pub(super) hibernated: bool,
    /// What the metrics of its pods told.
    pub(super) load: Found,
    /// Managed stores.
    pub(super) stores: Vec<(Component, StatefulSet)>,
    /// The migration.
    pub(super) migration: Migration,
    /// What serves people, as far as it is there.
    pub(super) parts: Vec<(Component, Option<Deployment>)>,
    /// The part whose rollout the others wait for.
    pub(super) waits_for: Option<Component>,
    /// Whether Prometheus is told of it.
    pub(super) monitoring: Monitoring,
    /// What keeps pods from being ready.
    pub(super) troubles: Vec<Trouble>,
    /// What is known of its backups; `None`: none are made.
    pub(super) backups: Option<backups::Found>,
    /// Whether it is to begin with a backup.
    pub(super) restores: bool,
    /// The backup that it has begun with.
    pub(super) restored: Option<Restored>,
}

/// Applies everything that may be applied now.
pub(super) async fn apply(
    validated: &Validated,
    resources: Resources,
    load: Found,
    context: &Context,
) -> Result<Applied, ReconcileError> {
    let applier = Applier {
        context,
        namespace: &validated.namespace,
        inventory: Inventory::read(context, &validated.namespace, &validated.name).await?,
    };
    let expected = Expected::of(&resources);
    // Without a rest: a new kind cannot be forgotten.
    let Resources {
        service_account,
        new_secrets,
        kept_secrets: _,
        network_policies,
        services,
        store_config_maps,
        stores,
        restore,
        migration,
        parts,
        backups,
        disruption_budgets,
        autoscalers,
        ingress,
        http_route,
        monitors,
    } = resources;

    applier.apply(&service_account).await?;
    for secret in &new_secrets {
        applier.create(secret).await?;
    }
    applier.apply_all(&network_policies).await?;
    applier.apply_all(&services).await?;
    applier.apply_all(&store_config_maps).await?;
    let stores_before = applier.named::<StatefulSet>(&validated.name).await?;
    let mut live_stores = Vec::new();
    for (component, store) in stores {
        let live = stores_before.get(&store.name_any());
        let now = applier.apply_or(&store, live).await?;
        live_stores.push((component, now));
    }
    let restore = applier
        .restore(validated, restore.as_ref(), &live_stores)
        .await?;
    let (migration, restored) = match restore {
        Restore::Waits(why) => (why, None),
        Restore::Over(restored) => {
            let migration = applier.migrate(validated, &migration, &live_stores).await?;
            (migration, restored)
        }
    };
    let before = applier.named::<Deployment>(&validated.name).await?;
    let before = by_component(before, &validated.name);
    let rollout = if matches!(migration, Migration::Done | Migration::Hibernated) {
        let rollout = applier.roll_out(parts, &before, &live_stores).await?;
        applier.apply_all(&disruption_budgets).await?;
        applier.apply_all(&autoscalers).await?;
        applier.apply_all(&ingress).await?;
        applier.http_route(http_route.as_ref()).await?;
        if let Some(backups) = &backups {
            applier.back_up(backups).await?;
        }
        orphans::remove(&applier, &validated.uid, &expected).await?;
        rollout
    } else {
        Rollout::as_before(&parts, &before)
    };
    let monitoring = applier.monitor(&monitors).await?;
    let settled = migration == Migration::Done
        && live_stores.iter().all(|(_, store)| live::is_ready(store))
        && rollout
            .parts
            .iter()
            .all(|(_, part)| part.as_ref().is_some_and(live::is_rolled_out));
    let troubles = if settled || validated.spec.hibernated {
        Vec::new()
    } else {
        diagnose::troubles(context, &validated.namespace, &validated.name).await?
    };
    Ok(Applied {
        version: validated.version.to_string(),
        endpoint: validated.spec.endpoint(),
        connections: validated.connections.clone(),
        realtime: validated.realtime(),
        hibernated: validated.spec.hibernated,
        load,
        stores: live_stores,
        migration,
        parts: rollout.parts,
        waits_for: rollout.waits_for,
        monitoring,
        troubles,
        backups: backups::look(context, validated).await?,
        restores: validated.spec.restore.is_some(),
        restored,
    })
}

/// Whether the databases may be migrated.
enum Restore {
    /// They are not what they are to be yet.
    Waits(Migration),
    /// They may; and what they began with.
    Over(Option<Restored>),
}

/// What serves people, and which of it the rest waits for.
struct Rollout {
    parts: Vec<(Component, Option<Deployment>)>,
    waits_for: Option<Component>,
}

impl Rollout {
    /// One that has not begun.
    fn as_before(parts: &[Part], before: &BTreeMap<Component, Deployment>) -> Self {
        let parts = parts
            .iter()
            .map(|part| (part.component, before.get(&part.component).cloned()));
        Self {
            parts: parts.collect(),
            waits_for: None,
        }
    }
}

fn by_component(
    mut found: BTreeMap<String, Deployment>,
    chat: &str,
) -> BTreeMap<Component, Deployment> {
    Component::ROLLOUT
        .into_iter()
        .filter_map(|component| Some((component, found.remove(&component.of(chat))?)))
        .collect()
}

fn is_other_image(live: Option<&Deployment>, wanted: &Deployment) -> bool {
    live.is_some_and(|live| live::image(live) != live::image(wanted))
}

/// Whether a Deployment has no pods, and is to have some.
fn would_start(live: Option<&Deployment>, wanted: &Deployment) -> bool {
    let none = |one: &Deployment| one.spec.as_ref().and_then(|spec| spec.replicas) == Some(0);
    live.is_none_or(none) && !none(wanted)
}

fn parameters() -> PatchParams {
    PatchParams::apply(FIELD_MANAGER).force()
}

/// Writes to the namespace of one chat.
struct Applier<'a> {
    context: &'a Context,
    namespace: &'a str,
    inventory: Inventory,
}

impl Applier<'_> {
    /// Makes the fields of an object what they should be; `None`: they are.
    async fn apply<K>(&self, object: &K) -> Result<Option<K>, ReconcileError>
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
    async fn apply_or<K>(&self, object: &K, live: Option<&K>) -> Result<K, ReconcileError>
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
    async fn create(&self, secret: &Secret) -> Result<(), ReconcileError> {
        let name = secret.name_any();
        self.context
            .api::<Secret>(self.namespace)
            .create(&post_parameters(), secret)
            .await
            .map_err(ReconcileError::api("create", format!("Secret {name}")))?;
        Ok(())
    }

    async fn apply_all<'b, K>(
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

    async fn http_route(&self, route: Option<&DynamicObject>) -> Result<(), ReconcileError> {
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
    async fn monitor(
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
    async fn dynamic(&self, resource: &ApiResource, object: &DynamicObject) -> kube::Result<()> {
        let client = self.context.client.clone();
        let api: Api<DynamicObject> = Api::namespaced_with(client, self.namespace, resource);
        let patch = Patch::Apply(object);
        api.patch(&object.name_any(), &parameters(), &patch).await?;
        Ok(())
    }

    /// Applies the parts in their order. One with another image waits until
    /// those before it are rolled out.
    async fn roll_out(
        &self,
        parts: Vec<Part>,
        before: &BTreeMap<Component, Deployment>,
        stores: &[(Component, StatefulSet)],
    ) -> Result<Rollout, ReconcileError> {
        let redis_ready = stores
            .iter()
            .filter(|(component, _)| *component == Component::Redis)
            .all(|(_, store)| live::is_ready(store));
        let mut rollout = Rollout {
            parts: Vec::new(),
            waits_for: None,
        };
        for part in parts {
            let component = part.component;
            let live = before.get(&component);
            let held = rollout.waits_for.is_some() && is_other_image(live, &part.deployment)
                // It ends when Redis is away at its start.
                || component == Component::Centrifugo
                    && !redis_ready
                    && would_start(live, &part.deployment);
            if held {
                rollout.parts.push((component, live.cloned()));
                continue;
            }
            let now = self.part(part, live).await?;
            if rollout.waits_for.is_none() && !live::is_rolled_out(&now) {
                rollout.waits_for = Some(component);
            }
            rollout.parts.push((component, Some(now)));
        }
        Ok(rollout)
    }

    /// All of a kind that are there, by their names.
    async fn named<K>(&self, chat: &str) -> Result<BTreeMap<String, K>, ReconcileError>
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

    async fn part(
        &self,
        part: Part,
        live: Option<&Deployment>,
    ) -> Result<Deployment, ReconcileError> {
        if let Some(config_map) = &part.config_map {
            self.apply(config_map).await?;
        }
        if let Some(secret) = &part.secret {
            self.apply(secret).await?;
        }
        if let Some(live) = live {
            replicas::hand_over(self, live, &part.deployment).await?;
        }
        self.apply_or(&part.deployment, live).await
    }

    /// Fills the databases of a new chat from a backup, if it is to have one.
    async fn restore(
        &self,
        validated: &Validated,
        job: Option<&Job>,
        stores: &[(Component, StatefulSet)],
    ) -> Result<Restore, ReconcileError> {
        let (Some(job), Some(spec), false, None) = (
            job,
            &validated.spec.restore,
            validated.has_run,
            &validated.restored,
        ) else {
            return Ok(Restore::Over(validated.restored.clone()));
        };
        let name = job.name_any();
        let api = self.context.api::<Job>(self.namespace);
        let found = api
            .get_opt(&name)
            .await
            .map_err(ReconcileError::api("read", format!("Job {name}")))?;
        let hibernated = validated.spec.hibernated;
        match found.as_ref().map(live::job_end) {
            Some(Some(Ok(()))) => {
                let component = Component::Restore;
                let pods =
                    backups::pods(self.context, self.namespace, &validated.name, component).await?;
                let told = backups::told(&pods, &name);
                Ok(Restore::Over(Some(Restored {
                    claim_name: spec.claim_name.clone(),
                    backup: told.unwrap_or_else(|| spec.backup.clone()),
                })))
            }
            _ if hibernated => Ok(Restore::Waits(Migration::Hibernated)),
            Some(Some(Err(why))) => Ok(Restore::Waits(Migration::RestoreFailed { job: name, why })),
            Some(None) => Ok(Restore::Waits(Migration::Restores(name))),
            None if waits_for_postgres(stores) => Ok(Restore::Waits(Migration::WaitsForStore)),
            None => {
                self.remove_jobs_of(Component::Restore).await?;
                self.begin(job).await?;
                Ok(Restore::Waits(Migration::Restores(name)))
            }
        }
    }

    /// The volume and the schedule of backups, and the one that was asked for.
    async fn back_up(&self, backups: &Backups) -> Result<(), ReconcileError> {
        let Backups {
            config_map,
            claim,
            cron_job,
            job,
        } = backups;
        self.apply(config_map).await?;
        if !self.is_there(claim) {
            let name = claim.name_any();
            self.context
                .api::<PersistentVolumeClaim>(self.namespace)
                .create(&post_parameters(), claim)
                .await
                .map_err(ReconcileError::api(
                    "create",
                    format!("PersistentVolumeClaim {name}"),
                ))?;
        }
        self.apply(cron_job).await?;
        match job {
            Some(job) if !self.is_there(job) => self.begin(job).await,
            _ => Ok(()),
        }
    }

    /// Whether there was such an object when the pass began.
    fn is_there<K>(&self, object: &K) -> bool
    where
        K: Resource<DynamicType = ()>,
    {
        let key = (K::kind(&()).into_owned(), object.name_any());
        self.inventory.mark(&key).is_some()
    }

    /// Removes the Jobs of something that was asked for in other words.
    async fn remove_jobs_of(&self, component: Component) -> Result<(), ReconcileError> {
        for ((kind, name), entry) in self.inventory.iter() {
            let labels = entry.metadata.labels.as_ref();
            let of = labels.and_then(|labels| labels.get(COMPONENT_LABEL));
            if kind == "Job" && of.is_some_and(|of| of == component.name()) {
                orphans::delete(self, &entry.resource, name).await?;
            }
        }
        Ok(())
    }

    /// Makes a Job. It is never applied: its template cannot change.
    async fn begin(&self, job: &Job) -> Result<(), ReconcileError> {
        let name = job.name_any();
        self.context
            .api::<Job>(self.namespace)
            .create(&post_parameters(), job)
            .await
            .map_err(ReconcileError::api("create", format!("Job {name}")))?;
        Ok(())
    }

    /// Runs the migration when it has not run, and when there is a database.
    async fn migrate(
        &self,
        validated: &Validated,
        job: &Job,
        stores: &[(Component, StatefulSet)],
    ) -> Result<Migration, ReconcileError> {
        let name = job.name_any();
        let api = self.context.api::<Job>(self.namespace);
        let found = api
            .get_opt(&name)
            .await
            .map_err(ReconcileError::api("read", format!("Job {name}")))?;
        if let Some(found) = found {
            return Ok(match live::job_end(&found) {
                Some(Ok(())) => Migration::Done,
                Some(Err(why)) if !validated.spec.hibernated => {
                    Migration::Failed { job: name, why }
                }
                _ if validated.spec.hibernated => Migration::Hibernated,
                _ => Migration::Runs(name),
            });
        }
        if validated.spec.hibernated {
            return Ok(Migration::Hibernated);
        }
        if waits_for_postgres(stores) {
            return Ok(Migration::WaitsForStore);
        }
        self.begin(job).await?;
        Ok(Migration::Runs(name))
    }
}

fn waits_for_postgres(stores: &[(Component, StatefulSet)]) -> bool {
    stores
        .iter()
        .any(|(component, store)| *component == Component::Postgres && !live::is_ready(store))
}

fn post_parameters() -> PostParams {
    PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    }
}
