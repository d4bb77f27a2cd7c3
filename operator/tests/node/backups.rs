//! A chat is backed up, loses its data, and begins again with the backup.

use std::time::Instant;

use k8s_openapi::{
    api::core::v1::{PersistentVolumeClaim, Secret},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use plaza_operator::api::ChatDeployment;
use plaza_testkit::eventually;
use serde_json::{Value, json};

use crate::{
    chat::{Chat, NAME, READY_WITHIN, with},
    listener::talk,
    node::{PATIENCE, alone, measured},
    people::{Person, Room},
};

/// How much is written before a backup and after it.
const MESSAGES: usize = 20;
/// The claim of the databases.
pub(crate) const DATA: &str = "data-chat-postgres-0";
/// The claim of the backups.
pub(crate) const BACKUPS: &str = "chat-backup";

#[tokio::test]
async fn a_chat_that_lost_its_data_begins_again_with_its_backup() {
    let _turn = alone().await;
    let chat = Chat::apply_with(backed_up()).await;
    chat.settled(READY_WITHIN).await;
    let (ada, ben, room) = chat.people().await;
    let kept = chat.writes(&ada, &room).await;
    let epoch = ada.epoch(&room).await.unwrap();

    let began = Instant::now();
    let backup = chat.backs_up("first").await;
    measured("backed up", began, PATIENCE);
    let lost = chat.writes(&ada, &room).await;
    let all: Vec<String> = kept.iter().chain(&lost).cloned().collect();
    assert_eq!(ada.history(&room).await.unwrap(), all);

    let began = Instant::now();
    chat.begins_again_with(&backup, json!({})).await;
    measured(
        "deleted with its data, restored, ready",
        began,
        READY_WITHIN,
    );
    // With the keys, nobody has to log in again.
    let (ada, ben) = (ada.at(&chat).await, ben.at(&chat).await);
    let history = ada.history(&room).await;
    assert_eq!(history, Ok(kept.clone()), "what the backup has");
    assert_ne!(ada.epoch(&room).await.unwrap(), epoch);

    // The chat goes on from there, live as well.
    let (_listener, writer) = talk(&ada, &ben, &room).await;
    let accepted = writer.stop().await;
    let now = kept
        .into_iter()
        .chain(accepted.into_iter().map(|one| one.id));
    assert_eq!(ada.history(&room).await.unwrap(), now.collect::<Vec<_>>());

    // The claim of the backups stayed, and takes the next one.
    let next = chat.backs_up("second").await;
    assert!(next > backup, "{next} after {backup}");
    chat.remove().await;
}

/// What a chat's spec has so that it is backed up: never by itself here.
pub(crate) fn backed_up() -> Value {
    json!({"backup": {"suspend": true, "volume": {"size": "1Gi"}}})
}

impl Chat {
    /// Somebody writes some messages; their ids.
    pub(crate) async fn writes(&self, person: &Person, room: &Room) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..MESSAGES {
            let client_id = plaza_types::MessageId::new().to_string();
            ids.push(person.sends(room, &client_id).await.unwrap());
        }
        ids
    }

    /// Has it backed up now; the backup's name.
    pub(crate) async fn backs_up(&self, word: &str) -> String {
        let chats = self.api::<ChatDeployment>();
        let before = chats.get(NAME).await.unwrap().status.unwrap_or_default();
        let asked = json!({"metadata": {"annotations": {"plaza.dev/backup": word}}});
        chats
            .patch(NAME, &PatchParams::default(), &Patch::Merge(asked))
            .await
            .unwrap();
        let name = eventually(PATIENCE, async || {
            let status = chats.get(NAME).await.unwrap().status.unwrap_or_default();
            let backup = status.last_backup.clone();
            backup
                .filter(|_| status.last_backup != before.last_backup)
                .and_then(|backup| backup.name)
                .ok_or(status)
        })
        .await;
        self.condition("BackupSucceeded", "True", PATIENCE).await;
        name
    }

    /// Deletes the chat with its data, and makes it again with a backup, as
    /// docs/operator.md says. The keys are kept.
    pub(crate) async fn begins_again_with(&self, backup: &str, more: Value) {
        let mut spec = backed_up();
        spec["restore"] = json!({"claimName": BACKUPS, "backup": backup});
        self.begins_again(&[DATA], with(spec, &more)).await;
    }

    /// Deletes the chat and these claims, and makes it again by a spec that
    /// restores it. The keys are kept.
    pub(crate) async fn begins_again(&self, claims: &[&str], spec: Value) {
        let secrets = self.api::<Secret>();
        let keys = secrets.get(&format!("{NAME}-keys")).await.unwrap();
        self.delete().await;
        let volumes = self.api::<PersistentVolumeClaim>();
        for claim in claims {
            volumes
                .delete(claim, &DeleteParams::default())
                .await
                .unwrap();
        }
        let kept = Secret {
            metadata: ObjectMeta {
                name: keys.metadata.name,
                ..ObjectMeta::default()
            },
            data: keys.data,
            type_: keys.type_,
            ..Secret::default()
        };
        secrets.create(&PostParams::default(), &kept).await.unwrap();
        self.create_with(spec).await;
        self.condition("Restored", "True", READY_WITHIN).await;
        self.settled(READY_WITHIN).await;
    }
}
