//! Applying what was built: server-side, as one field manager, in the order in
//! which things need each other. What waits for something is left as it is.

mod applier;
mod databases;
mod inventory;
mod orphans;
mod replicas;
mod rollout;
mod rotation;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use kube::ResourceExt as _;

use crate::{
    api::{DatabaseConnections, Restored},
    build::Resources,
    component::Component,
    validate::Validated,
};

use super::{
    Context, ReconcileError, backups,
    diagnose::{self, Trouble},
    live,
    load::Found,
};

use applier::Applier;
pub(super) use databases::Migration;
use databases::Restore;
use inventory::Inventory;
use orphans::Expected;
use rollout::{Rollout, by_component};
pub(super) use rotation::Rotation;

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
    /// The rotation of the signing keys that was asked for last.
    pub(super) rotation: Option<Rotation>,
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
        rotation,
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
    let rotation = match (&rotation, &migration) {
        (Some(job), Migration::Done) => Some(applier.rotate(validated, job).await?),
        _ => None,
    };
    let settled = migration == Migration::Done
        && live_stores.iter().all(|(_, store)| live::is_ready(store))
        && rollout.is_over();
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
        rotation,
        restores: validated.spec.restore.is_some(),
        restored,
    })
}
