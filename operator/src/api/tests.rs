use super::*;

const TRIAL: &str = include_str!("../../../k8s/samples/trial.yaml");
const PRODUCTION: &str = include_str!("../../../k8s/samples/production.yaml");
const HIGHLY_AVAILABLE: &str = include_str!("../../../k8s/samples/highly-available.yaml");
const CLOUDNATIVEPG: &str = include_str!("../../../k8s/samples/cloudnativepg.yaml");
const BACKUP: &str = include_str!("../../../k8s/samples/backup.yaml");
const RESTORE: &str = include_str!("../../../k8s/samples/restore.yaml");
const BACKUP_S3: &str = include_str!("../../../k8s/samples/backup-s3.yaml");
const RESTORE_S3: &str = include_str!("../../../k8s/samples/restore-s3.yaml");

fn chat(yaml: &str) -> ChatDeployment {
    serde_saphyr::from_str(yaml).unwrap()
}

/// The trial with something changed.
fn changed(change: impl FnOnce(&mut ChatDeployment)) -> ChatDeployment {
    let mut chat = chat(TRIAL);
    change(&mut chat);
    chat
}

fn refused(chat: &ChatDeployment) -> String {
    chat.validate_cel().unwrap_err().to_string()
}

#[test]
fn a_trial_is_at_most_ten_lines_and_valid() {
    let lines = TRIAL
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert!(lines.count() <= 10);
    chat(TRIAL).validate_cel().unwrap();
    for sample in [
        PRODUCTION,
        HIGHLY_AVAILABLE,
        CLOUDNATIVEPG,
        BACKUP,
        RESTORE,
        BACKUP_S3,
        RESTORE_S3,
    ] {
        chat(sample).validate_cel().unwrap();
    }
}

#[test]
fn who_reads_metrics_is_let_in() {
    let mut chat = chat(HIGHLY_AVAILABLE);
    chat.spec.network_policy.metrics_namespaces.clear();
    assert!(refused(&chat).contains("networkPolicy.metricsNamespaces"));
    chat.spec.network_policy.enabled = false;
    chat.validate_cel().unwrap();
}

#[test]
fn backups_are_of_a_managed_database() {
    let mut external = chat(PRODUCTION);
    external.spec.backup = chat(BACKUP).spec.backup;
    assert!(
        refused(&external).contains("backup is for postgres.managed alone"),
        "{}",
        refused(&external)
    );
    let mut external = chat(PRODUCTION);
    external.spec.restore = chat(RESTORE).spec.restore;
    assert!(refused(&external).contains("restore is for postgres.managed alone"));
}

#[test]
fn a_chat_that_is_there_is_not_restored() {
    let mut later = chat(RESTORE);
    let restore = later.spec.restore.take();
    let before = later.clone();
    later.spec.restore = restore;
    let error = later.validate_cel_update(&before).unwrap_err().to_string();
    assert!(error.contains("for a new ChatDeployment alone"), "{error}");
    // What was written wrongly is mended, and what is done may go.
    let mut mended = later.clone();
    mended.spec.restore.as_mut().unwrap().claim_name = Some("another-backup".into());
    mended.validate_cel_update(&later).unwrap();
    before.validate_cel_update(&later).unwrap();
}

#[test]
fn a_restore_is_from_a_claim_or_from_a_store() {
    let mut both = chat(RESTORE_S3);
    let restore = both.spec.restore.as_mut().unwrap();
    restore.claim_name = Some("chat-backup".into());
    assert!(refused(&both).contains("exactly one of restore.claimName"));
    let mut neither = chat(RESTORE);
    neither.spec.restore.as_mut().unwrap().claim_name = None;
    assert!(refused(&neither).contains("exactly one of restore.claimName"));
}

#[test]
fn a_store_has_defaults() {
    let store = chat(BACKUP_S3).spec.backup.unwrap().s3.unwrap();
    assert!(store.path_style && store.ca.is_none());
    assert_eq!(store.region, "us-east-1");
    assert_eq!(
        store.place("default", "chat"),
        "https://s3.example.org/chat-backups/default/chat"
    );
}

#[test]
fn backups_have_defaults() {
    let backup: BackupSpec = serde_saphyr::from_str("{}").unwrap();
    assert_eq!((backup.schedule.as_str(), backup.keep), ("0 3 * * *", 7));
    assert_eq!(backup.volume, Storage::of_backups());
    let before = chat(BACKUP);
    let mut other = before.clone();
    other.spec.backup.as_mut().unwrap().volume.retention = Retention::Delete;
    let error = other.validate_cel_update(&before).unwrap_err().to_string();
    assert!(
        error.contains("only read when the volume is made"),
        "{error}"
    );
}

#[test]
fn defaults_are_filled_in() {
    let spec = chat(TRIAL).spec;
    assert!(spec.realtime.enabled && spec.network_policy.enabled);
    assert_eq!(spec.gateway.replicas, None);
    let managed = spec.postgres.managed.unwrap();
    assert_eq!(managed.storage, Storage::of_postgres());
    assert_eq!(managed.max_connections, 200);
    assert_eq!(
        spec.redis.unwrap().managed.unwrap().storage,
        Storage::of_redis()
    );
}

#[test]
fn the_endpoint_is_https_with_tls() {
    assert_eq!(chat(TRIAL).spec.endpoint(), "http://chat.example.org");
    assert_eq!(chat(PRODUCTION).spec.endpoint(), "https://chat.example.org");
}

#[test]
fn names_are_short_enough_for_services() {
    let long = changed(|chat| chat.metadata.name = Some("c".repeat(41)));
    assert!(refused(&long).contains("at most 40"), "{}", refused(&long));
    let digit = changed(|chat| chat.metadata.name = Some("1chat".into()));
    assert!(refused(&digit).contains("begin with a letter"));
}

#[test]
fn a_database_is_managed_or_external() {
    let none = changed(|chat| chat.spec.postgres = PostgresSpec::default());
    assert!(refused(&none).contains("exactly one of postgres.managed"));
    let both = changed(|chat| chat.spec.postgres.external = chat_external());
    assert!(refused(&both).contains("exactly one of postgres.managed"));
    let none = changed(|chat| chat.spec.redis = Some(RedisSpec::default()));
    assert!(refused(&none).contains("exactly one of redis.managed"));
}

fn chat_external() -> Option<ExternalPostgres> {
    chat(PRODUCTION).spec.postgres.external
}

#[test]
fn each_service_has_a_database_of_its_own() {
    let mut chat = chat(PRODUCTION);
    let external = chat.spec.postgres.external.as_mut().unwrap();
    external.rooms = external.auth.clone();
    assert!(refused(&chat).contains("a database of their own"));
}

#[test]
fn real_time_needs_redis() {
    let without = changed(|chat| chat.spec.redis = None);
    assert!(refused(&without).contains("real time needs a Redis"));
    changed(|chat| {
        chat.spec.redis = None;
        chat.spec.realtime.enabled = false;
    })
    .validate_cel()
    .unwrap();
}

#[test]
fn one_way_leads_in() {
    let both = changed(|chat| {
        chat.spec.ingress = Some(IngressSpec::default());
        chat.spec.http_route = Some(HttpRoute {
            parent_refs: Vec::new(),
            annotations: std::collections::BTreeMap::new(),
        });
    });
    assert!(refused(&both).contains("ingress or httpRoute"));
}

#[test]
fn replicas_are_given_or_found() {
    let both = changed(|chat| {
        chat.spec.gateway.replicas = Some(2);
        chat.spec.gateway.autoscaling = Some(Autoscaling {
            min_replicas: 2,
            max_replicas: 4,
            target_cpu_percent: 70,
        });
    });
    assert!(refused(&both).contains("replicas or autoscaling"));
    let reversed = changed(|chat| {
        chat.spec.rooms.autoscaling = Some(Autoscaling {
            min_replicas: 5,
            max_replicas: 4,
            target_cpu_percent: 70,
        });
    });
    assert!(refused(&reversed).contains("minReplicas must not be above"));
}

#[test]
fn publisher_and_centrifugo_are_given_or_found_as_well() {
    let autoscaling = |least| LagAutoscaling {
        min_replicas: least,
        max_replicas: 4,
        target_lag_seconds: 5,
        scale_down_stabilization_seconds: None,
    };
    let both = changed(|chat| {
        chat.spec.publisher.replicas = Some(2);
        chat.spec.publisher.autoscaling = Some(autoscaling(2));
    });
    assert!(refused(&both).contains("replicas or autoscaling"));
    let reversed = changed(|chat| chat.spec.publisher.autoscaling = Some(autoscaling(5)));
    assert!(refused(&reversed).contains("minReplicas must not be above"));
    let right = changed(|chat| {
        chat.spec.publisher.autoscaling = Some(autoscaling(1));
        chat.spec.centrifugo.autoscaling = Some(ConnectionsAutoscaling {
            min_replicas: 2,
            max_replicas: 4,
            target_connections: 30_000,
            scale_down_stabilization_seconds: Some(60),
        });
    });
    right.validate_cel().unwrap();
}

#[test]
fn data_does_not_move_by_itself() {
    let old = chat(TRIAL);
    let moved = changed(|chat| {
        chat.spec.postgres.managed = None;
        chat.spec.postgres.external = chat_external();
    });
    let error = moved.validate_cel_update(&old).unwrap_err().to_string();
    assert!(error.contains("does not move"), "{error}");
    let grown = changed(|chat| {
        let managed = chat.spec.postgres.managed.as_mut().unwrap();
        managed.storage.size = "20Gi".into();
    });
    let error = grown.validate_cel_update(&old).unwrap_err().to_string();
    assert!(error.contains("PersistentVolumeClaim itself"), "{error}");
    let elsewhere = changed(|chat| {
        let managed = chat.spec.postgres.managed.as_mut().unwrap();
        managed.storage.storage_class_name = Some("fast".into());
    });
    let error = elsewhere.validate_cel_update(&old).unwrap_err().to_string();
    assert!(error.contains("storageClassName is only read"), "{error}");
    old.validate_cel_update(&old).unwrap();
}
