//! Guarantee 6: no real-time layer, no outage.

use std::time::Duration;

use plaza_testkit::eventually;
use serde_json::{Value, json};

use crate::support::{Person, Plaza};

/// Everything that people do, by somebody new and somebody known.
async fn people_go_on(plaza: &Plaza, ada: &Person, room: &str) -> Value {
    let newcomer = plaza.person().await;
    let found = newcomer
        .ask(
            plaza,
            "{ discoverRooms(query: \"outage\") { nodes { id } } }",
            json!({}),
        )
        .await;
    assert_eq!(found.data()["discoverRooms"]["nodes"][0]["id"], room);
    newcomer.joins(plaza, room).await;
    let sent = newcomer.sends(plaza, room, "still here").await;
    let page = "query($room: ID!) { room(id: $room) { messages(last: 1) { nodes { id } } } }";
    let page = ada.ask(plaza, page, json!({ "room": room })).await;
    assert_eq!(
        page.data()["room"]["messages"]["nodes"][0]["id"],
        sent["id"]
    );
    let heads = ada
        .ask(
            plaza,
            "{ heads { pollAfter rooms { roomId headSeq } } }",
            json!({}),
        )
        .await;
    let heads = &heads.data()["heads"];
    assert_eq!(
        heads["rooms"][0],
        json!({ "roomId": room, "headSeq": sent["seq"] })
    );
    let poll_after = heads["pollAfter"].as_i64().unwrap();
    assert!((5_000..=60_000).contains(&poll_after), "{poll_after}");
    sent
}

async fn seqs(plaza: &Plaza, person: &Person) -> Vec<i64> {
    let events = plaza.events(&format!("personal:{}", person.id)).await;
    events
        .iter()
        .filter_map(|event| event["seq"].as_i64())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_6_people_go_on_without_each_real_time_part_and_miss_nothing() {
    let plaza = Plaza::start().await;
    let ada = plaza.person().await;
    let room = ada.creates_room(&plaza, "Outage").await;
    let mut last = ada.sends(&plaza, &room, "all is well").await;
    for (part, felt) in [
        ("publisher", None),
        (
            "centrifugo",
            Some((
                "publisher",
                r#"plaza_publisher_retries_total{of="centrifugo"}"#,
            )),
        ),
        ("redis", Some(("messages", "plaza_relay_failures_total"))),
    ] {
        plaza.ctl(&["kill", part]);
        last = people_go_on(&plaza, &ada, &room).await;
        let (ready, why) = plaza.operations("messages", "/readyz").await;
        assert_eq!(ready, 200, "without {part}: {why}");
        if let Some((who, failures)) = felt {
            eventually(Duration::from_secs(30), async || {
                let (_, metrics) = plaza.operations(who, "/metrics").await;
                metrics.contains(failures)
            })
            .await;
        }
        plaza.ctl(&["start", part]);
        // Everything that was sent meanwhile arrives. (A Redis that came back
        // may also have forgotten Centrifugo's history: the end is what counts.)
        eventually(Duration::from_secs(30), async || {
            let seqs = seqs(&plaza, &ada).await;
            if seqs.last() == last["seq"].as_i64().as_ref() {
                Ok(())
            } else {
                Err((part, seqs))
            }
        })
        .await;
    }
    let seqs = seqs(&plaza, &ada).await;
    let mut once = seqs.clone();
    once.dedup();
    let end = last["seq"].as_i64().unwrap();
    assert_eq!(once.last(), Some(&end));
    assert!(
        once.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "a gap or disorder: {seqs:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_6_people_go_on_with_real_time_off() {
    let plaza = Plaza::start_with(&["--realtime-off"]).await;
    let ada = plaza.person().await;
    let room = ada.creates_room(&plaza, "Outage").await;
    people_go_on(&plaza, &ada, &room).await;
    let token = ada
        .ask(&plaza, "mutation { connectionToken { token } }", json!({}))
        .await;
    assert!(token.data()["connectionToken"].is_null());
}
