//! What all pods have in common: no rights, a read-only root, and marks of what
//! they read, so that they start again when it changes, and only then.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        Capabilities, Container, ContainerPort, EmptyDirVolumeSource, EnvVar, HTTPGetAction,
        KeyToPath, LocalObjectReference, PodSecurityContext, PodSpec, PodTemplateSpec, Probe,
        ProjectedVolumeSource, ResourceRequirements, SeccompProfile, SecretProjection,
        SecurityContext, ServiceAccount, Toleration, TopologySpreadConstraint, Volume, VolumeMount,
        VolumeProjection,
    },
    apimachinery::pkg::{api::resource::Quantity, util::intstr::IntOrString},
};
use kube::core::ObjectMeta;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    api::{self, Resources, Scheduling},
    component::Component,
    hash,
    validate::{Keys, Validated},
};

use super::labels;

/// Changes with the settings that a pod reads.
pub(super) const CONFIG_CHECKSUM: &str = "plaza.dev/config-checksum";
/// Changes with the secrets that a pod reads.
pub(super) const SECRETS_CHECKSUM: &str = "plaza.dev/secrets-checksum";
/// Characters of a Job's name that tell what it runs from what others do.
const JOB_HASH: usize = 10;
/// Where secrets are as files.
pub(super) const SECRETS_FOLDER: &str = "/etc/plaza/secrets";
/// The user of Plaza's own image, and of Centrifugo's.
pub(super) const USER: i64 = 65_532;
/// Files of secrets are the group's to read: the pod's user is in it.
const SECRET_MODE: i32 = 0o440;

/// A key of a Secret as a file.
#[derive(Debug, Clone)]
pub(super) struct SecretFile {
    pub(super) secret: String,
    pub(super) key: String,
    /// Its name in the folder.
    pub(super) file: &'static str,
}

/// What differs between pods.
pub(super) struct Pod<'a> {
    pub(super) component: Component,
    pub(super) container: Container,
    pub(super) user: i64,
    pub(super) scheduling: &'a Scheduling,
    pub(super) volumes: Vec<Volume>,
    /// Files in [`SECRETS_FOLDER`].
    pub(super) secrets: Vec<SecretFile>,
    /// Further folders of files from Secrets.
    pub(super) more_secrets: Vec<(&'static str, SecretFile)>,
    /// Everything else that it reads at its start, put into words.
    pub(super) config: Option<String>,
    /// A file of [`SECRETS_FOLDER`] that is made of secrets.
    pub(super) made_of_secrets: Option<SecretString>,
    pub(super) grace_seconds: i64,
}

/// The account that pods run as, which may do nothing.
pub(super) fn service_account(validated: &Validated) -> ServiceAccount {
    ServiceAccount {
        metadata: labels::metadata(validated, validated.name.clone(), None),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}

/// The template of a part's pods.
pub(super) fn template(validated: &Validated, pod: Pod<'_>) -> PodTemplateSpec {
    let mut annotations = BTreeMap::new();
    if let Some(config) = &pod.config {
        annotations.insert(
            CONFIG_CHECKSUM.to_owned(),
            hash::checksum(config.as_bytes()),
        );
    }
    let files: Vec<&SecretFile> = pod
        .secrets
        .iter()
        .chain(pod.more_secrets.iter().map(|(_, file)| file))
        .collect();
    if !files.is_empty() {
        annotations.insert(
            SECRETS_CHECKSUM.to_owned(),
            secrets_checksum(validated, &files, pod.made_of_secrets.as_ref()),
        );
    }
    let mut container = pod.container;
    let mut volumes = pod.volumes;
    let mut mounts = container.volume_mounts.take().unwrap_or_default();
    if !pod.secrets.is_empty() {
        volumes.push(projected("secrets", &pod.secrets));
        mounts.push(mount("secrets", SECRETS_FOLDER));
    }
    for (folder, file) in &pod.more_secrets {
        let name = folder.rsplit('/').next().unwrap_or(folder);
        volumes.push(projected(name, std::slice::from_ref(file)));
        mounts.push(mount(name, folder));
    }
    container.volume_mounts = (!mounts.is_empty()).then_some(mounts);
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels::identity(validated, Some(pod.component))),
            annotations: (!annotations.is_empty()).then_some(annotations),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            containers: vec![restricted(validated, container)],
            volumes: (!volumes.is_empty()).then_some(volumes),
            security_context: Some(pod_security(pod.user)),
            service_account_name: Some(validated.name.clone()),
            automount_service_account_token: Some(false),
            enable_service_links: Some(false),
            termination_grace_period_seconds: Some(pod.grace_seconds),
            image_pull_secrets: pull_secrets(validated),
            topology_spread_constraints: spread(validated, pod.component),
            node_selector: (!pod.scheduling.node_selector.is_empty())
                .then(|| pod.scheduling.node_selector.clone()),
            tolerations: tolerations(pod.scheduling),
            priority_class_name: pod.scheduling.priority_class_name.clone(),
            ..PodSpec::default()
        }),
    }
}

/// The name of a Job that says what it is of.
pub(super) fn job_name(validated: &Validated, component: Component, of: &[u8]) -> String {
    let hash = hash::checksum(of);
    format!("{}-{}", component.of(&validated.name), &hash[..JOB_HASH])
}

/// A pod of a Job: it is not started again in place, and no mark of a secret
/// makes another Job of it.
pub(super) fn once(template: &mut PodTemplateSpec) {
    if let Some(spec) = &mut template.spec {
        spec.restart_policy = Some("Never".to_owned());
    }
    if let Some(metadata) = &mut template.metadata {
        metadata.annotations = None;
    }
}

/// A container without rights, whose last words are kept.
pub(super) fn restricted(validated: &Validated, container: Container) -> Container {
    Container {
        security_context: Some(container_security()),
        image_pull_policy: Some(validated.spec.image.pull_policy.name().to_owned()),
        // What the status tells people when it ended.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..container
    }
}

fn secrets_checksum(
    validated: &Validated,
    files: &[&SecretFile],
    made_of_secrets: Option<&SecretString>,
) -> String {
    let key = validated
        .generated
        .value(&crate::validate::keys_name(&validated.name), Keys::INTERNAL)
        .unwrap_or_default();
    let mut content = Vec::new();
    for file in files {
        let value = validated.value(&file.secret, &file.key).unwrap_or_default();
        for part in [file.file, value.expose_secret()] {
            content.extend_from_slice(part.as_bytes());
            content.push(0);
        }
    }
    if let Some(text) = made_of_secrets {
        content.extend_from_slice(text.expose_secret().as_bytes());
    }
    hash::keyed_checksum(key.expose_secret().as_bytes(), &content)
}

pub(super) fn projected(name: &str, files: &[SecretFile]) -> Volume {
    let sources = files
        .iter()
        .map(|file| VolumeProjection {
            secret: Some(SecretProjection {
                name: file.secret.clone(),
                items: Some(vec![KeyToPath {
                    key: file.key.clone(),
                    path: file.file.to_owned(),
                    mode: None,
                }]),
                optional: None,
            }),
            ..VolumeProjection::default()
        })
        .collect();
    Volume {
        name: name.to_owned(),
        projected: Some(ProjectedVolumeSource {
            default_mode: Some(SECRET_MODE),
            sources: Some(sources),
        }),
        ..Volume::default()
    }
}

/// A folder in a container.
pub(super) fn mount(volume: &str, path: &str) -> VolumeMount {
    VolumeMount {
        name: volume.to_owned(),
        mount_path: path.to_owned(),
        ..VolumeMount::default()
    }
}

/// A folder that goes with the pod, of this size at most (bytes); in memory, or
/// on the node's disk.
pub(super) fn scratch(name: &str, in_memory: bool, size: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            medium: in_memory.then(|| "Memory".to_owned()),
            size_limit: Some(Quantity(size.to_owned())),
        }),
        ..Volume::default()
    }
}

fn container_security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            ..Capabilities::default()
        }),
        read_only_root_filesystem: Some(true),
        run_as_non_root: Some(true),
        ..SecurityContext::default()
    }
}

fn pod_security(user: i64) -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(user),
        run_as_group: Some(user),
        fs_group: Some(user),
        fs_group_change_policy: Some("OnRootMismatch".to_owned()),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            ..SeccompProfile::default()
        }),
        ..PodSecurityContext::default()
    }
}

fn pull_secrets(validated: &Validated) -> Option<Vec<LocalObjectReference>> {
    let names = &validated.spec.image.pull_secrets;
    let references = names
        .iter()
        .map(|name| LocalObjectReference { name: name.clone() });
    (!names.is_empty()).then(|| references.collect())
}

/// Over nodes and zones, but rather together than not at all. Pods of another
/// template are not counted, or a rollout would end lopsided.
fn spread(validated: &Validated, component: Component) -> Option<Vec<TopologySpreadConstraint>> {
    if !Component::ROLLOUT.contains(&component) {
        return None;
    }
    let constraints = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map(|key| {
        TopologySpreadConstraint {
            max_skew: 1,
            topology_key: key.to_owned(),
            when_unsatisfiable: "ScheduleAnyway".to_owned(),
            label_selector: Some(labels::pods_of(validated, component)),
            match_label_keys: Some(vec!["pod-template-hash".to_owned()]),
            ..TopologySpreadConstraint::default()
        }
    });
    Some(constraints.into())
}

fn tolerations(scheduling: &Scheduling) -> Option<Vec<Toleration>> {
    let tolerations = scheduling
        .tolerations
        .iter()
        .map(|toleration| Toleration {
            key: toleration.key.clone(),
            operator: toleration.operator.clone(),
            value: toleration.value.clone(),
            effect: toleration.effect.clone(),
            toleration_seconds: toleration.toleration_seconds,
        })
        .collect::<Vec<_>>();
    (!tolerations.is_empty()).then_some(tolerations)
}

/// What the spec says, or else these.
pub(super) fn resources(
    own: Option<&Resources>,
    cpu: &str,
    memory: &str,
    memory_limit: &str,
) -> ResourceRequirements {
    let quantities = |map: &BTreeMap<String, String>| {
        let quantities = map
            .iter()
            .map(|(name, amount)| (name.clone(), Quantity(amount.clone())));
        (!map.is_empty()).then(|| quantities.collect())
    };
    match own {
        Some(own) => ResourceRequirements {
            requests: quantities(&own.requests),
            limits: quantities(&own.limits),
            claims: None,
        },
        None => ResourceRequirements {
            requests: Some(
                [
                    ("cpu".to_owned(), Quantity(cpu.to_owned())),
                    ("memory".to_owned(), Quantity(memory.to_owned())),
                ]
                .into(),
            ),
            // None on CPU: what is free may be used, and throttling shows as
            // latency.
            limits: Some([("memory".to_owned(), Quantity(memory_limit.to_owned()))].into()),
            claims: None,
        },
    }
}

/// One environment variable.
pub(super) fn variable(name: impl Into<String>, value: impl Into<String>) -> EnvVar {
    EnvVar {
        name: name.into(),
        value: Some(value.into()),
        value_from: None,
    }
}

/// The variables that a spec adds to those of the operator.
pub(super) fn env(variables: &[api::EnvVar]) -> Option<Vec<EnvVar>> {
    let added = variables
        .iter()
        .map(|added| variable(&added.name, &added.value));
    (!variables.is_empty()).then(|| added.collect())
}

/// An HTTP probe, asked this often (s).
pub(super) fn http_probe(port: &str, path: &str, period: i32, failures: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(port.to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period),
        timeout_seconds: Some(2),
        failure_threshold: Some(failures),
        ..Probe::default()
    }
}

/// The ports of a part.
pub(super) fn ports(component: Component) -> Option<Vec<ContainerPort>> {
    let ports: Vec<ContainerPort> = [component.api_port(), component.ops_port()]
        .into_iter()
        .flatten()
        .map(|(name, port)| ContainerPort {
            name: Some(name.to_owned()),
            container_port: port,
            ..ContainerPort::default()
        })
        .collect();
    (!ports.is_empty()).then_some(ports)
}
