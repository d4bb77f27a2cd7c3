//! People in browsers, through the Services: `frontend/e2e/restore.ts`.

use std::time::Instant;

use serde_json::json;
use tokio::process::Command;

use crate::{
    backups::backed_up,
    chat::{Chat, READY_WITHIN, with},
    door::Door,
    node::{PATIENCE, alone, measured},
};

/// Where the browsers' tests are.
const FRONTEND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../frontend");

#[tokio::test]
async fn browsers_left_open_show_what_was_restored() {
    let _turn = alone().await;
    let mut door = Door::new().await;
    let origins = json!({"additionalOrigins": [door.origin()]});
    let chat = Chat::apply_with(with(backed_up(), &origins)).await;
    chat.settled(READY_WITHIN).await;
    door.leads_to(&chat).await;

    let mut browsers = Command::new("npm")
        .args(["run", "--silent", "e2e:restore"])
        .current_dir(FRONTEND)
        .env("PLAZA_E2E_URL", door.origin())
        .kill_on_drop(true)
        .spawn()
        .expect("npm on PATH");
    let mut backup = None;
    loop {
        let step = tokio::select! {
            step = door.step() => step,
            done = browsers.wait() => {
                let done = done.unwrap();
                assert!(done.success(), "the browsers' test: {done}");
                break;
            }
        };
        let began = Instant::now();
        match step.name.as_str() {
            "backup" => {
                backup = Some(chat.backs_up("browsers").await);
                measured("backed up", began, PATIENCE);
            }
            "restore" => {
                let backup = backup.as_ref().expect("a backup that was asked for");
                chat.begins_again_with(backup, origins.clone()).await;
                door.leads_to(&chat).await;
                measured("restored, beside open browsers", began, READY_WITHIN);
            }
            other => panic!("the browsers' test asks for {other}"),
        }
        step.finish();
    }
    assert!(backup.is_some(), "no backup was asked for");
    chat.remove().await;
}
