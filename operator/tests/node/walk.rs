//! What docs/operating.md tells a cluster operator to do, from nothing to an
//! upgrade: its own commands, one after another.

use std::{
    os::unix::fs::symlink,
    path::Path,
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams},
};
use plaza_operator::api::ChatDeployment;
use plaza_testkit::eventually;
use serde_json::json;
use tempfile::TempDir;
use tokio::{fs, process::Command};

use crate::{
    chat::Chat,
    node::{self, PATIENCE, alone, measured},
    upgrade::next,
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const DOCUMENT: &str = include_str!("../../../docs/operating.md");
const SECTION: &str = "\n## In Kubernetes\n";
/// The namespace that the commands make, and the chat of the restore.
const NAMESPACE: &str = "chats";
const RESTORED: &str = "new-chat";
/// For each step; of a cluster that has the images.
const WITHIN: Duration = Duration::from_mins(4);

/// The section's blocks of commands.
fn steps() -> Vec<&'static str> {
    let (_, section) = DOCUMENT.split_once(SECTION).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("\n```sh\n").skip(1);
    blocks
        .map(|block| block.split("\n```").next().unwrap())
        .collect()
}

/// Where the commands are typed: as in the repository, with a kubeconfig whose
/// namespace may be changed.
struct Desk(TempDir);

impl Desk {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        for name in ["charts", "k8s"] {
            symlink(Path::new(ROOT).join(name), folder.path().join(name)).unwrap();
        }
        let kubeconfig = std::env::var("KUBECONFIG").unwrap();
        fs::copy(kubeconfig, folder.path().join("kubeconfig"))
            .await
            .unwrap();
        fs::write(folder.path().join("root-password"), "correct horse battery")
            .await
            .unwrap();
        Self(folder)
    }

    async fn step(&self, what: &str, commands: &str) {
        let began = Instant::now();
        let done = Command::new("bash")
            .args(["-euo", "pipefail", "-c", commands])
            .current_dir(self.0.path())
            .env("KUBECONFIG", self.0.path().join("kubeconfig"))
            .kill_on_drop(true)
            .output()
            .await
            .expect("bash, with kubectl and helm on PATH");
        let said = String::from_utf8_lossy(&done.stdout);
        let complained = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{commands}\n{said}\n{complained}");
        measured(&format!("operating.md, {what}"), began, WITHIN);
    }
}

#[tokio::test]
async fn the_commands_of_operating_md_lead_from_nothing_to_an_upgrade() {
    let _turn = alone().await;
    let client = node::client().await;
    node::uninstall(&client).await;
    let [install, backup, restore, upgrade] = steps()[..] else {
        panic!("{:#?}", steps());
    };
    let desk = Desk::new().await;

    desk.step("from nothing to a chat", install).await;
    // As the namespaces of all other tests are.
    let rules = json!({"metadata": {"labels": node::labels()}});
    Api::<Namespace>::all(client.clone())
        .patch(NAMESPACE, &PatchParams::default(), &Patch::Merge(rules))
        .await
        .unwrap();
    let chat = Chat {
        client: client.clone(),
        namespace: NAMESPACE.to_owned(),
    };
    let (ada, _, room) = chat.people().await;
    let kept = chat.writes(&ada, &room).await;

    desk.step("a backup", backup).await;
    chat.writes(&ada, &room).await;

    desk.step("a restore", restore).await;
    let there = ada.moved(
        chat.address_of(RESTORED, "gateway").await,
        chat.address_of(RESTORED, "centrifugo").await,
    );
    let history = eventually(PATIENCE, async || there.history(&room).await).await;
    assert_eq!(history, kept, "what the backup has");
    // A node of two processors has no place for it beside an upgrade.
    let chats = chat.api::<ChatDeployment>();
    chats
        .delete(RESTORED, &DeleteParams::default())
        .await
        .unwrap();

    desk.step("an upgrade", &upgrade.replace("X.Y.Z", &next()))
        .await;
    let pods = chat.pods("messages").await;
    let image = pods[0].spec.as_ref().unwrap().containers[0].image.clone();
    assert!(image.unwrap().ends_with(&format!(":{}", next())));
    chat.remove().await;
}
