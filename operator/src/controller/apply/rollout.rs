//! The order in which the parts are replaced.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};

use crate::{build::Part, component::Component};

use super::{
    super::{ReconcileError, live},
    applier::Applier,
    replicas,
};

/// What serves people, and which of it the rest waits for.
pub(super) struct Rollout {
    pub(super) parts: Vec<(Component, Option<Deployment>)>,
    pub(super) waits_for: Option<Component>,
}

impl Rollout {
    /// Whether every part is as it is to be.
    pub(super) fn is_over(&self) -> bool {
        self.parts
            .iter()
            .all(|(_, part)| part.as_ref().is_some_and(live::is_rolled_out))
    }

    /// One that has not begun.
    pub(super) fn as_before(parts: &[Part], before: &BTreeMap<Component, Deployment>) -> Self {
        let parts = parts
            .iter()
            .map(|part| (part.component, before.get(&part.component).cloned()));
        Self {
            parts: parts.collect(),
            waits_for: None,
        }
    }
}

/// The Deployments of a chat, by what they are for.
pub(super) fn by_component(
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

impl Applier<'_> {
    /// Applies the parts in their order. One with another image waits until
    /// those before it are rolled out.
    pub(super) async fn roll_out(
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
}
