use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde_json::Value;

use super::*;
use crate::{
    api::{ChatDeployment, EnvVar, HttpRoute, LagAutoscaling, ParentRef},
    facts::Facts,
    testing::{
        backed_up, backed_up_to_s3, cloudnativepg, cloudnativepg_secrets, highly_available,
        nothing, production, restored, restored_from_s3, s3_secrets, settings, stores, trial,
    },
    validate::validate,
};

fn built(chat: &ChatDeployment, facts: Facts) -> Resources {
    build(&validate(chat, facts, &settings()).unwrap()).unwrap()
}

/// The same, which is large.
fn boxed(chat: &ChatDeployment, facts: Facts) -> Box<Resources> {
    Box::new(built(chat, facts))
}

/// Every object, by kind and name.
fn objects(resources: Resources) -> BTreeMap<String, Value> {
    let objects = resources.objects().unwrap().into_iter();
    let named = objects.map(|object| {
        let of = |value: &Value| value.as_str().unwrap().to_owned();
        let (kind, name) = (of(&object["kind"]), of(&object["metadata"]["name"]));
        (format!("{kind} {name}"), object)
    });
    named.collect()
}

#[test]
fn a_trial() {
    insta::assert_json_snapshot!(objects(built(&trial(), nothing())));
}

#[test]
fn a_production() {
    insta::assert_json_snapshot!(objects(built(&production(), stores())));
}

#[test]
fn a_highly_available_one() {
    insta::assert_json_snapshot!(objects(built(&highly_available(), stores())));
}

#[test]
fn one_on_cloudnativepg() {
    insta::assert_json_snapshot!(objects(built(&cloudnativepg(), cloudnativepg_secrets())));
}

#[test]
fn prometheus_is_told_of_one_chat_and_of_all_its_parts() {
    let all = objects(built(&trial(), nothing()));
    assert!(!all.contains_key("ServiceMonitor chat"), "nobody asked");
    assert!(!all.contains_key("Service chat-publisher"));

    let mut chat = highly_available();
    let all = objects(built(&chat, stores()));
    let monitor = &all["ServiceMonitor chat"];
    assert_eq!(monitor["metadata"]["labels"]["release"], "prometheus");
    let endpoints = monitor["spec"]["endpoints"].as_array().unwrap();
    let read: Vec<_> = endpoints.iter().map(|endpoint| &endpoint["port"]).collect();
    let selected = monitor["spec"]["selector"]["matchLabels"]
        .as_object()
        .unwrap();
    for component in Component::ROLLOUT {
        let service = &all[&format!("Service chat-{component}")];
        for (label, value) in selected {
            assert_eq!(&service["metadata"]["labels"][label], value, "{component}");
        }
        let mut ports = service["spec"]["ports"].as_array().unwrap().iter();
        assert!(
            ports.any(|port| read.contains(&&port["name"])),
            "{component}"
        );
    }

    let rules = &all["PrometheusRule chat"]["spec"]["groups"];
    assert_eq!(rules.as_array().unwrap().len(), 1, "none of the operator");
    let text = rules.to_string();
    assert!(text.contains(r#"up{namespace=\"default\",chat=\"chat\"}"#));
    assert!(!text.contains("chat=~"), "nothing is of other chats");
    assert!(text.contains("> 13500"), "nine tenths of 15000");

    chat.spec.monitoring.alerts = false;
    let all = objects(built(&chat, stores()));
    assert!(all.contains_key("ServiceMonitor chat") && !all.contains_key("PrometheusRule chat"));
}

#[test]
fn the_same_in_gives_the_same_out() {
    let once = objects(built(&production(), stores()));
    assert_eq!(once, objects(built(&production(), stores())));
}

fn templates(resources: &Resources) -> BTreeMap<String, PodTemplateSpec> {
    let parts = resources.parts.iter().map(|part| {
        let spec = part.deployment.spec.clone().unwrap();
        (part.component.to_string(), spec.template)
    });
    let stores = resources.stores.iter().map(|(component, store)| {
        let spec = store.spec.clone().unwrap();
        (component.to_string(), spec.template)
    });
    let job = resources.migration.spec.clone().unwrap();
    let restore = resources.restore.iter().map(|job| {
        let spec = job.spec.clone().unwrap();
        ("restore".to_owned(), spec.template)
    });
    let backup = resources.backups.iter().map(|backups| {
        let spec = backups.cron_job.spec.clone().unwrap();
        let job = spec.job_template.spec.unwrap();
        ("backup".to_owned(), job.template)
    });
    let rotation = resources.rotation.iter().map(|job| {
        let spec = job.spec.clone().unwrap();
        ("rotate-keys".to_owned(), spec.template)
    });
    parts
        .chain(stores)
        .chain(rotation)
        .chain(restore)
        .chain(backup)
        .chain([("migrate".to_owned(), job.template)])
        .collect()
}

/// Names of the parts whose pods start again.
fn restarted(before: &Resources, after: &Resources) -> Vec<String> {
    let after = templates(after);
    templates(before)
        .into_iter()
        .filter(|(name, template)| after.get(name) != Some(template))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn a_change_restarts_what_it_touches_alone() {
    let before = built(&production(), stores());
    let changed = |change: fn(&mut ChatDeployment)| {
        let mut chat = production();
        change(&mut chat);
        restarted(&before, &built(&chat, stores()))
    };
    assert!(changed(|_| {}).is_empty());
    assert!(
        changed(|chat| chat.spec.gateway.autoscaling.as_mut().unwrap().max_replicas = 9).is_empty()
    );
    assert_eq!(
        changed(|chat| chat.spec.realtime.fanout_threshold = 80),
        ["rooms"]
    );
    assert_eq!(
        changed(|chat| chat.spec.additional_origins = vec!["http://localhost:8080".into()]),
        ["centrifugo", "gateway"],
    );
    assert_eq!(
        changed(|chat| {
            chat.spec.publisher.env = vec![EnvVar {
                name: "PLAZA_LOG".into(),
                value: "debug".into(),
            }];
        }),
        ["publisher"],
    );
}

#[test]
fn another_secret_restarts_who_reads_it() {
    let before = built(&production(), stores());
    let changed = |secret: &str, key: &str, value: &str| {
        let mut facts = stores();
        let data = facts.secrets.get_mut(secret).unwrap().as_mut().unwrap();
        data.insert(key.into(), Some(value.to_owned().into()));
        restarted(&before, &built(&production(), facts))
    };
    assert_eq!(
        changed("chat-databases", "rooms", "postgres://r:new@db/plaza_rooms"),
        ["rooms"]
    );
    assert_eq!(
        changed("chat-redis", "streams", "redis://:new@redis:6379/0"),
        ["messages", "publisher", "rooms"],
    );
    assert_eq!(
        changed("chat-redis", "centrifugo", "redis://:new@redis:6379/0"),
        ["centrifugo"]
    );
}

#[test]
fn another_version_is_another_job_and_the_same_one_is_not() {
    let name = |version: &str| {
        let mut chat = trial();
        chat.spec.version = Some(version.into());
        built(&chat, nothing()).migration.metadata.name.unwrap()
    };
    assert_eq!(name("0.1.0"), name("0.1.0"));
    assert_ne!(name("0.1.0"), name("0.1.1"));
}

#[test]
fn every_pod_is_restricted() {
    for resources in [
        boxed(&trial(), nothing()),
        boxed(&production(), stores()),
        boxed(&backed_up(), nothing()),
        boxed(&restored(), nothing()),
        boxed(&backed_up_to_s3(), s3_secrets()),
        boxed(&restored_from_s3(), s3_secrets()),
        boxed(&rotated("one"), nothing()),
    ] {
        for (name, template) in templates(&resources) {
            let once = matches!(
                name.as_str(),
                "migrate" | "backup" | "restore" | "rotate-keys"
            );
            let pod = template.spec.unwrap();
            let security = pod.security_context.unwrap();
            assert_eq!(security.run_as_non_root, Some(true), "{name}");
            assert!(security.run_as_user.unwrap() > 0, "{name}");
            assert_eq!(
                security.seccomp_profile.unwrap().type_,
                "RuntimeDefault",
                "{name}"
            );
            assert_eq!(pod.automount_service_account_token, Some(false), "{name}");
            let before = pod.init_containers.unwrap_or_default();
            for container in before.into_iter().chain(pod.containers) {
                let security = container.security_context.unwrap();
                assert_eq!(security.allow_privilege_escalation, Some(false), "{name}");
                assert_eq!(security.read_only_root_filesystem, Some(true), "{name}");
                assert_eq!(
                    security.capabilities.unwrap().drop,
                    Some(vec!["ALL".into()]),
                    "{name}"
                );
                let resources = container.resources.unwrap();
                assert!(
                    resources.requests.is_some() && resources.limits.is_some(),
                    "{name}"
                );
                assert!(container.liveness_probe.is_some() || once, "{name}");
                assert!(container.readiness_probe.is_some() || once, "{name}");
            }
        }
    }
}

#[test]
fn every_object_belongs_to_the_chat() {
    for (name, object) in objects(built(&production(), stores())) {
        let metadata = &object["metadata"];
        assert_eq!(metadata["labels"][INSTANCE_LABEL], "chat", "{name}");
        assert_eq!(metadata["labels"][MANAGED_BY_LABEL], MANAGED_BY, "{name}");
        assert_eq!(
            metadata["ownerReferences"][0]["kind"], "ChatDeployment",
            "{name}"
        );
        assert_eq!(metadata["namespace"], "default", "{name}");
    }
}

#[test]
fn backups() {
    let mut chat = backed_up();
    let annotations = chat.metadata.annotations.get_or_insert_default();
    annotations.insert("plaza.dev/backup".into(), "before-upgrade".into());
    let mut all = objects(built(&chat, nothing()));
    all.retain(|name, _| name.contains("chat-backup") && !name.starts_with("ConfigMap"));
    insta::assert_json_snapshot!(all);
    let asked = |word: &str| {
        let mut chat = backed_up();
        let annotations = chat.metadata.annotations.get_or_insert_default();
        annotations.insert("plaza.dev/backup".into(), word.into());
        let job = built(&chat, nothing()).backups.unwrap().job;
        job.map(|job| job.metadata.name.unwrap())
    };
    assert_eq!(asked("one"), asked("one"));
    assert_ne!(asked("one"), asked("two"));
    assert_eq!(asked(""), None);
}

/// A trial whose signing keys somebody wants rotated.
fn rotated(word: &str) -> ChatDeployment {
    let mut chat = trial();
    let annotations = chat.metadata.annotations.get_or_insert_default();
    annotations.insert("plaza.dev/rotate-keys".into(), word.into());
    chat
}

#[test]
fn a_rotation_of_the_signing_keys() {
    let mut all = objects(built(&rotated("one"), nothing()));
    all.retain(|name, _| name.contains("rotate-keys"));
    insta::assert_json_snapshot!(all);
    let job = |word: &str| {
        let job = built(&rotated(word), nothing()).rotation;
        job.map(|job| job.metadata.name.unwrap())
    };
    assert_eq!(job("one"), job("one"));
    assert_ne!(job("one"), job("two"));
    assert_eq!(job(""), None);

    // It checks the certificate of a database as a migration does.
    let mut chat = production();
    chat.metadata.annotations = rotated("one").metadata.annotations;
    let templates = templates(&built(&chat, stores()));
    let mounts = |name: &str| {
        let pod = templates[name].spec.clone().unwrap();
        pod.containers[0].volume_mounts.clone().unwrap()
    };
    assert_eq!(mounts("rotate-keys"), mounts("migrate"));
}

#[test]
fn a_restore() {
    let chat = restored();
    let mut all = objects(built(&chat, nothing()));
    all.retain(|name, _| name.contains("new-chat-restore") && !name.starts_with("ConfigMap"));
    insta::assert_json_snapshot!(all);
    let job = |change: fn(&mut ChatDeployment)| {
        let mut chat = restored();
        change(&mut chat);
        let job = built(&chat, nothing()).restore.unwrap();
        job.metadata.name.unwrap()
    };
    assert_eq!(job(|_| {}), job(|_| {}));
    let other = job(|chat| chat.spec.restore.as_mut().unwrap().backup = "20260101T000000Z".into());
    assert_ne!(job(|_| {}), other);
}

#[test]
fn backups_in_a_store() {
    let mut chat = backed_up_to_s3();
    let annotations = chat.metadata.annotations.get_or_insert_default();
    annotations.insert("plaza.dev/backup".into(), "before-upgrade".into());
    let mut all = objects(built(&chat, s3_secrets()));
    // It is let out to the store: its policy is about who may come in alone.
    let policy = &all["NetworkPolicy chat-backup"]["spec"];
    assert_eq!(policy["policyTypes"], serde_json::json!(["Ingress"]));
    all.retain(|name, _| name.contains("chat-backup") && !name.starts_with("ConfigMap"));
    insta::assert_json_snapshot!(all);
    // Who dumps has no key of the store, and who brings it there no password.
    let pod = templates(&built(&chat, s3_secrets()))
        .into_iter()
        .find_map(|(name, template)| (name == "backup").then_some(template.spec?))
        .unwrap();
    let mounts = |container: &k8s_openapi::api::core::v1::Container| -> Vec<String> {
        let mounts = container.volume_mounts.iter().flatten();
        mounts.map(|mount| mount.name.clone()).collect()
    };
    assert!(!mounts(&pod.init_containers.unwrap()[0]).contains(&"s3".to_owned()));
    assert!(!mounts(&pod.containers[0]).contains(&"secrets".to_owned()));
}

#[test]
fn a_restore_from_a_store() {
    let mut all = objects(built(&restored_from_s3(), s3_secrets()));
    all.retain(|name, _| name.contains("new-chat-restore") && !name.starts_with("ConfigMap"));
    insta::assert_json_snapshot!(all);
}

#[test]
fn a_volume_of_backups_outlives_its_chat_unless_told_otherwise() {
    let claims = |retention| {
        let mut chat = backed_up();
        chat.spec.backup.as_mut().unwrap().volume.retention = retention;
        let backups = built(&chat, nothing()).backups.unwrap();
        backups
            .claim
            .metadata
            .owner_references
            .map(|owners| owners.len())
    };
    assert_eq!(claims(crate::api::Retention::Retain), None);
    assert_eq!(claims(crate::api::Retention::Delete), Some(1));
}

#[test]
fn nothing_is_backed_up_while_it_is_hibernated() {
    let mut chat = backed_up();
    chat.spec.hibernated = true;
    let annotations = chat.metadata.annotations.get_or_insert_default();
    annotations.insert("plaza.dev/backup".into(), "now".into());
    let backups = built(&chat, nothing()).backups.unwrap();
    assert_eq!(backups.cron_job.spec.unwrap().suspend, Some(true));
    assert_eq!(backups.job, None);
}

#[test]
fn no_secret_is_outside_of_a_secret() {
    let secrets = [
        "one@", "two@", "three@", "four@", "five@", "six@", "seven@", "eight@",
    ];
    let zeros = "0000000000000000000000";
    for resources in [
        boxed(&trial(), nothing()),
        boxed(&production(), stores()),
        boxed(&backed_up(), nothing()),
        boxed(&restored(), nothing()),
        boxed(&backed_up_to_s3(), s3_secrets()),
        boxed(&restored_from_s3(), s3_secrets()),
    ] {
        for (name, object) in objects(*resources) {
            if name.starts_with("Secret ") {
                continue;
            }
            let text = object.to_string();
            assert!(!text.contains(zeros), "{name}");
            assert!(
                !secrets.iter().any(|secret| text.contains(secret)),
                "{name}"
            );
        }
    }
}

#[test]
fn names_fit_their_kinds() {
    let mut chat = trial();
    chat.metadata.name = Some("c".repeat(40));
    chat.spec.backup = backed_up().spec.backup;
    chat.spec.restore = restored().spec.restore;
    for (name, object) in objects(built(&chat, nothing())) {
        let length = object["metadata"]["name"].as_str().unwrap().len();
        // The name is a label's value too: that of a Service, and that of a Job's pods.
        assert!(length <= 63, "{name}");
        // A CronJob adds to it.
        assert!(length <= 52 || !name.starts_with("CronJob"), "{name}");
    }
}

#[test]
fn nothing_runs_while_it_is_hibernated() {
    let mut chat = production();
    chat.spec.hibernated = true;
    let resources = built(&chat, stores());
    assert!(resources.autoscalers.is_empty());
    for part in &resources.parts {
        assert_eq!(part.deployment.spec.as_ref().unwrap().replicas, Some(0));
    }
    let mut chat = trial();
    chat.spec.hibernated = true;
    for (_, store) in built(&chat, nothing()).stores {
        assert_eq!(store.spec.unwrap().replicas, Some(0));
    }
}

#[test]
fn an_autoscaler_decides_alone() {
    let resources = built(&production(), stores());
    let replicas = |component: Component| {
        let part = resources
            .parts
            .iter()
            .find(|part| part.component == component)
            .unwrap();
        part.deployment.spec.as_ref().unwrap().replicas
    };
    assert_eq!(replicas(Component::Gateway), None);
    assert_eq!(replicas(Component::Auth), Some(2));
    assert_eq!(resources.autoscalers.len(), 2);
}

#[test]
fn the_operator_chooses_how_many_publishers_and_centrifugos_there_are() {
    let mut chat = trial();
    chat.spec.publisher.autoscaling = Some(LagAutoscaling {
        min_replicas: 3,
        max_replicas: 4,
        target_lag_seconds: 5,
        scale_down_stabilization_seconds: None,
    });
    let replicas = |facts: Facts| {
        let resources = built(&chat, facts);
        assert!(resources.autoscalers.is_empty(), "it is not on its CPU");
        assert_eq!(resources.disruption_budgets.len(), 1);
        let part = |component| {
            let part = resources.parts.iter().find(|p| p.component == component);
            part.unwrap().deployment.spec.as_ref().unwrap().replicas
        };
        (part(Component::Publisher), part(Component::Centrifugo))
    };
    assert_eq!(replicas(nothing()), (Some(3), Some(1)), "nothing is known");
    let mut facts = nothing();
    facts.replicas.insert(Component::Publisher, 4);
    assert_eq!(replicas(facts), (Some(4), Some(1)));
}

#[test]
fn the_operators_pods_may_read_what_it_scales_on_and_nothing_else() {
    let reached = |resources: Resources| {
        let policies = resources.network_policies.into_iter();
        let reached = policies.filter(|policy| {
            let policy = serde_json::to_string(&policy.spec).unwrap();
            policy.contains("plaza-system") && policy.contains("plaza-operator")
        });
        reached
            .map(|policy| policy.metadata.name.unwrap())
            .collect::<Vec<_>>()
    };
    let resources = built(&trial(), nothing());
    assert_eq!(reached(resources), ["chat-publisher", "chat-centrifugo"]);
    let nowhere = crate::validate::Settings {
        own_namespace: None,
        ..settings()
    };
    let resources = build(&validate(&trial(), nothing(), &nowhere).unwrap()).unwrap();
    assert!(reached(resources).is_empty());
}

#[test]
fn without_real_time_there_is_no_trace_of_it() {
    let mut chat = trial();
    chat.spec.realtime.enabled = false;
    chat.spec.redis = None;
    let all = objects(built(&chat, nothing()));
    assert!(
        !all.keys()
            .any(|name| name.ends_with("centrifugo") || name.ends_with("redis"))
    );
    let rooms = &all["ConfigMap chat-rooms"]["data"];
    assert_eq!(rooms["PLAZA_REALTIME_ENABLED"], "false");
    assert!(rooms.get("PLAZA_REDIS_URL_FILE").is_none());
    let paths = &all["Ingress chat"]["spec"]["rules"][0]["http"]["paths"];
    assert_eq!(paths.as_array().unwrap().len(), 1);
}

#[test]
fn a_route_takes_the_place_of_the_ingress() {
    let mut chat = trial();
    chat.spec.http_route = Some(HttpRoute {
        parent_refs: vec![ParentRef {
            name: "edge".into(),
            namespace: Some("gateways".into()),
            section_name: None,
        }],
        annotations: BTreeMap::new(),
    });
    let all = objects(built(&chat, nothing()));
    assert!(!all.contains_key("Ingress chat"));
    insta::assert_json_snapshot!(all["HTTPRoute chat"]);
    let mut chat = trial();
    chat.spec.ingress = Some(crate::api::IngressSpec {
        enabled: false,
        ..crate::api::IngressSpec::default()
    });
    assert!(built(&chat, nothing()).ingress.is_none());
}

#[test]
fn each_setting_is_one_that_the_part_has() {
    let reference = include_str!("../../../docs/configuration.md");
    let resources = built(&production(), stores());
    for part in &resources.parts {
        let Some(config_map) = &part.config_map else {
            continue;
        };
        let heading = match part.component {
            Component::Publisher => "## plaza messages-publisher\n".to_owned(),
            other => format!("## plaza {other}\n"),
        };
        let section = reference.split(&heading).nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        for name in config_map.data.as_ref().unwrap().keys() {
            assert!(
                section.contains(&format!("| `{name}` |")),
                "{} has no setting {name}",
                part.component
            );
        }
    }
}
