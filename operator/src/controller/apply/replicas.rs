//! Handing the number of pods over to an autoscaler.

use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    ResourceExt as _,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::{super::context::FIELD_MANAGER, Applier, ReconcileError};

/// Who keeps the number between the operator and the autoscaler.
const KEEPER: &str = "plaza-operator-autoscaling";

/// When the number is no longer ours to say, somebody else has to own the
/// field first: with its last owner it would be gone, and there would be one
/// pod until the autoscaler looks again.
pub(super) async fn hand_over(
    applier: &Applier<'_>,
    live: &Deployment,
    wanted: &Deployment,
) -> Result<(), ReconcileError> {
    let wanted_number = wanted.spec.as_ref().and_then(|spec| spec.replicas);
    let number = live.spec.as_ref().and_then(|spec| spec.replicas);
    let (None, Some(number)) = (wanted_number, number) else {
        return Ok(());
    };
    if !is_ours(live) {
        return Ok(());
    }
    let name = live.name_any();
    let keep = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        // One that was hibernated begins with one.
        "spec": {"replicas": number.max(1)},
    });
    applier
        .context
        .api::<Deployment>(applier.namespace)
        .patch(
            &name,
            &PatchParams::apply(KEEPER).force(),
            &Patch::Apply(keep),
        )
        .await
        .map_err(ReconcileError::api("apply", format!("Deployment {name}")))?;
    Ok(())
}

/// Whether the operator has said the number.
fn is_ours(live: &Deployment) -> bool {
    live.managed_fields()
        .iter()
        .filter(|entry| entry.manager.as_deref() == Some(FIELD_MANAGER))
        .filter_map(|entry| entry.fields_v1.as_ref())
        .any(|fields| fields.0.pointer("/f:spec/f:replicas").is_some())
}
