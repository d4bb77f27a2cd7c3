//! Against a real store.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails where something is not as it should be"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use plaza_backup::{PullArgs, PushArgs, StoreArgs, pull, push};
use plaza_testkit::{TestStore, eventually, s3, tls_s3};
use tempfile::TempDir;

/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// More than two parts of an upload.
const LARGE: usize = (34 << 20) + 7;

struct Place {
    store: TestStore,
    folder: TempDir,
}

impl Place {
    async fn new() -> Self {
        Self::with(s3().await)
    }

    fn with(store: TestStore) -> Self {
        let folder = TempDir::new().unwrap();
        for name in ["here", "there"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { store, folder }
    }

    fn here(&self) -> PathBuf {
        self.folder.path().join("here")
    }

    fn there(&self) -> PathBuf {
        self.folder.path().join("there")
    }

    /// A whole backup of this name, whose largest file is as long.
    fn make(&self, name: &str, length: usize) {
        let folder = self.here().join(name);
        fs::create_dir(&folder).unwrap();
        let mut bytes = vec![0; length];
        fastrand::Rng::with_seed(7).fill(&mut bytes);
        fs::write(folder.join("auth.dump"), "auth").unwrap();
        fs::write(folder.join("messages.dump"), bytes).unwrap();
        fs::write(folder.join("rooms.dump"), "").unwrap();
        fs::write(folder.join("manifest.json"), name).unwrap();
    }

    fn args(&self) -> StoreArgs {
        StoreArgs {
            s3_endpoint: self.store.endpoint.clone(),
            s3_bucket: self.store.bucket.clone(),
            s3_region: "us-east-1".into(),
            s3_prefix: "team/chat".into(),
            s3_path_style: true,
            s3_ca_file: None,
            s3_access_key_id: Some(self.store.access_key_id.clone().into()),
            s3_access_key_id_file: None,
            s3_secret_access_key: Some(self.store.secret_access_key.clone().into()),
            s3_secret_access_key_file: None,
        }
    }

    fn push(&self, change: impl FnOnce(&mut StoreArgs)) -> PushArgs {
        let mut store = self.args();
        change(&mut store);
        PushArgs {
            store,
            backup_folder: self.here(),
            backup_keep: 2,
        }
    }

    fn pull(&self, backup: &str) -> PullArgs {
        PullArgs {
            store: self.args(),
            backup_folder: self.there(),
            backup: backup.to_owned(),
        }
    }

    async fn pushed(&self) -> String {
        push(&self.push(|_| {})).await.unwrap()
    }

    async fn refused(&self, change: impl FnOnce(&mut StoreArgs)) -> String {
        push(&self.push(change)).await.unwrap_err().to_string()
    }

    /// Files of a backup in the store.
    fn stored(&self, name: &str) -> Vec<String> {
        let folder = self.store.objects().join("team/chat").join(name);
        if folder.exists() {
            content(&folder).into_keys().collect()
        } else {
            Vec::new()
        }
    }
}

fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect()
}

const ONE: &str = "20260101T030000Z";
const TWO: &str = "20260102T030000Z";
const THREE: &str = "20260103T030000Z";

#[tokio::test]
async fn what_is_fetched_is_what_was_brought() {
    let place = Place::new().await;
    place.make(ONE, LARGE);
    assert_eq!(place.pushed().await, ONE);
    place.make(TWO, 3);
    assert_eq!(place.pushed().await, TWO);
    for (asked, name) in [("latest", TWO), (ONE, ONE)] {
        assert_eq!(pull(&place.pull(asked)).await.unwrap(), name);
        let fetched = content(&place.there().join(name));
        assert!(fetched == content(&place.here().join(name)), "{name}");
    }
    // Again: nothing is left undone, and nothing is done.
    assert_eq!(place.pushed().await, TWO);
    assert_eq!(pull(&place.pull("latest")).await.unwrap(), TWO);
}

#[tokio::test]
async fn as_many_as_are_kept_stay_and_what_was_missed_is_made_up_for() {
    let place = Place::new().await;
    place.make(ONE, 3);
    place.pushed().await;
    place.make(TWO, 3);
    place.make(THREE, 3);
    // Of somebody else: another folder, and no backup's name.
    let others = place.store.objects().join("team/chat/notes");
    fs::create_dir(&others).unwrap();
    fs::write(others.join("manifest.json"), "").unwrap();
    place.pushed().await;
    assert_eq!(place.stored(ONE).len(), 0, "the oldest went");
    assert_eq!(place.stored(TWO).len(), 4);
    assert_eq!(place.stored(THREE).len(), 4);
    assert!(others.join("manifest.json").exists());
    // A backup that is gone here stays there.
    fs::remove_dir_all(place.here().join(TWO)).unwrap();
    place.pushed().await;
    assert_eq!(place.stored(TWO).len(), 4);
}

#[tokio::test]
async fn what_was_interrupted_counts_as_nothing_and_is_cleared_away() {
    let place = Place::new().await;
    place.make(ONE, 3);
    place.pushed().await;
    place.make(TWO, LARGE);
    let begun = place
        .store
        .objects()
        .join("team/chat")
        .join(TWO)
        .join("auth.dump");
    tokio::select! {
        _ = place.pushed() => panic!("it was done too soon"),
        () = eventually(PATIENCE, async || begun.exists()) => {}
    }
    assert!(!place.stored(TWO).contains(&"manifest.json".to_owned()));
    assert_eq!(pull(&place.pull("latest")).await.unwrap(), ONE);
    let error = pull(&place.pull(TWO)).await.unwrap_err().to_string();
    assert!(
        error.contains(&format!("no whole backup {TWO}")) && error.ends_with(&format!("has {ONE}")),
        "{error}"
    );
    // It is not on the volume any more: nothing of it stays in the store.
    fs::remove_dir_all(place.here().join(TWO)).unwrap();
    place.make(THREE, 3);
    place.pushed().await;
    assert_eq!(place.stored(TWO), Vec::<String>::new());
    assert_eq!(place.stored(ONE).len(), 4);
    assert_eq!(pull(&place.pull("latest")).await.unwrap(), THREE);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_leaves_no_manifest() {
    let place = Place::new().await;
    place.make(ONE, 3);
    fs::create_dir(place.here().join(ONE).join("z.dump")).unwrap();
    let error = place.refused(|_| {}).await;
    assert!(
        error.contains("cannot read") && error.contains("z.dump"),
        "{error}"
    );
    assert_eq!(
        place.stored(ONE),
        ["auth.dump", "messages.dump", "rooms.dump"]
    );
    let error = pull(&place.pull("latest")).await.unwrap_err().to_string();
    assert!(error.contains("there is no whole backup at"), "{error}");
    fs::remove_dir(place.here().join(ONE).join("z.dump")).unwrap();
    place.pushed().await;
    assert_eq!(pull(&place.pull("latest")).await.unwrap(), ONE);
}

#[tokio::test]
async fn what_is_wrong_says_what_to_do() {
    let mut place = Place::new().await;
    let error = place.refused(|_| {}).await;
    assert!(error.starts_with("there is no whole backup in"), "{error}");
    place.make(ONE, 3);
    let error = place
        .refused(|args| args.s3_bucket = "elsewhere".into())
        .await;
    assert!(
        error.contains(
            "has no bucket elsewhere: create it, or name another (HTTP 404, NoSuchBucket"
        ),
        "{error}"
    );
    let error = place
        .refused(|args| args.s3_access_key_id = Some("nobody".to_owned().into()))
        .await;
    assert!(
        error.contains("does not know the access key's id: check the Secret"),
        "{error}"
    );
    let error = place
        .refused(|args| args.s3_secret_access_key = Some("wrong".to_owned().into()))
        .await;
    assert!(
        error.contains("does not accept the secret access key") && !error.contains("wrong"),
        "{error}"
    );
    let error = place
        .refused(|args| args.s3_region = "elsewhere".into())
        .await;
    assert!(error.contains("elsewhere"), "{error}");
    let error = place
        .refused(|args| args.s3_prefix = "../other".into())
        .await;
    assert!(error.starts_with("PLAZA_S3_PREFIX"), "{error}");
    let error = place.refused(|args| args.s3_access_key_id = None).await;
    assert!(
        error.starts_with("PLAZA_S3_ACCESS_KEY_ID is not set"),
        "{error}"
    );
    assert_eq!(place.stored(ONE), Vec::<String>::new());
    place.store.kill().await;
    let error = place.refused(|_| {}).await;
    assert!(
        error.contains("cannot be reached")
            && error.contains("check the endpoint")
            && !error.contains("X-Amz"),
        "{error}"
    );
}

#[tokio::test]
async fn its_certificate_is_checked() {
    let place = Place::with(tls_s3().await);
    plaza_kit::install_crypto();
    place.make(ONE, 3);
    let error = place.refused(|_| {}).await;
    assert!(
        error.contains("cannot be reached") && error.contains("certificate"),
        "{error}"
    );
    let file = place.folder.path().join("ca.crt");
    fs::write(&file, place.store.authority.as_ref().unwrap()).unwrap();
    let args = place.push(|args| args.s3_ca_file = Some(file.clone()));
    push(&args).await.unwrap();
    assert_eq!(place.stored(ONE).len(), 4);
    fs::write(&file, "nothing").unwrap();
    let error = push(&args).await.unwrap_err().to_string();
    assert!(error.contains("holds no certificates"), "{error}");
}
