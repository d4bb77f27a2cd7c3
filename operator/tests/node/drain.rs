//! A node is drained: pods are evicted as their budgets allow, and people
//! notice nothing.

use std::time::{Duration, Instant};

use futures::future::join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::{Error, ResourceExt as _, api::EvictParams};
use tokio::time;

use crate::{
    chat::{Chat, STATELESS},
    listener::{heard_after, talk},
    node::{PATIENCE, alone, measured},
    writer::all_there,
};

/// For two pods of each part, one of each at a time.
const WITHIN: Duration = Duration::from_mins(4);
/// Until an eviction that a budget forbids is tried again.
const AGAIN: Duration = Duration::from_millis(500);
/// The API server's answer to an eviction that a budget forbids.
const NOT_NOW: u16 = 429;

#[tokio::test]
async fn a_drained_node_refuses_nobody() {
    let _turn = alone().await;
    let chat = Chat::of_two().await;
    let (ada, ben, room) = chat.people().await;
    let (listener, writer) = talk(&ada, &ben, &room).await;

    let began = Instant::now();
    join_all(STATELESS.map(|part| evict(&chat, part))).await;
    measured("all pods of six parts evicted", began, WITHIN);
    chat.settled(PATIENCE).await;
    heard_after(&writer, &listener, Instant::now(), PATIENCE).await;

    assert_eq!(writer.failures(), Vec::<String>::new());
    let accepted = writer.stop().await;
    all_there(&ada, &room, &accepted).await;
}

/// Evicts the pods of a part as `kubectl drain` does: all of them, each tried
/// again while its budget forbids it, here or in the client.
async fn evict(chat: &Chat, part: &str) {
    let pods = chat.api::<Pod>();
    let before = chat.pods(part).await;
    assert_eq!(before.len(), 2, "{part}");
    for pod in &before {
        let name = pod.name_any();
        let since = Instant::now();
        loop {
            match pods.evict(&name, &EvictParams::default()).await {
                Ok(_) => {
                    // After the second one: there is another in place of
                    // the first by then.
                    let ready = chat.ready(part).await;
                    assert!(ready > 0, "{part}: nobody serves");
                    break;
                }
                Err(Error::Api(status)) if status.code == NOT_NOW => {
                    assert!(since.elapsed() < WITHIN, "{name}: {}", status.message);
                }
                Err(error) => panic!("{name}: {error}"),
            }
            time::sleep(AGAIN).await;
        }
    }
}
