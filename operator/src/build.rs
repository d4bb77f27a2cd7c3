//! Every object of a chat, from what was validated. Pure: the same in, the same
//! out, so that applying it again changes nothing.

mod autoscaling;
mod backup;
mod centrifugo;
mod command;
mod edge;
mod labels;
mod migration;
mod monitoring;
mod network;
mod plaza;
mod pod;
mod postgres;
mod redis;
mod restore;
mod rotation;
mod s3;
mod secrets;
mod service;
mod store;

use std::collections::BTreeSet;

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::Job,
    core::v1::{ConfigMap, Secret, Service, ServiceAccount},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use kube::core::{ApiResource, DynamicObject};
use serde_json::Value;

use crate::{
    api::{ChatDeploymentSpec, ComponentSpec},
    component::Component,
    validate::Validated,
};

pub use backup::Backups;
pub use edge::http_route_resource;
pub use labels::{COMPONENT_LABEL, INSTANCE_LABEL, MANAGED_BY, MANAGED_BY_LABEL, selector};
pub use monitoring::monitoring_resources;
pub use secrets::CannotWrite;

/// Every object, in the groups and the order in which they are applied.
#[derive(Debug)]
pub struct Resources {
    /// What pods run as.
    pub service_account: ServiceAccount,
    /// Secrets that are made once; only those that are not there.
    pub new_secrets: Vec<Secret>,
    /// Names of all Secrets that are made once.
    pub kept_secrets: Vec<String>,
    /// Who may connect to what.
    pub network_policies: Vec<NetworkPolicy>,
    /// Names and addresses of the parts.
    pub services: Vec<Service>,
    /// What managed stores read at their start.
    pub store_config_maps: Vec<ConfigMap>,
    /// Managed stores.
    pub stores: Vec<(Component, StatefulSet)>,
    /// What fills the databases of a new chat.
    pub restore: Option<Job>,
    /// What brings the databases to this version's schema.
    pub migration: Job,
    /// What serves people, in the order of a rollout.
    pub parts: Vec<Part>,
    /// Backups of a managed PostgreSQL.
    pub backups: Option<Backups>,
    /// What has the next signing key sign.
    pub rotation: Option<Job>,
    /// How evictions are bounded.
    pub disruption_budgets: Vec<PodDisruptionBudget>,
    /// What chooses the number of pods.
    pub autoscalers: Vec<HorizontalPodAutoscaler>,
    /// The way in by an Ingress.
    pub ingress: Option<Ingress>,
    /// The way in by the Gateway API.
    pub http_route: Option<DynamicObject>,
    /// What Prometheus' operator reads, with the kinds.
    pub monitors: Vec<(ApiResource, DynamicObject)>,
}

impl Resources {
    /// Every object as JSON, for who looks at all of them.
    ///
    /// # Errors
    /// What cannot be written as JSON.
    pub fn objects(self) -> serde_json::Result<Vec<Value>> {
        // Without a rest: a new kind cannot be forgotten.
        let Self {
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
        } = self;
        let mut all = Objects::default();
        all.add([service_account])?;
        all.add(new_secrets)?;
        all.add(network_policies)?;
        all.add(services)?;
        all.add(store_config_maps)?;
        all.add(stores.into_iter().map(|(_, store)| store))?;
        all.add(restore.into_iter().chain([migration]).chain(rotation))?;
        for part in parts {
            all.add(part.config_map)?;
            all.add(part.secret)?;
            all.add([part.deployment])?;
        }
        if let Some(backups) = backups {
            all.add([backups.config_map])?;
            all.add([backups.claim])?;
            all.add([backups.cron_job])?;
            all.add(backups.job)?;
        }
        all.add(disruption_budgets)?;
        all.add(autoscalers)?;
        all.add(ingress)?;
        all.add(http_route)?;
        all.add(monitors.into_iter().map(|(_, monitor)| monitor))?;
        Ok(all.0)
    }
}

#[derive(Default)]
struct Objects(Vec<Value>);

impl Objects {
    fn add(
        &mut self,
        objects: impl IntoIterator<Item: serde::Serialize>,
    ) -> serde_json::Result<()> {
        for object in objects {
            self.0.push(serde_json::to_value(object)?);
        }
        Ok(())
    }
}

/// One part, with what it reads.
#[derive(Debug)]
pub struct Part {
    /// Which.
    pub component: Component,
    /// Its settings.
    pub config_map: Option<ConfigMap>,
    /// Its settings, where they hold secrets.
    pub secret: Option<Secret>,
    /// Its pods.
    pub deployment: Deployment,
}

/// Builds all of it.
///
/// # Errors
/// [`CannotWrite`], when a file cannot be put into words.
pub fn build(validated: &Validated) -> Result<Resources, CannotWrite> {
    let parts = validated
        .components()
        .map(|component| match component {
            Component::Centrifugo => centrifugo::part(validated),
            other => Ok(plaza::part(validated, other)),
        })
        .collect::<Result<Vec<Part>, _>>()?;
    let mut stores = Vec::new();
    let mut store_config_maps = Vec::new();
    if let Some(managed) = &validated.spec.postgres.managed {
        let (config_map, store) = postgres::store(validated, managed);
        store_config_maps.push(config_map);
        stores.push((Component::Postgres, store));
    }
    if let Some(managed) = validated.managed_redis() {
        let (config_map, store) = redis::store(validated, managed);
        store_config_maps.push(config_map);
        stores.push((Component::Redis, store));
    }
    let restore = validated.spec.restore.as_ref().map(|spec| {
        let (config_map, job) = restore::restore(validated, spec);
        store_config_maps.push(config_map);
        job
    });
    let (new_secrets, kept_secrets) = secrets::made_once(validated);
    Ok(Resources {
        service_account: pod::service_account(validated),
        new_secrets,
        kept_secrets,
        network_policies: network::policies(validated),
        services: service::services(validated),
        store_config_maps,
        stores,
        restore,
        migration: migration::job(validated),
        parts,
        backups: validated
            .spec
            .backup
            .as_ref()
            .map(|spec| backup::backups(validated, spec)),
        rotation: rotation::job(validated),
        disruption_budgets: autoscaling::budgets(validated),
        autoscalers: autoscaling::autoscalers(validated),
        ingress: edge::ingress(validated),
        http_route: edge::http_route(validated),
        monitors: monitoring::monitors(validated)?,
    })
}

/// What the spec says of a part that serves people.
pub(crate) fn component_spec(spec: &ChatDeploymentSpec, component: Component) -> ComponentSpec {
    match component {
        Component::Gateway => spec.gateway.clone(),
        Component::Auth => spec.auth.clone(),
        Component::Rooms => spec.rooms.clone(),
        Component::Messages => spec.messages.clone(),
        Component::Publisher => spec.publisher.as_component(),
        Component::Centrifugo => spec.centrifugo.as_component(),
        Component::Postgres
        | Component::Redis
        | Component::Migrate
        | Component::Backup
        | Component::Restore
        | Component::RotateKeys => ComponentSpec::default(),
    }
}

/// Names of the variables that the operator sets itself.
pub(crate) fn variables(validated: &Validated, component: Component) -> BTreeSet<String> {
    match component {
        Component::Centrifugo => BTreeSet::new(),
        other => plaza::settings(validated, other)
            .into_keys()
            .map(str::to_owned)
            .collect(),
    }
}

#[cfg(test)]
mod tests;
