//! What a managed PostgreSQL and a managed Redis have in common: one pod with
//! a volume.

use k8s_openapi::api::{
    apps::v1::{StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec},
    core::v1::{
        ConfigMap, ConfigMapVolumeSource, PersistentVolumeClaim, PersistentVolumeClaimSpec,
        PodTemplateSpec, Probe, TCPSocketAction, Volume, VolumeResourceRequirements,
    },
};
use k8s_openapi::apimachinery::pkg::{api::resource::Quantity, util::intstr::IntOrString};
use kube::core::ObjectMeta;

use crate::{api::Storage, component::Component, validate::Validated};

use super::labels;

/// The volume's name; its claim is called so before the pod's name.
pub(super) const VOLUME: &str = "data";
/// Where the start script is.
pub(super) const SCRIPT_FOLDER: &str = "/etc/plaza/start";
/// Its file.
const SCRIPT: &str = "start.sh";
/// The volume with the script.
pub(super) const SCRIPT_VOLUME: &str = "start";

/// The command of the container.
pub(super) fn command() -> Vec<String> {
    vec!["/bin/sh".to_owned(), format!("{SCRIPT_FOLDER}/{SCRIPT}")]
}

/// How often a probe is asked (s), and how many failures in a row count. What it
/// asks is not in it.
pub(super) fn probe(period: i32, failures: i32) -> Probe {
    Probe {
        period_seconds: Some(period),
        timeout_seconds: Some(5),
        failure_threshold: Some(failures),
        ..Probe::default()
    }
}

/// What a probe asks to know whether the server's port is open.
pub(super) fn listens(component: Component) -> Option<TCPSocketAction> {
    component.api_port().map(|(name, _)| TCPSocketAction {
        port: IntOrString::String(name.to_owned()),
        ..TCPSocketAction::default()
    })
}

/// The script as a ConfigMap, and that as a volume.
pub(super) fn script(
    validated: &Validated,
    component: Component,
    text: &str,
) -> (ConfigMap, Volume) {
    let name = component.of(&validated.name);
    let config_map = ConfigMap {
        metadata: labels::metadata(validated, name.clone(), Some(component)),
        data: Some([(SCRIPT.to_owned(), text.to_owned())].into()),
        ..ConfigMap::default()
    };
    let volume = Volume {
        name: SCRIPT_VOLUME.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name,
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    };
    (config_map, volume)
}

/// The StatefulSet.
pub(super) fn stateful_set(
    validated: &Validated,
    component: Component,
    storage: &Storage,
    template: PodTemplateSpec,
) -> StatefulSet {
    let name = component.of(&validated.name);
    StatefulSet {
        metadata: labels::metadata(validated, name.clone(), Some(component)),
        spec: Some(StatefulSetSpec {
            replicas: Some(i32::from(!validated.spec.hibernated)),
            service_name: Some(name),
            selector: labels::pods_of(validated, component),
            template,
            persistent_volume_claim_retention_policy: Some(
                StatefulSetPersistentVolumeClaimRetentionPolicy {
                    when_deleted: Some(storage.retention.name().to_owned()),
                    when_scaled: Some("Retain".to_owned()),
                },
            ),
            volume_claim_templates: Some(vec![PersistentVolumeClaim {
                metadata: ObjectMeta {
                    name: Some(VOLUME.to_owned()),
                    labels: Some(labels::identity(validated, Some(component))),
                    ..ObjectMeta::default()
                },
                spec: Some(PersistentVolumeClaimSpec {
                    access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
                    storage_class_name: storage.storage_class_name.clone(),
                    resources: Some(VolumeResourceRequirements {
                        requests: Some(
                            [("storage".to_owned(), Quantity(storage.size.clone()))].into(),
                        ),
                        limits: None,
                    }),
                    ..PersistentVolumeClaimSpec::default()
                }),
                ..PersistentVolumeClaim::default()
            }]),
            ..StatefulSetSpec::default()
        }),
        status: None,
    }
}
