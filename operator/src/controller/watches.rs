//! What the controller watches: chats, everything that they own, and the
//! Secrets that they name.

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::{CronJob, Job},
    core::v1::{ConfigMap, Secret, Service, ServiceAccount},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    ResourceExt as _,
    api::ListParams,
    core::PartialObjectMeta,
    runtime::{
        Controller,
        controller::Config,
        reflector::{ObjectRef, Store},
        watcher,
    },
};

use crate::{
    api::ChatDeployment,
    build::{COMPONENT_LABEL, INSTANCE_LABEL, MANAGED_BY, MANAGED_BY_LABEL},
    component::Component,
    validate::named_secrets,
};

use super::Context;

/// Several changes at once are one reconciliation.
const DEBOUNCE: std::time::Duration = std::time::Duration::from_millis(300);
/// Chats that are reconciled at the same time.
const CONCURRENCY: u16 = 8;

/// The cluster does not let the operator begin.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot list ChatDeployments: is the CRD installed (k8s/crds), and has the operator its role?"
)]
pub struct WatchError(#[source] Box<kube::Error>);

/// Whether chats can be watched at all: the controller itself would try for
/// ever.
///
/// # Errors
/// [`WatchError`].
pub async fn check(context: &Context) -> Result<(), WatchError> {
    context
        .watched::<ChatDeployment>()
        .list(&ListParams::default().limit(1))
        .await
        .map(|_| ())
        .map_err(|error| WatchError(Box::new(error)))
}

/// The controller with all its watches, of which only metadata is kept.
pub fn controller(context: &Context) -> Controller<ChatDeployment> {
    let any = watcher::Config::default();
    let ours = watcher::Config::default().labels(&format!("{MANAGED_BY_LABEL}={MANAGED_BY}"));
    let backups = watcher::Config::default().labels(&format!(
        "{MANAGED_BY_LABEL}={MANAGED_BY},{COMPONENT_LABEL}={}",
        Component::Backup
    ));
    let controller = Controller::new(context.watched::<ChatDeployment>(), any.clone());
    let chats = controller.store();
    controller
        .with_config(
            Config::default()
                .debounce(DEBOUNCE)
                .concurrency(CONCURRENCY),
        )
        .owns(context.watched::<Deployment>(), ours.clone())
        .owns(context.watched::<StatefulSet>(), ours.clone())
        .owns(context.watched::<Job>(), ours.clone())
        .owns(context.watched::<CronJob>(), ours.clone())
        .owns(context.watched::<ConfigMap>(), ours.clone())
        .owns(context.watched::<Service>(), ours.clone())
        .owns(context.watched::<ServiceAccount>(), ours.clone())
        .owns(context.watched::<NetworkPolicy>(), ours.clone())
        .owns(context.watched::<Ingress>(), ours.clone())
        .owns(context.watched::<PodDisruptionBudget>(), ours.clone())
        .owns(context.watched::<HorizontalPodAutoscaler>(), ours)
        // Those that a CronJob makes belong to that.
        .watches(
            context.watched::<PartialObjectMeta<Job>>(),
            backups,
            |job| whose(&job),
        )
        // Those that it made, and those that specs name.
        .watches(
            context.watched::<PartialObjectMeta<Secret>>(),
            any,
            move |secret| who_names(&chats, &secret),
        )
}

/// The chat that an object's labels name.
fn whose(job: &PartialObjectMeta<Job>) -> Option<ObjectRef<ChatDeployment>> {
    let chat = job.labels().get(INSTANCE_LABEL)?;
    Some(ObjectRef::new(chat).within(&job.namespace()?))
}

fn who_names(
    chats: &Store<ChatDeployment>,
    secret: &PartialObjectMeta<Secret>,
) -> Vec<ObjectRef<ChatDeployment>> {
    chats
        .state()
        .into_iter()
        .filter(|chat| {
            chat.namespace() == secret.namespace()
                && (named_secrets(&chat.name_any(), &chat.spec).contains(&secret.name_any())
                    || secret
                        .owner_references()
                        .iter()
                        .any(|owner| Some(&owner.uid) == chat.metadata.uid.as_ref()))
        })
        .map(|chat| ObjectRef::from_obj(chat.as_ref()))
        .collect()
}
