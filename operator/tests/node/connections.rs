//! Centrifugos come with connections and go with them, and nobody misses
//! anything.

use std::time::{Duration, Instant};

use futures::future::join_all;
use plaza_testkit::eventually;
use serde_json::json;

use crate::{
    chat::{Chat, READY_WITHIN},
    listener::{Listener, heard_after, talk},
    node::{PATIENCE, alone, measured},
    people::Person,
    writer::all_there,
};

/// Connections of one pod at which more are wanted.
const TARGET: usize = 20;
/// For three pods, as one of them would be too full for two.
const CROWD: usize = 45;
/// For the half minute in which more are wanted, and a pod.
const UP_WITHIN: Duration = Duration::from_mins(2);
/// For two pods, each a while after fewer were enough, and drained.
const DOWN_WITHIN: Duration = Duration::from_mins(4);

#[tokio::test]
async fn centrifugo_scales_with_its_connections_and_back() {
    let _turn = alone().await;
    let chat = Chat::apply_with(json!({"centrifugo": {"autoscaling": {
        "minReplicas": 1, "maxReplicas": 3,
        "targetConnections": TARGET, "scaleDownStabilizationSeconds": 15,
    }}}))
    .await;
    chat.settled(READY_WITHIN).await;
    let (ada, ben, room) = chat.people().await;
    let (listener, writer) = talk(&ada, &ben, &room).await;
    assert_eq!(chat.ready("centrifugo").await, 1);

    let began = Instant::now();
    let crowd = connections(&ben).await;
    of_them(&chat, 3, UP_WITHIN).await;
    measured(
        "connections, until three Centrifugos are ready",
        began,
        UP_WITHIN,
    );
    // Those that come now are anywhere, and hear the same.
    let other = Listener::of(&ben);
    heard_after(&writer, &other, Instant::now(), PATIENCE).await;
    chat.condition("Scaling", "True", PATIENCE).await;

    let began = Instant::now();
    drop(crowd);
    of_them(&chat, 1, DOWN_WITHIN).await;
    measured("none of them, until one is left", began, DOWN_WITHIN);
    heard_after(&writer, &listener, Instant::now(), PATIENCE).await;
    heard_after(&writer, &other, Instant::now(), PATIENCE).await;
    assert_eq!(writer.failures(), Vec::<String>::new());
    let accepted = writer.stop().await;
    all_there(&ada, &room, &accepted).await;
    chat.remove().await;
}

/// A crowd that listens, when each of it is connected.
async fn connections(person: &Person) -> Vec<Listener> {
    let crowd: Vec<Listener> = (0..CROWD).map(|_| Listener::of(person)).collect();
    let connected = crowd.iter().map(Listener::hears);
    join_all(connected).await;
    crowd
}

/// Until so many Centrifugos are ready, and no other is there.
async fn of_them(chat: &Chat, count: usize, patience: Duration) {
    eventually(patience, async || {
        let there = chat.pods("centrifugo").await.len();
        let ready = chat.ready("centrifugo").await;
        (there == count && ready == count)
            .then_some(())
            .ok_or((there, ready))
    })
    .await;
}
