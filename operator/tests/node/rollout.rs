//! A change of settings replaces pods, and people notice nothing.

use std::time::{Duration, Instant};

use plaza_testkit::eventually;
use serde_json::json;

use crate::{
    chat::Chat,
    listener::{Listener, heard_after},
    node::{alone, measured},
    writer::{Writer, all_there},
};

/// For the pods of four parts, one of each at a time.
const WITHIN: Duration = Duration::from_mins(3);
const SERVICES: [&str; 4] = ["gateway", "auth", "rooms", "messages"];

#[tokio::test]
async fn a_rollout_refuses_nobody() {
    let _turn = alone().await;
    let chat = Chat::shared().await;
    let (ada, ben, room) = chat.people().await;
    let listener = Listener::of(&ben);
    let writer = Writer::start(&ada, &room);
    let mut before = Vec::new();
    for part in SERVICES {
        before.extend(chat.uids(part).await);
    }

    let began = Instant::now();
    let louder = json!({"env": [{"name": "PLAZA_LOG", "value": "debug"}]});
    let change = SERVICES.map(|part| (part.to_owned(), louder.clone()));
    chat.change(change.into_iter().collect()).await;
    eventually(WITHIN, async || {
        let mut now = Vec::new();
        for part in SERVICES {
            now.extend(chat.uids(part).await);
        }
        let old = now.iter().filter(|uid| before.contains(uid)).count();
        (old == 0 && now.len() == SERVICES.len())
            .then_some(())
            .ok_or((old, now.len()))
    })
    .await;
    chat.settled(WITHIN).await;
    measured("rollout of the four services", began, WITHIN);

    heard_after(&writer, &listener, Instant::now(), Duration::from_secs(5)).await;
    assert_eq!(writer.failures(), Vec::<String>::new());
    let accepted = writer.stop().await;
    all_there(&ada, &room, &accepted).await;
    chat.change(
        SERVICES
            .map(|part| (part.to_owned(), json!({"env": null})))
            .into_iter()
            .collect(),
    )
    .await;
    chat.settled(WITHIN).await;
}
