//! Signing keys and passwords are rotated, and people go on.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Patch, PatchParams};
use plaza_operator::api::ChatDeployment;
use plaza_testkit::eventually;
use serde_json::json;

use crate::{
    chat::{Chat, NAME},
    listener::{Listener, heard_after, talk},
    node::{PATIENCE, alone, measured},
    writer::all_there,
};

/// A key is known for a minute before it signs; then a Job tries again with
/// growing pauses.
const ROTATED_WITHIN: Duration = Duration::from_mins(4);
/// For the store, and all that connects to it, to start anew.
const SENDS_AGAIN: Duration = Duration::from_mins(1);

#[tokio::test]
async fn signing_keys_are_rotated_and_nobody_notices() {
    let _turn = alone().await;
    let chat = Chat::shared().await;
    let (ada, ben, room) = chat.people().await;
    let (listener, writer) = talk(&ada, &ben, &room).await;

    let began = Instant::now();
    let asked = json!({"metadata": {"annotations": {"plaza.dev/rotate-keys": "now"}}});
    chat.api::<ChatDeployment>()
        .patch(NAME, &PatchParams::default(), &Patch::Merge(asked))
        .await
        .unwrap();
    chat.condition("KeysRotated", "True", ROTATED_WITHIN).await;
    measured("signing keys rotated", began, ROTATED_WITHIN);
    // Ada's token is of the former key, and those of newcomers are of the next.
    heard_after(&writer, &listener, Instant::now(), PATIENCE).await;
    let (eve, _, _) = chat.people().await;
    eve.joins(&room).await;
    let newcomer = Listener::of(&eve);
    heard_after(&writer, &newcomer, Instant::now(), PATIENCE).await;

    assert_eq!(writer.failures(), Vec::<String>::new());
    listener.has_heard(&writer.accepted_since(began)).await;
    let accepted = writer.stop().await;
    all_there(&ada, &room, &accepted).await;
}

#[tokio::test]
async fn the_passwords_of_a_managed_postgres_are_made_anew() {
    let _turn = alone().await;
    let chat = Chat::shared().await;
    let (ada, ben, room) = chat.people().await;
    let (listener, writer) = talk(&ada, &ben, &room).await;

    let secrets = chat.api::<Secret>();
    let name = format!("{NAME}-postgres");
    let before = secrets.get(&name).await.unwrap();
    let began = Instant::now();
    secrets
        .delete(&name, &DeleteParams::default())
        .await
        .unwrap();
    eventually(PATIENCE, async || {
        let now = secrets.get_opt(&name).await.unwrap();
        now.is_some_and(|now| now.data != before.data)
    })
    .await;
    chat.condition("Progressing", "True", PATIENCE).await;
    chat.settled(PATIENCE).await;
    measured(
        "passwords of PostgreSQL rotated, ready again",
        began,
        PATIENCE,
    );
    writer.accepted_after(Instant::now(), SENDS_AGAIN).await;
    heard_after(&writer, &listener, Instant::now(), PATIENCE).await;
    eprintln!("    {} tries failed meanwhile", writer.failures().len());
    let accepted = writer.stop().await;
    all_there(&ada, &room, &accepted).await;
}
