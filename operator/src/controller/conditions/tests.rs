use k8s_openapi::{
    api::apps::v1::{Deployment, StatefulSet},
    jiff::Timestamp,
};
use serde_json::json;

use super::*;
use crate::{
    controller::{diagnose::Trouble, load::Scaled},
    scaling::{Flowing, Standing},
    validate::Reason,
};

fn deployment(ready: i32) -> Deployment {
    serde_json::from_value(json!({
        "metadata": {"generation": 1},
        "spec": {"replicas": 1, "selector": {}, "template": {}},
        "status": {
            "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1,
            "readyReplicas": ready, "availableReplicas": ready,
        },
    }))
    .unwrap()
}

fn store(ready: i32) -> StatefulSet {
    serde_json::from_value(json!({
        "metadata": {"name": "chat-postgres"},
        "spec": {"replicas": 1, "selector": {}, "template": {}, "serviceName": "x"},
        "status": {"replicas": 1, "readyReplicas": ready},
    }))
    .unwrap()
}

/// A trial of which everything is ready.
pub(super) fn well() -> Applied {
    Applied {
        version: "0.1.0".into(),
        endpoint: "http://chat.example.org".into(),
        connections: crate::api::DatabaseConnections::default(),
        realtime: true,
        hibernated: false,
        load: crate::controller::load::Found::default(),
        stores: vec![
            (Component::Postgres, store(1)),
            (Component::Redis, store(1)),
        ],
        migration: Migration::Done,
        parts: Component::ROLLOUT
            .into_iter()
            .map(|component| (component, Some(deployment(1))))
            .collect(),
        waits_for: None,
        monitoring: Monitoring::Disabled,
        troubles: Vec::new(),
        backups: None,
        rotation: None,
        restores: false,
        restored: None,
    }
}

/// In a line each: type, status and reason.
fn told(applied: &Applied) -> Vec<String> {
    of_applied(applied)
        .iter()
        .map(|verdict| format!("{} {} {}", verdict.kind, verdict.status(), verdict.reason))
        .collect()
}

fn set(applied: &mut Applied, component: Component, live: Option<Deployment>) {
    let part = applied
        .parts
        .iter_mut()
        .find(|(part, _)| *part == component);
    part.unwrap().1 = live;
}

fn trouble(component: &str, reason: &'static str) -> Trouble {
    Trouble {
        component: component.into(),
        reason,
        message: format!("Pod chat-{component}-1 is at fault"),
    }
}

#[test]
fn all_is_well() {
    let applied = well();
    assert_eq!(
        told(&applied),
        [
            "Ready True Serving",
            "Progressing False Settled",
            "Degraded False NoTrouble",
            "Paused False NotPaused",
            "DatabaseReady True Answers",
            "MigrationsApplied True Applied",
            "RealtimeReady True PartsReady",
            "Scaling False Disabled",
            "Monitored False Disabled",
            "BackupSucceeded False Disabled",
        ]
    );
    assert_eq!(running_version(&applied).as_deref(), Some("0.1.0"));
    assert!(of_applied(&applied).iter().all(|verdict| !verdict.is_bad()));
}

#[test]
fn a_cluster_without_prometheus_is_told_of_and_nothing_else_is_wrong() {
    let mut applied = well();
    applied.monitoring = Monitoring::Unknown(vec!["ServiceMonitor".into()]);
    let verdicts = of_applied(&applied);
    let bad: Vec<_> = verdicts.iter().filter(|verdict| verdict.is_bad()).collect();
    assert_eq!(bad.len(), 1);
    assert_eq!(bad[0].reason, "NoPrometheusOperator");
    assert!(
        bad[0]
            .message
            .contains("does not know ServiceMonitor: install the CRDs")
    );
    applied.monitoring = Monitoring::Told;
    assert!(of_applied(&applied).iter().all(|verdict| !verdict.is_bad()));
}

#[test]
fn a_beginning_is_nothing_bad() {
    let mut applied = well();
    applied.stores = vec![
        (Component::Postgres, store(0)),
        (Component::Redis, store(0)),
    ];
    applied.migration = Migration::WaitsForStore;
    for (_, live) in &mut applied.parts {
        *live = None;
    }
    assert_eq!(
        told(&applied),
        [
            "Ready False Starting",
            "Progressing True WaitingForDatabase",
            "Degraded False NoTrouble",
            "Paused False NotPaused",
            "DatabaseReady False Starting",
            "MigrationsApplied False Starting",
            "RealtimeReady False Starting",
            "Scaling False Disabled",
            "Monitored False Disabled",
            "BackupSucceeded False Disabled",
        ]
    );
    assert!(of_applied(&applied).iter().all(|verdict| !verdict.is_bad()));
    assert_eq!(running_version(&applied), None);
}

#[test]
fn without_real_time_people_can_use_it_all_the_same() {
    let mut applied = well();
    set(&mut applied, Component::Publisher, Some(deployment(0)));
    applied.troubles = vec![trouble("publisher", "ImageCannotBePulled")];
    let told = told(&applied);
    assert_eq!(told[0], "Ready True Serving");
    assert_eq!(told[2], "Degraded True ImageCannotBePulled");
    assert_eq!(told[6], "RealtimeReady False ImageCannotBePulled");
    applied.realtime = false;
    applied.troubles.clear();
    let verdict = realtime_ready(&applied);
    assert_eq!(verdict.reason, "Disabled");
    assert!(!verdict.is_bad());
}

#[test]
fn what_keeps_it_from_being_ready_is_named() {
    let mut applied = well();
    set(&mut applied, Component::Gateway, Some(deployment(0)));
    applied.troubles = vec![trouble("gateway", "ImageCannotBePulled")];
    let verdict = ready(&applied);
    assert_eq!(
        (verdict.holds, verdict.reason.as_str()),
        (Some(false), "ImageCannotBePulled")
    );
    assert!(
        verdict.message.contains("of gateway: Pod chat-gateway-1"),
        "{}",
        verdict.message
    );
    assert!(verdict.is_bad());
}

#[test]
fn a_failed_migration_stops_the_rollout_and_not_what_serves() {
    let mut applied = well();
    applied.migration = Migration::Failed {
        job: "chat-migrate-1".into(),
        why: "it has been tried too often".into(),
    };
    let told = told(&applied);
    assert_eq!(told[0], "Ready True Serving");
    assert_eq!(told[1], "Progressing False MigrationFailed");
    assert_eq!(told[2], "Degraded True MigrationFailed");
    assert_eq!(told[5], "MigrationsApplied False MigrationFailed");
    assert_eq!(running_version(&applied), None);
    let message = migrations_applied(&applied).message;
    assert!(
        message.contains("Job chat-migrate-1") && message.contains("delete the Job"),
        "{message}"
    );
}

#[test]
fn an_external_database_is_known_by_those_who_reach_it() {
    let mut applied = well();
    applied.stores.clear();
    assert_eq!(database_ready(&applied).holds, Some(true));
    set(&mut applied, Component::Rooms, Some(deployment(0)));
    assert_eq!(database_ready(&applied).holds, None);
    applied.migration = Migration::Failed {
        job: "chat-migrate-1".into(),
        why: String::new(),
    };
    applied.troubles = vec![trouble("migrate", "PodFailed")];
    let verdict = database_ready(&applied);
    assert_eq!(verdict.holds, Some(false));
    assert!(verdict.message.contains("Pod chat-migrate-1 is at fault"));
}

#[test]
fn a_hibernated_chat_is_not_ready_and_not_bad() {
    let mut applied = well();
    applied.hibernated = true;
    let verdicts = of_applied(&applied);
    assert_eq!(verdicts[0].reason, "Hibernated");
    assert!(verdicts.iter().all(|verdict| !verdict.is_bad()));
}

fn problem(field: &str) -> Problem {
    Problem {
        field: field.into(),
        reason: Reason::SecretNotFound,
        message: format!("{field} names the Secret x"),
    }
}

#[test]
fn problems_go_to_the_conditions_that_they_are_about() {
    let problems = [
        problem("spec.postgres.external.auth"),
        problem("spec.redis.external.streams"),
    ];
    let verdicts = of_problems(&problems, false);
    let of = |kind: &str| {
        verdicts
            .iter()
            .find(|verdict| verdict.kind == kind)
            .unwrap()
    };
    assert_eq!(
        (of("Ready").holds, of("Ready").reason.as_str()),
        (Some(false), "SecretNotFound")
    );
    assert!(of("Ready").message.contains("spec.redis"), "all of them");
    assert_eq!(of("DatabaseReady").holds, Some(false));
    assert_eq!(of("RealtimeReady").holds, Some(false));
    let serving = of_problems(&problems, true);
    assert_eq!(
        (serving[0].holds, serving[0].reason.as_str()),
        (Some(true), "SpecNotApplied")
    );
}

#[test]
fn a_condition_keeps_its_time_until_its_status_changes() {
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let said = |holds, message: &str| vec![Verdict::new("Ready", holds, "R", message)];
    let first = merged(&[], &said(false, "one"), Some(1), at(1));
    let second = merged(&first, &said(false, "two"), Some(2), at(2));
    assert_eq!(second[0].last_transition_time.0, at(1));
    assert_eq!(second[0].message, "two");
    assert_eq!(second[0].observed_generation, Some(2));
    let third = merged(&second, &said(true, "three"), Some(2), at(3));
    assert_eq!(third[0].last_transition_time.0, at(3));
    let other = merged(
        &third,
        &[Verdict::new("Paused", true, "P", "")],
        Some(2),
        at(4),
    );
    assert_eq!(other.len(), 2, "what is not said stands");
}

#[test]
fn an_event_is_for_what_is_new() {
    let now = Timestamp::UNIX_EPOCH;
    let verdict = |holds, reason: &str| vec![Verdict::new("Ready", holds, reason, "")];
    assert!(
        transitions(&[], &verdict(false, "Starting")).is_empty(),
        "nothing bad has begun"
    );
    assert_eq!(transitions(&[], &verdict(false, "Unschedulable")).len(), 1);
    let before = merged(&[], &verdict(false, "Unschedulable"), None, now);
    assert!(transitions(&before, &verdict(false, "Unschedulable")).is_empty());
    assert_eq!(transitions(&before, &verdict(false, "PodCrashes")).len(), 1);
    assert_eq!(transitions(&before, &verdict(true, "Serving")).len(), 1);
}

fn scaled(component: Component, standing: Standing) -> Scaled {
    Scaled {
        component,
        count: 2,
        bounds: crate::scaling::Bounds {
            least: 1,
            most: 2,
            down: None,
        },
        standing,
    }
}

#[test]
fn scaling_says_what_stands_in_its_way() {
    use Standing::{AtMost, Measuring, Unreadable, Within};
    let scaling = |publisher, centrifugo| {
        let mut applied = well();
        applied.load.scaled = vec![
            scaled(Component::Publisher, publisher),
            scaled(Component::Centrifugo, centrifugo),
        ];
        let verdict = super::scaling(&applied);
        (
            format!("{} {}", verdict.status(), verdict.reason),
            verdict.is_bad(),
            verdict.message,
        )
    };
    let (told, bad, message) = scaling(Within, Within);
    assert_eq!((told.as_str(), bad), ("True WithinBounds", false));
    assert_eq!(
        message,
        "publisher has 2 of 1 to 2, centrifugo has 2 of 1 to 2"
    );
    let (told, bad, _) = scaling(Within, Measuring);
    assert_eq!((told.as_str(), bad), ("Unknown Measuring", false));
    let (told, bad, message) = scaling(AtMost, Within);
    assert_eq!((told.as_str(), bad), ("False AtMaximum", true));
    assert!(message.starts_with("publisher would have more pods"));
    let (told, bad, message) = scaling(AtMost, Unreadable);
    assert_eq!((told.as_str(), bad), ("False MetricsUnreachable", true));
    assert!(message.contains("of any pod of centrifugo"), "{message}");
}

#[test]
fn real_time_is_ready_when_something_is_delivered() {
    let told = |flowing| {
        let mut applied = well();
        applied.load.flowing = flowing;
        let verdict = realtime_ready(&applied);
        (
            format!("{} {}", verdict.status(), verdict.reason),
            verdict.is_bad(),
        )
    };
    assert_eq!(told(Flowing::Unknown), ("True PartsReady".into(), false));
    assert_eq!(told(Flowing::Yes), ("True Delivering".into(), false));
    assert_eq!(
        told(Flowing::Silent),
        ("False NothingDelivered".into(), true)
    );
    assert_eq!(
        told(Flowing::Unattended),
        ("False PartitionsUnattended".into(), true)
    );
    let mut applied = well();
    applied.load.flowing = Flowing::Yes;
    set(&mut applied, Component::Centrifugo, Some(deployment(0)));
    assert_eq!(
        realtime_ready(&applied).reason,
        "Starting",
        "pods that are missing come first"
    );
}
