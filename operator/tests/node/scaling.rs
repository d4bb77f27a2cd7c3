//! A HorizontalPodAutoscaler adds pods under load and takes them away after it,
//! and people notice nothing.

use std::time::{Duration, Instant};

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use plaza_testkit::eventually;
use serde_json::json;
use tokio::{task::JoinSet, time};

use crate::{
    chat::{Chat, NAME, READY_WITHIN},
    listener::{heard_after, talk},
    node::{PATIENCE, alone, measured},
    people::Person,
    writer::all_there,
};

/// Until metrics of a new pod are known, and the HorizontalPodAutoscaler has
/// looked at them.
const UP_WITHIN: Duration = Duration::from_mins(3);
/// For the five minutes of less load that Kubernetes waits by itself, and then
/// the same.
const DOWN_WITHIN: Duration = Duration::from_mins(8);
/// How many ask all the time.
const ASKING: usize = 16;
/// Between an answer and the next request of the same one: each request is a
/// connection, whose port is not free again for a minute.
const PAUSE: Duration = Duration::from_millis(40);

#[tokio::test]
async fn the_gateway_scales_with_its_load_and_back() {
    let _turn = alone().await;
    // Half of it is more than a program without optimizations takes for those
    // two who talk, and less than an optimized one takes for all who ask.
    let chat = Chat::apply_with(json!({"gateway": {
        "autoscaling": {"minReplicas": 1, "maxReplicas": 2, "targetCpuPercent": 50},
        "resources": {"requests": {"cpu": "120m"}},
    }}))
    .await;
    chat.settled(READY_WITHIN).await;
    let (ada, ben, room) = chat.people().await;
    let (listener, writer) = talk(&ada, &ben, &room).await;
    // It has begun by itself with the least.
    assert_eq!(chat.ready("gateway").await, 1);

    let began = Instant::now();
    let asking = ask_all_the_time(&ben);
    eventually(UP_WITHIN, async || {
        let ready = chat.ready("gateway").await;
        if ready == 2 {
            return Ok(());
        }
        Err((ready, chat.autoscaler().await.status))
    })
    .await;
    measured("load, until two gateways are ready", began, UP_WITHIN);
    chat.settled(PATIENCE).await;
    drop(asking);

    let began = Instant::now();
    eventually(DOWN_WITHIN, async || {
        let pods = chat.pods("gateway").await.len();
        if pods == 1 {
            return Ok(());
        }
        Err((pods, chat.autoscaler().await.status))
    })
    .await;
    measured("no load, until there is one gateway", began, DOWN_WITHIN);
    chat.settled(PATIENCE).await;
    heard_after(&writer, &listener, Instant::now(), PATIENCE).await;
    assert_eq!(writer.failures(), Vec::<String>::new());
    let accepted = writer.stop().await;
    all_there(&ada, &room, &accepted).await;
    chat.remove().await;
}

/// Requests without end, until this is dropped. What is answered does not
/// matter: a refusal is work for the gateway as well.
fn ask_all_the_time(person: &Person) -> JoinSet<()> {
    let mut asking = JoinSet::new();
    for _ in 0..ASKING {
        let person = person.clone();
        asking.spawn(async move {
            loop {
                let _ = person.ask("{ me { id } }", json!({})).await;
                time::sleep(PAUSE).await;
            }
        });
    }
    asking
}

impl Chat {
    async fn autoscaler(&self) -> HorizontalPodAutoscaler {
        let name = format!("{NAME}-gateway");
        self.api().get(&name).await.unwrap()
    }
}
