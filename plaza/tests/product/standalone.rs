//! All of Plaza's own parts in one process do what they do in five.

use std::time::Duration;

use plaza_testkit::eventually;
use serde_json::Value;

use crate::support::Plaza;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn one_process_carries_a_conversation_and_loses_nothing_when_it_stops() {
    let plaza = Plaza::start_with(&["--standalone"]).await;
    let status: Value = serde_json::from_str(&plaza.ctl(&["status", "--json"])).unwrap();
    let parts = status["parts"].as_array().unwrap().iter();
    let names: Vec<_> = parts.map(|part| part["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["postgres", "redis", "centrifugo", "standalone"]);

    let (ada, ben) = (plaza.person().await, plaza.person().await);
    let room = ada.creates_room(&plaza, "One").await;
    ben.joins(&plaza, &room).await;
    let hears = async |seq: &Value| {
        let events = plaza.events(&format!("personal:{}", ben.id)).await;
        events.iter().any(|event| event["seq"] == *seq)
    };
    let first = ada.sends(&plaza, &room, "hello").await;
    eventually(SOON, async || hears(&first["seq"]).await).await;

    // What is committed when it stops is pushed before it ends, or after.
    let last = ada.sends(&plaza, &room, "one more").await;
    plaza.ctl(&["stop", "standalone"]);
    plaza.ctl(&["start", "standalone"]);
    eventually(SOON, async || hears(&last["seq"]).await).await;
    ben.sends(&plaza, &room, "still here").await;
}
