//! Another version, with a migration, replaces every pod, and people notice
//! nothing.

use std::time::{Duration, Instant};

use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{
    ResourceExt,
    api::{ListParams, LogParams},
};
use plaza_operator::api::ChatDeployment;
use plaza_testkit::eventually;
use serde_json::json;

use crate::{
    chat::{Chat, NAME},
    listener::{heard_after, talk},
    node::{PATIENCE, alone, measured},
    writer::all_there,
};

/// For the migration, and two pods of five parts, one after another.
const WITHIN: Duration = Duration::from_mins(5);
/// What `k8s/images/build next` brings the messages' database to.
const SCHEMA: &str = r#""schema":1000000"#;

/// The version of `k8s/images/build next`.
pub(crate) fn next() -> String {
    let (minor, patch) = env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap();
    format!("{minor}.{}", patch.parse::<u64>().unwrap() + 1)
}

#[tokio::test]
async fn an_upgrade_refuses_nobody() {
    let _turn = alone().await;
    let chat = Chat::of_two().await;
    let (ada, ben, room) = chat.people().await;
    let (listener, writer) = talk(&ada, &ben, &room).await;

    let began = Instant::now();
    chat.change(json!({"version": next()})).await;
    let chats = chat.api::<ChatDeployment>();
    eventually(WITHIN, async || {
        let status = chats.get(NAME).await.unwrap().status.unwrap();
        let there = status.version == Some(next());
        there.then_some(()).ok_or(status)
    })
    .await;
    chat.settled(WITHIN).await;
    measured("upgrade of two pods of each part", began, WITHIN);
    assert!(
        migrated(&chat).await.contains(SCHEMA),
        "the migration of the next version"
    );
    for part in ["gateway", "auth", "rooms", "messages", "publisher"] {
        let pods = chat.pods(part).await;
        assert_eq!(pods.len(), 2, "{part}");
        for pod in pods {
            let image = pod.spec.unwrap().containers[0].image.clone().unwrap();
            assert!(image.ends_with(&format!(":{}", next())), "{image}");
        }
    }

    heard_after(&writer, &listener, Instant::now(), Duration::from_secs(5)).await;
    assert_eq!(writer.failures(), Vec::<String>::new());
    // Centrifugo is the same, so the listener was connected all the time.
    listener.has_heard(&writer.accepted_since(began)).await;
    let accepted = writer.stop().await;
    all_there(&ada, &room, &accepted).await;
}

/// What the one Job that is left has said.
async fn migrated(chat: &Chat) -> String {
    let jobs = chat.api::<Job>();
    let job = eventually(PATIENCE, async || {
        let found = jobs.list(&ListParams::default()).await.unwrap();
        let names: Vec<String> = found.iter().map(ResourceExt::name_any).collect();
        <[String; 1]>::try_from(names)
    })
    .await;
    let pods = chat.api::<Pod>();
    let of_job = ListParams::default().labels(&format!("job-name={}", job[0]));
    let pod = pods.list(&of_job).await.unwrap().items[0].name_any();
    pods.logs(&pod, &LogParams::default()).await.unwrap()
}
