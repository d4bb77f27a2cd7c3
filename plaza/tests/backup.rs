//! `plaza backup` as the operator's Jobs run it, against a real store.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::{
    fs,
    process::{Command, Output},
};

use plaza_testkit::{TestStore, s3};
use tempfile::TempDir;

const NAME: &str = "20260131T030000Z";

fn run(what: &str, store: &TestStore, folder: &TempDir, backups: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plaza"))
        .args(["backup", what])
        .env("PLAZA_BACKUP_FOLDER", folder.path().join(backups))
        .env("PLAZA_S3_ENDPOINT", &store.endpoint)
        .env("PLAZA_S3_BUCKET", &store.bucket)
        .env("PLAZA_S3_PREFIX", "default/chat")
        .env("PLAZA_S3_ACCESS_KEY_ID_FILE", folder.path().join("id"))
        .env(
            "PLAZA_S3_SECRET_ACCESS_KEY_FILE",
            folder.path().join("secret"),
        )
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    format!("{out}{}", String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_backup_goes_there_and_back_and_the_last_line_says_what_is_wrong() {
    let store = s3().await;
    let folder = TempDir::new().unwrap();
    let backup = folder.path().join("here").join(NAME);
    fs::create_dir_all(&backup).unwrap();
    fs::create_dir(folder.path().join("there")).unwrap();
    fs::write(backup.join("auth.dump"), "rows").unwrap();
    fs::write(backup.join("manifest.json"), "{}").unwrap();
    fs::write(folder.path().join("id"), &store.access_key_id).unwrap();
    fs::write(folder.path().join("secret"), &store.secret_access_key).unwrap();
    for (what, backups) in [("push", "here"), ("pull", "there")] {
        let output = run(what, &store, &folder, backups);
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains(NAME), "{}", said(&output));
        assert!(!said(&output).contains(&store.secret_access_key));
    }
    let fetched = folder.path().join("there").join(NAME).join("auth.dump");
    assert_eq!(fs::read_to_string(fetched).unwrap(), "rows");

    fs::write(folder.path().join("secret"), "another").unwrap();
    let output = run("push", &store, &folder, "here");
    assert!(!output.status.success());
    let said = said(&output);
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("plaza: the store http://127.0.0.1:")
            && last.contains("does not accept the secret access key: check the Secret"),
        "{said}"
    );
    assert!(
        !said.contains("X-Amz-Signature") && !said.contains("another\n"),
        "{said}"
    );
}
