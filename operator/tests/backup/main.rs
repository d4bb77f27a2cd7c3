//! The scripts of backup and restore, run as their Jobs run them, against a real
//! PostgreSQL with the schemas of the services and a real store.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails where something is not as it should be"
)]

mod place;

use std::{path::Path, process::Stdio, time::Duration};

use place::{Place, kill, text};
use plaza_backup::{PullArgs, PushArgs, StoreArgs, pull, push};
use plaza_testkit::{TestStore, s3};
use sqlx::{Connection as _, Executor as _, migrate::Migrator};

/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
const SERVICES: [&str; 3] = ["auth", "rooms", "messages"];
const BACKUP: &str = "backup.sh";
const RESTORE: &str = "restore.sh";

fn store_args(store: &TestStore) -> StoreArgs {
    StoreArgs {
        s3_endpoint: store.endpoint.clone(),
        s3_bucket: store.bucket.clone(),
        s3_region: "us-east-1".into(),
        s3_prefix: "default/chat".into(),
        s3_path_style: true,
        s3_ca_file: None,
        s3_access_key_id: Some(store.access_key_id.clone().into()),
        s3_access_key_id_file: None,
        s3_secret_access_key: Some(store.secret_access_key.clone().into()),
        s3_secret_access_key_file: None,
    }
}

#[tokio::test]
async fn what_was_backed_up_comes_back_and_can_be_backed_up_again() {
    let place = Place::filled().await;
    let before = place.all_content().await;
    assert!(before[0].contains("Anna ☂") && before[2].contains("message 500"));
    place.run(BACKUP, &[]);
    let [name] = place.whole().try_into().unwrap();
    let manifest = std::fs::read_to_string(place.backups().join(&name).join("manifest.json"));
    let manifest: serde_json::Value = serde_json::from_str(&manifest.unwrap()).unwrap();
    assert_eq!(manifest["name"], name.as_str());
    assert_eq!(manifest["plaza"], "0.1.0");
    for (place_, service) in ["messages", "rooms", "auth"].into_iter().enumerate() {
        let database = &manifest["databases"][place_];
        assert_eq!(database["name"], service);
        let file = format!("{service}.dump");
        let length = std::fs::metadata(place.backups().join(&name).join(&file))
            .unwrap()
            .len();
        assert_eq!(
            (&database["file"], &database["bytes"]),
            (&file.into(), &length.into())
        );
    }

    // Lost, and a new chat in its place.
    place.make_databases().await;
    place.run(RESTORE, &["begin"]);
    assert_eq!(place.all_content().await, before);
    place.run(RESTORE, &["finish"]);
    // The Job is run again although it was done: what happened since is kept.
    let mut messages = place.connect("messages").await;
    messages
        .execute("DELETE FROM messages WHERE number > 100")
        .await
        .unwrap();
    place.run(RESTORE, &["begin"]);
    place.run(RESTORE, &["finish"]);
    assert!(!place.content("messages").await.contains("message 500"));

    // The services' own migrations find what they made, and a restored chat is
    // backed up like any other.
    for service in SERVICES {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../services");
        let migrator = Migrator::new(root.join(service).join("migrations"))
            .await
            .unwrap();
        migrator
            .run(&mut place.connect(service).await)
            .await
            .unwrap();
    }
    let before = place.all_content().await;
    place.run(BACKUP, &[]);
    place.make_databases().await;
    place.run(RESTORE, &["begin"]);
    assert_eq!(place.all_content().await, before);
}

#[tokio::test]
async fn a_backup_that_is_killed_leaves_those_before_it() {
    let place = Place::filled().await;
    place.run(BACKUP, &[]);
    let first = place.whole();
    let mut rooms = place.connect("rooms").await;
    let mut lock = rooms.begin().await.unwrap();
    lock.execute("LOCK TABLE members").await.unwrap();
    let mut command = place.command(BACKUP);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    place.waits_for_a_lock("rooms").await;
    kill(child.unwrap());
    lock.rollback().await.unwrap();
    let [part] = place
        .entries(|name| name.contains("Z.part"))
        .try_into()
        .unwrap();
    let part = place.backups().join(part);
    assert!(part.join("messages.dump").exists(), "the first");
    assert!(!part.join("auth.dump").exists(), "the last");
    assert_eq!(place.whole(), first);

    place.run(BACKUP, &[]);
    assert_eq!(place.whole().len(), 2);
    assert!(place.whole().contains(&first[0]));
    assert!(!part.exists(), "it is cleared away");
    place.run(BACKUP, &[]);
    assert_eq!(place.whole().len(), 2, "as many as are kept");
    assert!(!place.whole().contains(&first[0]), "the oldest went");
}

#[tokio::test]
async fn a_backup_that_fails_says_why_and_removes_nothing() {
    let place = Place::filled().await;
    place.run(BACKUP, &[]);
    place.run(BACKUP, &[]);
    let before = place.whole();
    std::fs::write(place.password("auth"), "another").unwrap();
    let said = Place::refused(&mut place.command(BACKUP));
    assert!(
        said.starts_with("the dump of auth failed")
            && said.contains("password authentication failed"),
        "{said}"
    );
    assert_eq!(place.entries(|name| !name.starts_with('.')), before);
}

#[tokio::test]
async fn a_restore_that_is_killed_begins_again() {
    let place = Place::filled().await;
    let before = place.all_content().await;
    place.run(BACKUP, &[]);
    place.make_databases().await;
    let mut messages = place.connect("messages").await;
    let mut lock = messages.begin().await.unwrap();
    lock.execute("CREATE TABLE in_the_way ()").await.unwrap();
    let mut command = place.command(RESTORE);
    let child = command
        .arg("begin")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    place.waits_for_a_lock("messages").await;
    kill(child.unwrap());
    lock.rollback().await.unwrap();
    assert_eq!(
        place.content("auth").await,
        before[0],
        "it was in the middle"
    );
    assert_ne!(place.content("rooms").await, "", "it was in the middle");

    place.run(RESTORE, &["begin"]);
    assert_eq!(place.all_content().await, before);
    place.run(RESTORE, &["finish"]);
}

#[tokio::test]
async fn what_is_there_is_never_replaced() {
    let place = Place::filled().await;
    place.run(BACKUP, &[]);
    let before = place.all_content().await;
    let said = Place::refused(place.command(RESTORE).arg("begin"));
    assert!(
        said.contains("the database of messages is not empty"),
        "{said}"
    );
    assert_eq!(place.all_content().await, before);

    // What was restored is somebody's now.
    place.make_databases().await;
    place.run(RESTORE, &["begin"]);
    place.run(RESTORE, &["finish"]);
    let mut another = place.command(RESTORE);
    let said = Place::refused(another.env("PLAZA_RESTORE_ID", "two").arg("begin"));
    assert!(said.contains("is not empty"), "{said}");
    assert_eq!(place.all_content().await, before);
}

#[tokio::test]
async fn a_backup_that_cannot_be_restored_is_named() {
    let place = Place::empty().await;
    let said = Place::refused(place.command(RESTORE).arg("begin"));
    drop(place);
    let place = Place::filled().await;
    assert!(
        said.contains("no backup on the claim chat-backup"),
        "{said}"
    );
    place.run(BACKUP, &[]);
    let [name] = place.whole().try_into().unwrap();
    place.make_databases().await;
    let mut command = place.command(RESTORE);
    let said = Place::refused(
        command
            .env("PLAZA_RESTORE_BACKUP", "20000101T000000Z")
            .arg("begin"),
    );
    assert!(
        said.contains("no backup 20000101T000000Z") && said.contains(&name),
        "{said}"
    );
    let dump = place.backups().join(&name).join("rooms.dump");
    let mut bytes = std::fs::read(&dump).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&dump, bytes).unwrap();
    let said = Place::refused(place.command(RESTORE).arg("begin"));
    assert!(
        said.contains(&format!(
            "the backup {name} is damaged (rooms.dump: FAILED)"
        )),
        "{said}"
    );
    std::fs::remove_file(&dump).unwrap();
    let said = Place::refused(place.command(RESTORE).arg("begin"));
    assert!(said.contains("has no dump of rooms"), "{said}");
}

#[tokio::test]
async fn what_was_brought_to_a_store_comes_back_without_the_volume() {
    let (place, store) = (Place::filled().await, s3().await);
    let before = place.all_content().await;
    let backup = |job: &str| {
        let mut command = place.command(BACKUP);
        let output = command.env("PLAZA_BACKUP_JOB", job).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    };
    let brought = PushArgs {
        store: store_args(&store),
        backup_folder: place.backups(),
        backup_keep: 2,
    };
    // A Job whose store was away is tried again, and makes no second dump.
    backup("one");
    backup("one");
    let [name] = place.whole().try_into().unwrap();
    assert_eq!(push(&brought).await.unwrap(), name);
    backup("two");
    assert_eq!(place.whole().len(), 2);

    // The cluster is lost, and its volumes with it.
    std::fs::remove_dir_all(place.backups()).unwrap();
    place.make_databases().await;
    let fetched = place.folder.path().join("fetched");
    std::fs::create_dir(&fetched).unwrap();
    let args = PullArgs {
        store: store_args(&store),
        backup_folder: fetched.clone(),
        backup: "latest".into(),
    };
    assert_eq!(pull(&args).await.unwrap(), name);
    let restore = |step: &str| {
        let mut command = place.command(RESTORE);
        command.env("PLAZA_BACKUP_FOLDER", &fetched).arg(step);
        command
    };
    for step in ["begin", "finish"] {
        let output = restore(step).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }
    assert_eq!(place.all_content().await, before);

    // What a store has damaged is not restored.
    let dump = store.objects().join("default/chat").join(&name);
    let dump = dump.join("rooms.dump");
    let mut bytes = std::fs::read(&dump).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&dump, bytes).unwrap();
    std::fs::remove_dir_all(fetched.join(&name)).unwrap();
    assert_eq!(pull(&args).await.unwrap(), name);
    place.make_databases().await;
    let said = Place::refused(&mut restore("begin"));
    assert!(
        said.contains(&format!("the backup {name} is damaged")),
        "{said}"
    );
}
