//! Backups by schedule and on demand, and a chat that begins with one.

use k8s_openapi::api::{
    batch::v1::{CronJob, Job},
    core::v1::{PersistentVolumeClaim, Pod},
};
use kube::{
    ResourceExt as _,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use plaza_operator::api::ChatDeployment;
use plaza_testkit::eventually;
use serde_json::{Value, json};

use crate::world::{PATIENCE, World};

const RESTORE: &str = include_str!("../../../k8s/samples/restore.yaml");

/// Asks for a backup.
async fn ask(world: &World, request: &str) {
    let asked = json!({"metadata": {"annotations": {"plaza.dev/backup": request}}});
    world
        .api::<ChatDeployment>()
        .patch("chat", &PatchParams::default(), &Patch::Merge(asked))
        .await
        .unwrap();
}

/// Has backups made, on a volume of a class that the cluster would have.
async fn back_up(world: &World, mut backup: Value) {
    if backup["volume"].is_null() {
        backup["volume"] = json!({"size": "10Gi", "storageClassName": "disks"});
    }
    world.change("chat", json!({"backup": backup})).await;
}

/// A pod of a Job that has ended with this.
async fn pod(world: &World, chat: &str, component: &str, job: &str, code: i32, words: &str) {
    let name = format!("{job}-x");
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": name, "labels": {
            "app.kubernetes.io/instance": chat,
            "app.kubernetes.io/managed-by": "plaza-operator",
            "app.kubernetes.io/component": component,
            "batch.kubernetes.io/job-name": job,
        }},
        "spec": {"containers": [{"name": component, "image": "postgres"}]},
    }))
    .unwrap();
    let pods = world.api::<Pod>();
    pods.create(&PostParams::default(), &pod).await.unwrap();
    let status = json!({"status": {"containerStatuses": [{
        "name": component, "image": "postgres", "imageID": "", "ready": false, "restartCount": 0,
        "state": {"terminated": {"exitCode": code, "message": words}},
    }]}});
    pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(status))
        .await
        .unwrap();
}

/// Names of the Jobs of a part.
async fn jobs(world: &World, part: &str) -> Vec<String> {
    let all = world.names::<Job>().await;
    all.into_iter()
        .filter(|name| name.contains(&format!("-{part}")))
        .collect()
}

/// Makes a Job as the CronJob's controller would, from its template.
async fn scheduled(world: &World, name: &str) {
    let cron_job: CronJob = world.find("chat-backup").await;
    let template = cron_job.spec.unwrap().job_template;
    let job = Job {
        metadata: kube::core::ObjectMeta {
            name: Some(name.to_owned()),
            labels: template.metadata.unwrap().labels,
            ..kube::core::ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    };
    world
        .api::<Job>()
        .create(&PostParams::default(), &job)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_schedule_is_made_changed_and_removed_and_the_volume_stays() {
    let world = World::with_trial().await;
    world
        .condition("chat", "BackupSucceeded", "False", "Disabled")
        .await;
    back_up(&world, json!({})).await;
    world
        .condition("chat", "BackupSucceeded", "Unknown", "NeverRan")
        .await;
    let cron_job: CronJob = world.find("chat-backup").await;
    let spec = cron_job.spec.unwrap();
    assert_eq!(
        (spec.schedule.as_str(), spec.suspend),
        ("0 3 * * *", Some(false))
    );
    let claim: PersistentVolumeClaim = world.find("chat-backup").await;
    assert!(claim.owner_references().is_empty(), "it outlives the chat");

    let more = json!({"schedule": "15 4 * * 1", "keep": 3, "suspend": true});
    back_up(&world, more).await;
    eventually(PATIENCE, async || {
        let spec = world.find::<CronJob>("chat-backup").await.spec.unwrap();
        (spec.schedule == "15 4 * * 1" && spec.suspend == Some(true))
            .then_some(())
            .ok_or(spec.schedule)
    })
    .await;
    world.change("chat", json!({"backup": Value::Null})).await;
    world
        .condition("chat", "BackupSucceeded", "False", "Disabled")
        .await;
    assert!(world.names::<CronJob>().await.is_empty());
    let claim: PersistentVolumeClaim = world.find("chat-backup").await;
    assert!(
        claim.metadata.deletion_timestamp.is_none(),
        "with what is on it"
    );
}

#[tokio::test]
async fn a_volume_that_goes_with_the_chat_does_not_go_with_the_field() {
    let world = World::with_trial().await;
    let delete = json!({"size": "1Gi", "storageClassName": "disks", "retention": "Delete"});
    back_up(&world, json!({"volume": delete})).await;
    let claim: PersistentVolumeClaim = world.find("chat-backup").await;
    assert_eq!(claim.owner_references()[0].name, "chat");
    world
        .condition("chat", "BackupSucceeded", "Unknown", "NeverRan")
        .await;
    world.change("chat", json!({"backup": Value::Null})).await;
    world
        .condition("chat", "BackupSucceeded", "False", "Disabled")
        .await;
    assert!(world.names::<CronJob>().await.is_empty());
    let claim: PersistentVolumeClaim = world.find("chat-backup").await;
    assert!(claim.metadata.deletion_timestamp.is_none());
}

#[tokio::test]
async fn a_volume_that_nobody_provides_is_told() {
    let world = World::with_trial().await;
    world.change("chat", json!({"backup": {}})).await;
    let told = world
        .condition("chat", "BackupSucceeded", "False", "NoStorageClass")
        .await;
    assert!(
        told.message.contains("chat-backup") && told.message.contains("spec.backup.volume"),
        "{}",
        told.message
    );
    world.condition("chat", "Ready", "True", "Serving").await;
}

#[tokio::test]
async fn a_schedule_that_cannot_be_is_told() {
    let world = World::with_trial().await;
    let wrong = json!({"backup": {"schedule": "0 25 * * *"}});
    world.change("chat", wrong).await;
    let told = world
        .condition("chat", "Degraded", "True", "InvalidSpec")
        .await;
    assert!(
        told.message.contains("spec.backup.schedule") && told.message.contains("hour"),
        "{}",
        told.message
    );
    assert!(world.names::<CronJob>().await.is_empty());
}

#[tokio::test]
async fn a_backup_is_made_once_a_word() {
    let world = World::with_trial().await;
    back_up(&world, json!({})).await;
    ask(&world, "before-upgrade").await;
    let job = eventually(PATIENCE, async || jobs(&world, "backup").await.pop()).await;
    pod(&world, "chat", "backup", &job, 0, "20260101T030000Z").await;
    world.job_ends_at(&job, true, "2026-01-01T03:00:05Z").await;
    let told = world
        .condition("chat", "BackupSucceeded", "True", "Succeeded")
        .await;
    assert!(
        told.message.contains("20260101T030000Z"),
        "{}",
        told.message
    );
    let chat: ChatDeployment = world.find("chat").await;
    let last = chat.status.unwrap().last_backup.unwrap();
    assert_eq!(last.name.as_deref(), Some("20260101T030000Z"));
    assert_eq!(last.job, job);

    // Another change is no other request.
    back_up(&world, json!({"keep": 3})).await;
    eventually(PATIENCE, async || {
        let cron_job: CronJob = world.find("chat-backup").await;
        serde_json::to_string(&cron_job.spec)
            .unwrap()
            .contains("\"3\"")
    })
    .await;
    assert_eq!(jobs(&world, "backup").await, std::slice::from_ref(&job));
    ask(&world, "after-upgrade").await;
    let other = eventually(PATIENCE, async || {
        let jobs = jobs(&world, "backup").await;
        match jobs.as_slice() {
            [one] if *one != job => Ok(one.clone()),
            _ => Err(jobs),
        }
    })
    .await;
    world
        .condition("chat", "BackupSucceeded", "True", "Succeeded")
        .await;
    world
        .job_ends_at(&other, false, "2026-01-02T03:00:05Z")
        .await;
    world
        .condition("chat", "BackupSucceeded", "False", "BackupFailed")
        .await;
}

#[tokio::test]
async fn a_scheduled_backup_that_fails_says_why_until_one_succeeds() {
    let world = World::with_trial().await;
    back_up(&world, json!({})).await;
    scheduled(&world, "chat-backup-29000001").await;
    let words = "pg_dump: error\nplaza: the dump of rooms failed: No space left on device";
    pod(&world, "chat", "backup", "chat-backup-29000001", 1, words).await;
    world
        .job_ends_at("chat-backup-29000001", false, "2026-01-01T03:00:05Z")
        .await;
    let told = world
        .condition("chat", "BackupSucceeded", "False", "BackupFailed")
        .await;
    assert!(
        told.message
            .contains("chat-backup-29000001 failed: the dump of rooms failed: No space left"),
        "{}",
        told.message
    );
    world.condition("chat", "Ready", "True", "Serving").await;
    world
        .condition("chat", "Degraded", "False", "NoTrouble")
        .await;
    scheduled(&world, "chat-backup-29000002").await;
    world
        .job_ends_at("chat-backup-29000002", true, "2026-01-02T03:00:05Z")
        .await;
    world
        .condition("chat", "BackupSucceeded", "True", "Succeeded")
        .await;
}

#[tokio::test]
async fn a_chat_begins_with_a_backup() {
    let world = World::with_operator().await;
    world.apply(RESTORE).await;
    world
        .condition("new-chat", "Restored", "False", "Starting")
        .await;
    world.store_is_ready("new-chat-postgres", 1).await;
    world.store_is_ready("new-chat-redis", 1).await;
    let job = world.new_job(&[]).await;
    assert!(
        job.starts_with("new-chat-restore-"),
        "{job}: not the migration"
    );
    world
        .condition("new-chat", "Restored", "False", "Restoring")
        .await;
    let words = "plaza: there is no backup on the claim chat-backup";
    pod(&world, "new-chat", "restore", &job, 1, words).await;
    world.job_ends(&job, false).await;
    let told = world
        .condition("new-chat", "Restored", "False", "RestoreFailed")
        .await;
    assert!(
        told.message.contains(&job) && told.message.contains("no backup on the claim chat-backup"),
        "{}",
        told.message
    );
    for (kind, status) in [
        ("Ready", "False"),
        ("Degraded", "True"),
        ("Progressing", "False"),
    ] {
        world
            .condition("new-chat", kind, status, "RestoreFailed")
            .await;
    }
    assert_eq!(
        world.names::<Job>().await,
        std::slice::from_ref(&job),
        "nothing follows"
    );

    // Mended in the spec: another Job takes its place.
    let pods = world.api::<Pod>();
    pods.delete(
        &format!("{job}-x"),
        &DeleteParams::default().grace_period(0),
    )
    .await
    .unwrap();
    let right = json!({"restore": {"claimName": "old-backup"}});
    world.change("new-chat", right).await;
    let other = eventually(PATIENCE, async || {
        let jobs = world.names::<Job>().await;
        match jobs.as_slice() {
            [one] if *one != job => Ok(one.clone()),
            _ => Err(jobs),
        }
    })
    .await;
    pod(&world, "new-chat", "restore", &other, 0, "20260101T030000Z").await;
    world.job_ends(&other, true).await;
    let told = world
        .condition("new-chat", "Restored", "True", "Restored")
        .await;
    assert!(
        told.message.contains("20260101T030000Z"),
        "{}",
        told.message
    );
    let migration = world.new_job(std::slice::from_ref(&other)).await;
    assert!(migration.starts_with("new-chat-migrate-"), "{migration}");
    let chat: ChatDeployment = world.find("new-chat").await;
    let restored = chat.status.unwrap().restored.unwrap();
    assert_eq!(restored.claim_name.as_deref(), Some("old-backup"));

    // What is done is not done again, with or without its Job.
    world
        .api::<Job>()
        .delete(&other, &DeleteParams::background())
        .await
        .unwrap();
    world.job_ends(&migration, true).await;
    world
        .condition("new-chat", "MigrationsApplied", "True", "Applied")
        .await;
    assert_eq!(world.names::<Job>().await, [migration]);
}

#[tokio::test]
async fn a_store_is_asked_with_the_key_that_the_spec_names() {
    let world = World::with_trial().await;
    let store = json!({
        "endpoint": "https://s3.example.org", "bucket": "chat-backups",
        "accessKeyId": {"secretName": "chat-s3"}, "secretAccessKey": {"secretName": "chat-s3"},
    });
    back_up(&world, json!({"s3": store})).await;
    let told = world
        .condition("chat", "Degraded", "True", "SecretNotFound")
        .await;
    assert!(
        told.message
            .contains("spec.backup.s3.accessKeyId names the Secret chat-s3")
            && told.message.contains("access-key-id"),
        "{}",
        told.message
    );
    assert_eq!(world.names::<CronJob>().await, Vec::<String>::new());
    // Nobody has to touch the chat: the Secret is watched.
    let key = [("access-key-id", "id"), ("secret-access-key", "secret")];
    world.secret("chat-s3", &key).await;
    let made: CronJob = world.find("chat-backup").await;
    let pod = made
        .spec
        .unwrap()
        .job_template
        .spec
        .unwrap()
        .template
        .spec
        .unwrap();
    let names = |containers: &[k8s_openapi::api::core::v1::Container]| -> Vec<String> {
        let names = containers.iter().map(|container| container.name.clone());
        names.collect()
    };
    assert_eq!(names(&pod.init_containers.unwrap()), ["backup"]);
    assert_eq!(names(&pod.containers), ["push"]);
}

#[tokio::test]
async fn a_chat_begins_with_a_backup_of_a_store() {
    let world = World::with_operator().await;
    let key = [("access-key-id", "id"), ("secret-access-key", "secret")];
    world.secret("chat-s3", &key).await;
    let sample = include_str!("../../../k8s/samples/restore-s3.yaml");
    world.apply(sample).await;
    world.store_is_ready("new-chat-postgres", 1).await;
    let job = world.new_job(&[]).await;
    assert!(job.starts_with("new-chat-restore-"), "{job}");
    pod(&world, "new-chat", "restore", &job, 0, "20260101T030000Z").await;
    world.job_ends(&job, true).await;
    let told = world
        .condition("new-chat", "Restored", "True", "Restored")
        .await;
    let place = "https://s3.example.org/chat-backups/default/chat";
    assert!(
        told.message
            .contains(&format!("20260101T030000Z of the store {place}")),
        "{}",
        told.message
    );
    let chat: ChatDeployment = world.find("new-chat").await;
    let restored = chat.status.unwrap().restored.unwrap();
    assert_eq!(
        (restored.claim_name, restored.store.as_deref()),
        (None, Some(place))
    );
}
